import { inBands } from '../../event-loop.js';
import { maxValue, type PixelImage } from '../../pixels.js';

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
  // Of 8 bits a channel, names are small integers, which a set finds several times as fast.
  const values = maxValue(data) + 1;
  const nameAt = (at: number): number =>
    channels === 1 ? data[at]! : (data[at]! * values + data[at + 1]!) * values + data[at + 2]!;
  const hashAt = (at: number): number =>
    (channels === 1 ? data[at]! : data[at]! + data[at + 1]! * 173 + data[at + 2]! * 8461) & (hashes - 1);
  const isSame = (at: number, other: number): boolean =>
    data[at] === data[other] &&
    (channels === 1 || (data[at + 1] === data[other + 1] && data[at + 2] === data[other + 2]));
  await inBands(height - 1, width * stepsPerPixel, (from, to) => {
    for (let y = from; y < to; y++) {
      for (let x = 0, at = y * stride; x < width - 1; x++, at += channels) {
        if (!isSame(at, at + channels) || !isSame(at, at + stride) || !isSame(at, at + stride + channels)) continue;
        const pixel = y * width + x;
        marks[pixel] = marks[pixel + 1] = marks[pixel + width] = marks[pixel + width + 1] = paired;
        rows[y] = rows[y + 1] = 1;
        if (x + 2 >= width || y + 2 >= height) continue;
        const [right, below] = [at + 2 * channels, at + 2 * stride];
        if (!isSame(at, right) || !isSame(at, right + stride) || !isSame(at, below)) continue;
        if (!isSame(at, below + channels) || !isSame(at, right + 2 * stride)) continue;
        colours.add(nameAt(at));
        hashed[hashAt(at)] = 1;
      }
    }
  });
  if (colours.size === 0) return undefined;
  await inBands(height, width * stepsPerPixel, (from, to) => {
    let [last, isLastDrawn] = [-1, false];
    for (let y = from; y < to; y++) {
      for (let x = 0, at = y * stride; x < width; x++, at += channels) {
        if (!hashed[hashAt(at)]) continue;
        const name = nameAt(at);
        // Next to a pixel of the drawing there is mostly another one.
        if (name !== last) [last, isLastDrawn] = [name, colours.has(name)];
        if (!isLastDrawn) continue;
        marks[y * width + x]! |= own;
        rows[y] = 1;
      }
    }
  });
  return { marks, isNear: (y) => (rows[y - 1] ?? 0) + rows[y]! + rows[y + 1]! > 0 };
}
