import sharp from 'sharp';
import { photograph } from './pictures.js';

/** Sides of the squares in a mixed load, in pixels: icons to photographs, as they come. */
export const mixedSides = [48, 512, 96, 256, 160, 384, 64, 192] as const;

/** JPEG files of squares out of a photograph, no two of them the same picture. */
export async function mixedPictures(count: number, reduction = 1): Promise<Buffer[]> {
  const source = await photograph(1024);
  return Promise.all(
    Array.from({ length: count }, (_, index) => {
      const side = Math.round(mixedSides[index % mixedSides.length]! / reduction);
      const room = source.width - side;
      const raw = { width: source.width, height: source.height, channels: 3 as const };
      return sharp(source.data, { raw })
        .extract({ left: (index * 97) % room, top: (index * 61) % room, width: side, height: side })
        .jpeg({ quality: 85 })
        .toBuffer();
    }),
  );
}

/** One JPEG file of a square photograph. */
export async function jpegOf(side: number): Promise<Buffer> {
  const { data, width, height } = await photograph(side);
  return sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 85 })
    .toBuffer();
}

/**
 * The same picture in other bytes, so that no one knows it already: a JPEG file with a comment.
 * @param number tells one from the other
 */
export function withComment(jpeg: Buffer, number: number): Buffer {
  const text = Buffer.from(String(number).padStart(12, '0'));
  // A marker segment counts its own two bytes of length (ITU-T T.81, B.2.4.5).
  const segment = Buffer.from([0xff, 0xfe, 0, text.length + 2]);
  return Buffer.concat([jpeg.subarray(0, 2), segment, text, jpeg.subarray(2)]);
}

/** Bodies one after the other, from the first again after the last, each in bytes that were never sent before. */
export function endless(pictures: readonly Buffer[]): () => Buffer {
  let count = 0;
  return () => withComment(pictures[count % pictures.length]!, count++);
}
