import { maxValue, type PixelImage } from '../../pixels.js';
import { inThisThread, type DoRows, type RowWork } from '../../row-work.js';

/** Marks of a pixel: it has a colour of the drawing; it lies in a block of 2×2 of one colour. */
export const own = 1;
export const paired = 2;

/** Which pixels have colours that were drawn with, rather than what came out between two of them. All on shared memory. */
export interface Drawn {
  /** `own` and `paired` for each pixel. */
  readonly marks: Uint8Array;
  /** 1 for each row that has any marks. */
  readonly rows: Uint8Array;
}

/** Whether a row, or one next to it, has any marks. */
export const isNear = ({ rows }: Drawn, y: number): boolean => (rows[y - 1] ?? 0) + rows[y]! + (rows[y + 1] ?? 0) > 0;

const stepsPerPixel = 6;

/** A bit for each of this many hashes: most pixels of a photograph are told apart from the few colours by it. */
const hashes = 1 << 16;

/**
 * Finds the colours that fill a block of 3×3 somewhere in the picture, and all pixels that have one of them. A value in between,
 * at an edge or in a stroke thinner than two pixels, does not fill a block. Undefined where there is no such colour, as in most
 * photographs.
 */
export async function drawnColours(plane: PixelImage, doRows: DoRows = inThisThread): Promise<Drawn | undefined> {
  const { width, height } = plane;
  const drawn = {
    marks: new Uint8Array(new SharedArrayBuffer(width * height)),
    rows: new Uint8Array(new SharedArrayBuffer(height)),
  };
  const found = await doRows(findBlocks, { plane, drawn }, height - 1, width * stepsPerPixel);
  const colours = new Set(found.flatMap((each) => [...each]));
  if (colours.size === 0) return undefined;
  await doRows(markOwn, { plane, drawn, colours }, height, width * stepsPerPixel);
  return drawn;
}

interface Looking {
  readonly plane: PixelImage;
  /** Two bands may write the same to a row between them. */
  readonly drawn: Drawn;
}

/** Marks blocks of 2×2, and finds the colours of those of 3×3, by their upper left pixels. */
export const findBlocks: RowWork<Looking, ReadonlySet<number>> = {
  module: new URL('./drawn-colours.js', import.meta.url).href,
  name: 'findBlocks',
  begin: ({ plane, drawn: { marks, rows } }) => {
    const { width, height, channels, data } = plane;
    const stride = width * channels;
    const { nameAt } = namesOf(plane);
    const isSame = (at: number, other: number): boolean =>
      data[at] === data[other] &&
      (channels === 1 || (data[at + 1] === data[other + 1] && data[at + 2] === data[other + 2]));
    return (from, to) => {
      const colours = new Set<number>();
      for (let y = from; y < to; y++) {
        for (let x = 0, at = y * stride; x < width - 1; x++, at += channels) {
          if (!isSame(at, at + channels) || !isSame(at, at + stride) || !isSame(at, at + stride + channels)) continue;
          const pixel = y * width + x;
          marks[pixel] = marks[pixel + 1] = marks[pixel + width] = marks[pixel + width + 1] = paired;
          rows[y] = rows[y + 1] = 1;
          if (x + 2 >= width || y + 2 >= height) continue;
          const [right, below] = [at + 2 * channels, at + 2 * stride];
          if (!isSame(at, right) || !isSame(at, right + stride) || !isSame(at, below)) continue;
          if (isSame(at, below + channels) && isSame(at, right + 2 * stride)) colours.add(nameAt(at));
        }
      }
      return colours;
    };
  },
};

/** Marks the pixels that have one of the colours. */
export const markOwn: RowWork<Looking & { readonly colours: ReadonlySet<number> }, void> = {
  module: new URL('./drawn-colours.js', import.meta.url).href,
  name: 'markOwn',
  begin: ({ plane, drawn: { marks, rows }, colours }) => {
    const { width, channels } = plane;
    const { nameAt, hashAt, hashOf } = namesOf(plane);
    const hashed = new Uint8Array(hashes);
    for (const colour of colours) hashed[hashOf(colour)] = 1;
    return (from, to) => {
      let [last, isLastDrawn] = [-1, false];
      for (let y = from; y < to; y++) {
        for (let x = 0, at = y * width * channels; x < width; x++, at += channels) {
          if (!hashed[hashAt(at)]) continue;
          const name = nameAt(at);
          // Next to a pixel of the drawing there is mostly another one.
          if (name !== last) [last, isLastDrawn] = [name, colours.has(name)];
          if (!isLastDrawn) continue;
          marks[y * width + x]! |= own;
          rows[y] = 1;
        }
      }
    };
  },
};

/** Colours as numbers; of 8 bits a channel these are small integers, which a set finds several times as fast. */
function namesOf({ channels, data }: PixelImage): {
  readonly nameAt: (at: number) => number;
  readonly hashAt: (at: number) => number;
  readonly hashOf: (name: number) => number;
} {
  const values = maxValue(data) + 1;
  if (channels === 1) return { nameAt: (at) => data[at]!, hashAt: (at) => data[at]!, hashOf: (name) => name };
  const hash = (red: number, green: number, blue: number): number => (red + green * 173 + blue * 8461) & (hashes - 1);
  return {
    nameAt: (at) => (data[at]! * values + data[at + 1]!) * values + data[at + 2]!,
    hashAt: (at) => hash(data[at]!, data[at + 1]!, data[at + 2]!),
    hashOf: (name) => hash(Math.floor(name / values ** 2), Math.floor(name / values) % values, name % values),
  };
}
