import { drawnColours, isNear, own, paired, type Drawn } from './drawn-colours.js';
import { maxValue, type PixelImage } from '../../pixels.js';
import { inThisThread, type DoRows, type RowWork } from '../../row-work.js';
import { isAreaReduced } from './reduction.js';

/**
 * What a plane is held to: `faithful` to bounds and means; `bounded` to bounds alone; `restored`, whose network is meant to
 * depart from a damaged source, only to flat colours that it nearly gave itself.
 */
export type Settling = 'faithful' | 'bounded' | 'restored';

/** What was found out about a plane, and how it was treated. */
export interface Settled {
  readonly drawn: Drawn;
  /** Whether the mean of each cell is the source's value. */
  readonly means: boolean;
}

/** What differs by this many levels of 255 from a colour of the drawing is meant to be that colour. */
export const sameLevels = 2;

/** What looking at the pixels around one costs. */
const stepsAround = 24;

/**
 * Takes the ringing out of an enlarged drawing: light and dark seams next to edges, stray dots in clear areas, and near-colours
 * that compress badly.
 *
 * An edge between two flat colours, however it was sampled, has only values between them. So where the 3×3 of a source pixel
 * has as its least or largest value a colour that is flat somewhere in the picture (`drawnColours`), no pixel of its cell lies
 * beyond; where all nine are equal, the cell is that colour. Where the picture was made by averaging areas, as renderers of
 * drawings do (`isAreaReduced`), the mean of a cell is the source's value: the cell is moved by a constant, within the bounds,
 * until it is: of all cells that keep both, the nearest in the sense of least squares. (It is the "iterative back-projection" of
 * Irani and Peleg, 1991, which takes one step where the kernel is a box.) Photographs have next to no such colours and are left
 * as they are.
 *
 * @param enlarged changed in place; its sides are a multiple of the source's
 * @param source as the network saw it
 * @param cover the source's alpha, for colours under one: means hold for what is opaque alone
 * @param doRows does the work; where that is other threads, all planes lie on shared memory
 * @param drawn what was drawn with in the source, where that is known already
 * @returns undefined where there is nothing drawn, and nothing was changed
 */
export async function dering(
  enlarged: PixelImage,
  source: PixelImage,
  settling: Settling,
  cover?: PixelImage,
  doRows: DoRows = inThisThread,
  drawn: Promise<Drawn | undefined> = drawnColours(source, doRows),
): Promise<Settled | undefined> {
  const found = await drawn;
  if (!found) return undefined;
  const means = settling === 'faithful' && (await isAreaReduced(enlarged, source, found, cover, doRows));
  const given = { enlarged, source, drawn: found, settling, means: means ? (cover ?? 'opaque') : undefined } as const;
  await settle(given, doRows);
  return { drawn: found, means };
}

/** `dering`, once it is known what was drawn and whether means hold. */
export async function settle(given: Settle, doRows: DoRows): Promise<void> {
  const { width, height, channels } = given.source;
  const size = (given.enlarged.width / width) ** 2;
  await doRows(settleCells, given, height, width * (stepsAround + size * channels));
}

/** A picture, or rows of one. */
interface Settle {
  readonly enlarged: PixelImage;
  readonly source: PixelImage;
  readonly drawn: Drawn;
  readonly settling: Settling;
  /** What means hold under; undefined where they do not. */
  readonly means: PixelImage | 'opaque' | undefined;
}

/** Each cell by what is in its own place and, in the source, in the eight around. */
export const settleCells: RowWork<Settle, void> = {
  module: new URL('./dering.js', import.meta.url).href,
  name: 'settleCells',
  begin: ({ enlarged, source, drawn, settling, means }) => {
    const cells = new Cells(enlarged, source, drawn, settling, means);
    return (from, to) => {
      for (let y = from; y < to; y++) if (isNear(drawn, y)) cells.settleRow(y);
    };
  },
};

