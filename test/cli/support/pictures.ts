import sharp from 'sharp';
import type { OutputFormat } from '#src/image/upscale.js';

/** A picture of noise that is the same every time: nothing in it can be computed once for two places. */
export function picture(width: number, height: number, format: OutputFormat = 'png'): Promise<Uint8Array> {
  const data = new Uint8Array(width * height * 3);
  let state = 0x2545f491;
  for (let i = 0; i < data.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    data[i] = 64 + ((state >>> 8) & 127);
  }
  const image = sharp(data, { raw: { width, height, channels: 3 } });
  return (format === 'png' ? image.png({ compressionLevel: 1 }) : image.toFormat(format)).toBuffer();
}

/** Size and format of an image file. */
export async function look(file: string): Promise<{ width: number; height: number; format: string }> {
  const { width, height, format, mediaType } = await sharp(file).metadata();
  return { width, height, format: mediaType === 'image/avif' ? 'avif' : format };
}
