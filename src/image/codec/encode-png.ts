import type { Sharp } from 'sharp';
import type { Samples } from '../../pixels.js';
import { encodeFewColours } from './few-colours.js';

/**
 * Level 4 with adaptive filters takes 65 ms where sharp's usual (level 6, no filters) takes 46 ms, for half the bytes; level 9
 * takes 618 ms for another 5 % (photographs, drawings and text of about a megapixel, in one thread).
 */
export const pngSettings = { compressionLevel: 4, adaptiveFiltering: true, palette: false } as const;

/** Of drawings: level 9 is quick on them, and saves a tenth to a quarter; whether filters help, only trying tells. */
const drawingSettings = [true, false].map((adaptiveFiltering) => ({
  ...pngSettings,
  compressionLevel: 9,
  adaptiveFiltering,
}));

/** Bytes for each pixel below which a PNG is a drawing's. */
const drawingBytes = 1;

/** Level 9 would keep a core busy for many minutes with more than these. */
const mostTriedPixels = 64_000_000;

/**
 * The smallest PNG that is worth its time: of few colours, with a palette.
 * @param pixels without data where it is known that they have more colours than a palette holds
 * @param near whether a palette may also stand for more colours than it holds, as far as no one sees it
 * @param pipeline gives the same pixels to the encoder, each time; throws where no one wants them any more
 */
export async function encodePng(pixels: PngPixels, near: boolean, pipeline: () => Sharp): Promise<Uint8Array> {
  const { data, width, height } = pixels;
  const few = data instanceof Uint8Array ? await encodeFewColours({ ...pixels, data }, near) : undefined;
  if (few) return few;
  let best = await pipeline().png(pngSettings).toBuffer();
  if (best.length >= drawingBytes * width * height || width * height > mostTriedPixels) return best;
  for (const settings of drawingSettings) {
    const other = await pipeline().png(settings).toBuffer();
    if (other.length < best.length) best = other;
  }
  return best;
}

interface PngPixels {
  readonly data: Samples | undefined;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2 | 3 | 4;
}