class Cells {
  private readonly scale: number;
  private readonly values: Float64Array;
  private readonly full: number;
  private readonly near: number;
  /** Of the three pixels of each column around a row: marks that one of them has, and that all have; whether all are opaque. */
  private readonly some: Uint8Array;
  private readonly every: Uint8Array;
  private readonly opaque: Uint8Array;
  /** Where the pixels around one are that have a colour of the drawing, and the others. */
  private readonly owns = new Int32Array(9);
  private readonly others = new Int32Array(9);
  private ownCount = 0;
  private otherCount = 0;

  constructor(
    private readonly enlarged: PixelImage,
    private readonly source: PixelImage,
    private readonly drawn: Drawn,
    private readonly settling: Settling,
    /** What means hold under; undefined where they do not. */
    private readonly means: PixelImage | 'opaque' | undefined,
  ) {
    this.scale = enlarged.width / source.width;
    this.values = new Float64Array(this.scale ** 2);
    this.full = maxValue(source.data);
    this.near = Math.round((this.full / 255) * sameLevels);
    this.some = new Uint8Array(source.width);
    this.every = new Uint8Array(source.width);
    this.opaque = new Uint8Array(source.width).fill(1);
  }

  settleRow(y: number): void {
    const { some, every, opaque, settling } = this;
    const { width, height, channels, data } = this.source;
    const top = Math.max(0, y - 1) * width;
    const bottom = Math.min(height - 1, y + 1) * width;
    this.readColumns(top, y * width, bottom);
    for (let x = 0; x < width; x++) {
      const left = Math.max(0, x - 1);
      const right = Math.min(width - 1, x + 1);
      const seen = some[left]! | some[x]! | some[right]!;
      if (seen === 0) continue;
      // Where all nine are equal, each is in a block of 2×2.
      const flat = (every[left]! & every[x]! & every[right]! & paired) !== 0 && this.isFlat(top, bottom, left, right);
      if (flat) {
        this.fill(x, y);
        continue;
      }
      const mean = this.means !== undefined && (opaque[left]! & opaque[x]! & opaque[right]!) === 1;
      if (settling === 'restored' || (!mean && !(seen & own))) continue;
      this.lookAround(top, bottom, left, right);
      for (let channel = 0; channel < channels; channel++) {
        this.settle(x, y, channel, mean ? data[(y * width + x) * channels + channel]! : undefined);
      }
    }
  }

  private readColumns(top: number, middle: number, bottom: number): void {
    const { some, every, opaque, full, means } = this;
    const { marks } = this.drawn;
    for (let x = 0; x < some.length; x++) {
      const [above, at, below] = [marks[top + x]!, marks[middle + x]!, marks[bottom + x]!];
      some[x] = above | at | below;
      every[x] = above & at & below;
    }
    if (means === 'opaque' || !means) return;
    const { data } = means;
    for (let x = 0; x < some.length; x++) {
      opaque[x] = data[top + x] === full && data[middle + x] === full && data[bottom + x] === full ? 1 : 0;
    }
  }

  private lookAround(top: number, bottom: number, left: number, right: number): void {
    const { owns, others } = this;
    const { width, channels } = this.source;
    const { marks } = this.drawn;
    let [found, other] = [0, 0];
    for (let row = top; row <= bottom; row += width) {
      for (let pixel = row + left; pixel <= row + right; pixel++) {
        if (marks[pixel]! & own) owns[found++] = pixel * channels;
        else others[other++] = pixel * channels;
      }
    }
    this.ownCount = found;
    this.otherCount = other;
  }

