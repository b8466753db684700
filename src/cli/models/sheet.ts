import { UpresError } from '../../errors.js';
import { loadSharp } from '../../image/codec/sharp.js';
import { pictureLike } from '../../network/weights/trial-pictures.js';
import type { PixelImage } from '../../pixels.js';

/** Side of the picture that a network is tried on. */
const side = 96;

/** Between the two pictures, in pixels. */
const gap = 8;

/**
 * The picture that a sheet shows: the middle of a file, or one that is drawn.
 * @throws INPUT_UNREADABLE
 */
export async function samplePicture(file: string | undefined): Promise<PixelImage> {
  if (file === undefined) return drawn();
  const sharp = await loadSharp();
  try {
    const { data, info } = await sharp(file)
      .rotate()
      .toColourspace('srgb')
      .flatten({ background: '#fff' })
      .resize(side, side, { fit: 'cover', withoutReduction: true, withoutEnlargement: true })
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`it has ${info.channels} channels`);
    return { width: info.width, height: info.height, channels: 3, data: new Uint8Array(data) };
  } catch (cause) {
    throw new UpresError('INPUT_UNREADABLE', `${file} can't be read as the sample: ${String(cause)}`, { file, cause });
  }
}

function drawn(): PixelImage {
  const plane = pictureLike(side, 0.9).data;
  const data = Uint8Array.from(plane, (_, at) => Math.round(255 * plane[(at % 3) * side * side + Math.floor(at / 3)]!));
  return { width: side, height: side, channels: 3, data };
}

/** Both pictures side by side as a PNG: larger pixels at the left, what the network made of them at the right. */
export async function sheetOf(before: PixelImage, after: PixelImage): Promise<Uint8Array> {
  const sharp = await loadSharp();
  const { width, height } = after;
  const row = 2 * width + gap;
  const canvas = new Uint8Array(row * height * 3).fill(128);
  for (let y = 0; y < height; y++) {
    [before, after].forEach(({ data }, at) => {
      canvas.set(data.subarray(y * width * 3, (y + 1) * width * 3), (y * row + at * (width + gap)) * 3);
    });
  }
  return sharp(canvas, { raw: { width: row, height, channels: 3 } })
    .png()
    .toBuffer();
}
