import { inBands } from '../../event-loop.js';
import { drawnColours, own, type Drawn } from './drawn-colours.js';
import { maxValue, type PixelImage } from '../../pixels.js';
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
 * @returns undefined where there is nothing drawn, and nothing was changed
 */
export async function dering(
  enlarged: PixelImage,
  source: PixelImage,
  settling: Settling,
  cover?: PixelImage,
): Promise<Settled | undefined> {
  const drawn = await drawnColours(source);
  if (!drawn) return undefined;
  const means = settling === 'faithful' && (await isAreaReduced(enlarged, source, drawn, cover));
  await settleRows(enlarged, source, drawn, settling, means ? (cover ?? 'opaque') : undefined, 0, source.height);
  return { drawn, means };
}

/**
 * `dering` of some rows, once it is known what was drawn and whether means hold.
 * @param means what they hold under; undefined where they do not
 * @param first row of the source, up to before `end`: those above and below are looked at where there are any
 */
export async function settleRows(
  enlarged: PixelImage,
  source: PixelImage,
  drawn: Drawn,
  settling: Settling,
  means: PixelImage | 'opaque' | undefined,
  first: number,
  end: number,
): Promise<void> {
  const cells = new Cells(enlarged, source, drawn, settling, means);
  await inBands(end - first, source.width * (stepsAround + cells.size * source.channels), (from, to) => {
    for (let y = first + from; y < first + to; y++) if (drawn.isNear(y)) cells.settleRow(y);
  });
}

class Cells {
  /** Pixels of a cell. */
  readonly size: number;
  private readonly scale: number;
  private readonly values: Float64Array;
  private readonly full: number;
  private readonly near: number;

  constructor(
    private readonly enlarged: PixelImage,
    private readonly source: PixelImage,
    private readonly drawn: Drawn,
    private readonly settling: Settling,
    /** What means hold under; undefined where they do not. */
    private readonly means: PixelImage | 'opaque' | undefined,
  ) {
    this.scale = enlarged.width / source.width;
    this.size = this.scale ** 2;
    this.values = new Float64Array(this.size);
    this.full = maxValue(source.data);
    this.near = Math.round((this.full / 255) * sameLevels);
  }

  settleRow(y: number): void {
    const { width, height, channels, data } = this.source;
    const { marks } = this.drawn;
    const top = Math.max(0, y - 1) * width;
    const bottom = Math.min(height - 1, y + 1) * width;
    for (let x = 0; x < width; x++) {
      const left = Math.max(0, x - 1);
      const right = Math.min(width - 1, x + 1);
      let seen = 0;
      for (let row = top; row <= bottom; row += width)
        for (let at = row + left; at <= row + right; at++) seen |= marks[at]!;
      if (seen === 0) continue;
      const mean = this.means !== undefined && this.isOpaque(top, bottom, left, right);
      const flat = this.isFlat(top, bottom, left, right);
      if (!flat && (this.settling === 'restored' || (!mean && !(seen & own)))) continue;
      for (let channel = 0; channel < channels; channel++) {
        const value = data[(y * width + x) * channels + channel]!;
        if (flat) this.fill(x, y, channel, value);
        else this.settle(x, y, channel, top, bottom, left, right, mean ? value : undefined);
      }
    }
  }

  /** Bounds first: the least and the largest value around, where a colour of the drawing has it. */
  private settle(
    x: number,
    y: number,
    channel: number,
    top: number,
    bottom: number,
    left: number,
    right: number,
    mean: number | undefined,
  ): void {
    const { width, channels, data } = this.source;
    const { marks } = this.drawn;
    let [least, largest, leastOwn, largestOwn] = [this.full, 0, this.full + 1, -1];
    for (let row = top; row <= bottom; row += width) {
      for (let at = row + left; at <= row + right; at++) {
        const value = data[at * channels + channel]!;
        if (value < least) least = value;
        if (value > largest) largest = value;
        if (!(marks[at]! & own)) continue;
        if (value < leastOwn) leastOwn = value;
        if (value > largestOwn) largestOwn = value;
      }
    }
    const low = leastOwn === least ? least : 0;
    const high = largestOwn === largest ? largest : this.full;
    this.read(x, y, channel);
    const { values, near } = this;
    const sumAt = (moved: number): number => {
      let sum = 0;
      for (const one of values) sum += Math.min(high, Math.max(low, one + moved));
      return sum;
    };
    const shift = mean === undefined ? 0 : shiftTo(mean * this.size, this.full, sumAt);
    for (let at = 0; at < values.length; at++) {
      const value = Math.min(high, Math.max(low, values[at]! + shift));
      if (value - leastOwn <= near && leastOwn === least) values[at] = least;
      else if (largestOwn - value <= near && largestOwn === largest) values[at] = largest;
      else values[at] = value;
    }
    this.write(x, y, channel);
  }

  private fill(x: number, y: number, channel: number, value: number): void {
    const { values, near, settling } = this;
    this.read(x, y, channel);
    for (let at = 0; at < values.length; at++) {
      if (settling !== 'restored' || Math.abs(values[at]! - value) <= near) values[at] = value;
    }
    this.write(x, y, channel);
  }

  private read(x: number, y: number, channel: number): void {
    const { scale, values } = this;
    const { width, channels, data } = this.enlarged;
    let to = 0;
    for (let row = y * scale; row < (y + 1) * scale; row++) {
      let at = (row * width + x * scale) * channels + channel;
      for (let column = 0; column < scale; column++, at += channels) values[to++] = data[at]!;
    }
  }

  private write(x: number, y: number, channel: number): void {
    const { scale, values } = this;
    const { width, channels, data } = this.enlarged;
    let from = 0;
    for (let row = y * scale; row < (y + 1) * scale; row++) {
      let at = (row * width + x * scale) * channels + channel;
      for (let column = 0; column < scale; column++, at += channels) data[at] = values[from++]!;
    }
  }

  private isOpaque(top: number, bottom: number, left: number, right: number): boolean {
    if (this.means === 'opaque' || !this.means) return true;
    const { width, data } = this.means;
    for (let row = top; row <= bottom; row += width) {
      for (let at = row + left; at <= row + right; at++) if (data[at] !== this.full) return false;
    }
    return true;
  }

  private isFlat(top: number, bottom: number, left: number, right: number): boolean {
    const { width, channels, data } = this.source;
    const first = (top + left) * channels;
    for (let row = top; row <= bottom; row += width) {
      const start = (row + left) * channels;
      for (let at = start; at < (row + right + 1) * channels; at++) {
        if (data[at] !== data[first + ((at - start) % channels)]) return false;
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
 */
export function shiftTo(sum: number, most: number, sumAt: (shift: number) => number): number {
  let [below, above] = [-most, most];
  while (above - below > 1) {
    const middle = (below + above) >> 1;
    if (sumAt(middle) < sum) below = middle;
    else above = middle;
  }
  return sumAt(above) - sum <= sum - sumAt(below) ? above : below;
}
