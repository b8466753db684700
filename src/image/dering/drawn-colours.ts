import { inBands } from '../../event-loop.js';
import type { PixelImage } from '../../pixels.js';

/** Marks of a pixel: it has a colour of the drawing; it lies in a block of 2×2 of one colour. */
export const own = 1;
export const paired = 2;

/** Which pixels have colours that were drawn with, rather than what came out between two of them. */
export interface Drawn {
  /** `own` and `paired` for each pixel. */
  readonly marks: Uint8Array;
  /** Whether a row, or one next to it, has any marks. */
  isNear(y: number): boolean;
}

const stepsPerPixel = 6;

/** A bit for each of this many hashes: most pixels of a photograph are told apart from the few colours by it. */
const hashes = 1 << 16;

/**
 * Finds the colours that fill a block of 3×3 somewhere in the picture, and all pixels that have one of them. A value in between,
 * at an edge or in a stroke thinner than two pixels, does not fill a block. Undefined where there is no such colour, as in most
 * photographs.
 */
export async function drawnColours(plane: PixelImage): Promise<Drawn | undefined> {
  const { width, height, channels, data } = plane;
  const stride = width * channels;
  const marks = new Uint8Array(width * height);
  const rows = new Uint8Array(height + 2);
  const colours = new Set<number>();
  const hashed = new Uint8Array(hashes);
  const nameAt = (at: number): number =>
    channels === 1 ? data[at]! : (data[at]! * 65536 + data[at + 1]!) * 65536 + data[at + 2]!;
  const hashAt = (at: number): number =>
    (channels === 1 ? data[at]! : data[at]! + data[at + 1]! * 173 + data[at + 2]! * 8461) & (hashes - 1);
  // Rows of values: of pixels side by side, all channels are equal to those of the one before.
  const isLine = (at: number, pixels: number): boolean => {
    for (const end = at + (pixels - 1) * channels; at < end; at++) if (data[at] !== data[at + channels]) return false;
    return true;
  };
  const isBelow = (at: number): boolean => {
    for (const end = at + channels; at < end; at++) if (data[at] !== data[at + stride]) return false;
    return true;
  };
  await inBands(height - 1, width * stepsPerPixel, (from, to) => {
    for (let y = from; y < to; y++) {
      for (let x = 0; x < width - 1; x++) {
        const at = y * stride + x * channels;
        if (!isLine(at, 2) || !isBelow(at) || !isLine(at + stride, 2)) continue;
        const pixel = y * width + x;
        marks[pixel] = marks[pixel + 1] = marks[pixel + width] = marks[pixel + width + 1] = paired;
        rows[y] = rows[y + 1] = 1;
        if (x + 2 >= width || y + 2 >= height || !isBelow(at + stride)) continue;
        if (!isLine(at, 3) || !isLine(at + stride, 3) || !isLine(at + 2 * stride, 3)) continue;
        colours.add(nameAt(at));
        hashed[hashAt(at)] = 1;
      }
    }
  });
  if (colours.size === 0) return undefined;
  await inBands(height, width * stepsPerPixel, (from, to) => {
    for (let y = from; y < to; y++) {
      for (let x = 0; x < width; x++) {
        const at = y * stride + x * channels;
        if (!hashed[hashAt(at)] || !colours.has(nameAt(at))) continue;
        marks[y * width + x]! |= own;
        rows[y] = 1;
      }
    }
  });
  return { marks, isNear: (y) => (rows[y - 1] ?? 0) + rows[y]! + rows[y + 1]! > 0 };
}