  /** Bounds first: the least and the largest value around, where a colour of the drawing has it. */
  private settle(x: number, y: number, channel: number, mean: number | undefined): void {
    const { near, full, scale, owns, ownCount, others, otherCount } = this;
    const { data } = this.source;
    let [least, largest] = [full + 1, -1];
    for (let index = 0; index < ownCount; index++) {
      const value = data[owns[index]! + channel]!;
      if (value < least) least = value;
      if (value > largest) largest = value;
    }
    let [isLow, isHigh] = [ownCount > 0, ownCount > 0];
    for (let index = 0; (isLow || isHigh) && index < otherCount; index++) {
      const value = data[others[index]! + channel]!;
      if (value < least) isLow = false;
      if (value > largest) isHigh = false;
    }
    if (mean === undefined && !isLow && !isHigh) return;
    const low = isLow ? least : 0;
    const high = isHigh ? largest : full;
    const shift = mean === undefined ? 0 : this.shiftWithin(x, y, channel, low, high, mean);
    const { width, channels, data: made } = this.enlarged;
    for (let row = y * scale; row < (y + 1) * scale; row++) {
      let at = (row * width + x * scale) * channels + channel;
      for (let column = 0; column < scale; column++, at += channels) {
        const value = Math.min(high, Math.max(low, made[at]! + shift));
        if (isLow && value - low <= near) made[at] = low;
        else if (isHigh && high - value <= near) made[at] = high;
        else made[at] = value;
      }
    }
  }

  /** How far the values of a cell are to be moved for this mean. */
  private shiftWithin(x: number, y: number, channel: number, low: number, high: number, mean: number): number {
    const { scale, values, full } = this;
    const { width, channels, data } = this.enlarged;
    let to = 0;
    for (let row = y * scale; row < (y + 1) * scale; row++) {
      let at = (row * width + x * scale) * channels + channel;
      for (let column = 0; column < scale; column++, at += channels) values[to++] = data[at]!;
    }
    const sumAt = (moved: number): number => {
      let sum = 0;
      for (let at = 0; at < to; at++) sum += Math.min(high, Math.max(low, values[at]! + moved));
      return sum;
    };
    return shiftTo(mean * to, full, sumAt, Math.round(mean - sumAt(0) / to));
  }

  private fill(x: number, y: number): void {
    const { scale, near, settling } = this;
    const { width, channels, data } = this.enlarged;
    const from = (y * this.source.width + x) * channels;
    for (let channel = 0; channel < channels; channel++) {
      const value = this.source.data[from + channel]!;
      for (let row = y * scale; row < (y + 1) * scale; row++) {
        let at = (row * width + x * scale) * channels + channel;
        for (let column = 0; column < scale; column++, at += channels) {
          if (settling !== 'restored' || Math.abs(data[at]! - value) <= near) data[at] = value;
        }
      }
    }
  }

  private isFlat(top: number, bottom: number, left: number, right: number): boolean {
    const { width, channels, data } = this.source;
    const first = (top + left) * channels;
    for (let channel = 0; channel < channels; channel++) {
      const value = data[first + channel];
      for (let row = top; row <= bottom; row += width) {
        for (let pixel = row + left; pixel <= row + right; pixel++) {
          if (data[pixel * channels + channel] !== value) return false;
        }
      }
    }
    return true;
  }
}

/**
 * The whole number by which all values of a cell are moved so that their sum, each kept within bounds, comes nearest to what it
 * should be: of all cells that keep both, that is the nearest in the sense of least squares.
 *
 * @param most how far values can be moved at most
 * @param sumAt the sum after a move by so much; it never falls when that grows
 * @param guess a whole number near which it probably is: changes nothing but how long it takes
 */
export function shiftTo(sum: number, most: number, sumAt: (shift: number) => number, guess = 0): number {
  let [below, above] = [-most, most];
  // From the guess in steps that double, until it is known to lie between two of them.
  for (let [at, step] = [guess, 1]; at > below && at < above; step *= 2) {
    if (sumAt(at) < sum) {
      below = at;
      at += step;
    } else {
      above = at;
      at -= step;
    }
  }
  while (above - below > 1) {
    const middle = (below + above) >> 1;
    if (sumAt(middle) < sum) below = middle;
    else above = middle;
  }
  return sumAt(above) - sum <= sum - sumAt(below) ? above : below;
}
