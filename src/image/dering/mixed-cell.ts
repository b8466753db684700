import { maxValue } from '../../pixels.js';
import { sameLevels, shiftTo } from './dering.js';
import type { Covered } from './drawn-together.js';
import { faintLimit } from './faint-colours.js';
import { mixturesOf, type Mixture, type Point } from './mixture.js';

/** Parts of which a mixture consists. */
const whole = 4096;

/** Some colours of a palette, and what finds mixtures of them. */
export class Mixer {
  readonly mixtureOf: (point: Point) => Mixture | undefined;

  private constructor(
    /** Pixels of the source that have them. */
    readonly pixels: readonly number[],
    points: readonly Point[],
    rounding: number,
  ) {
    this.mixtureOf = mixturesOf(points, rounding);
  }

  /** In the order of their values: the same one however the picture lies. */
  static of(pixels: readonly number[], source: Covered, rounding: number): Mixer {
    const sorted = pixels
      .map((pixel) => ({ pixel, point: pointAt(source, pixel) }))
      .sort((a, b) => a.point.reduce((order, value, part) => order || value - b.point[part]!, 0));
    return new Mixer(
      sorted.map(({ pixel }) => pixel),
      sorted.map(({ point }) => point),
      rounding,
    );
  }
}

/** Settles cells whose pixel is a mixture, one after the other. */
export class MixedCells {
  private readonly scale: number;
  private readonly full: number;
  private readonly near: number;
  private readonly faint: number;
  /** Of the cell that is settled: where its pixels are; their shares, three numbers for each; and how much of each is still free. */
  private readonly places: Int32Array;
  private readonly shares: Float64Array;
  private readonly wanted: Float64Array;
  private readonly left: Float64Array;
  private readonly point: Float64Array;

  /** @param means whether the mean of a cell is the source's value */
  constructor(
    private readonly enlarged: Covered,
    private readonly source: Covered,
    private readonly means: boolean,
  ) {
    const { colour, alpha } = source;
    this.scale = enlarged.alpha.width / alpha.width;
    this.full = maxValue(alpha.data);
    this.near = (this.full / 255) * sameLevels;
    this.faint = faintLimit(alpha);
    const size = this.scale ** 2;
    this.places = new Int32Array(size);
    this.shares = new Float64Array(3 * size);
    this.wanted = new Float64Array(size);
    this.left = new Float64Array(size);
    this.point = new Float64Array(colour.channels + 1);
  }

  /** Where the pixels of a cell are; valid until another one's are asked for. */
  placesOf(x: number, y: number): Int32Array {
    const { scale, places } = this;
    const { width } = this.enlarged.alpha;
    let to = 0;
    for (let row = y * scale; row < (y + 1) * scale; row++) {
      for (let column = x * scale; column < (x + 1) * scale; column++) places[to++] = row * width + column;
    }
    return places;
  }

  /** Makes all pixels of a cell mixtures of the same colours, the nearest to what they are. */
  settle(x: number, y: number, { among, shares: ofSource }: Mixture, mixer: Mixer): void {
    const { enlarged, shares, wanted, left, point } = this;
    const places = this.placesOf(x, y);
    for (let index = 0; index < places.length; index++) {
      readPoint(enlarged, places[index]!, point);
      among.sharesOf(point, shares, 3 * index);
    }
    left.fill(whole);
    // The colour that there is least of first: what is left is for the others.
    const order = ofSource.map((_, colour) => colour).sort((a, b) => ofSource[a]! - ofSource[b]! || a - b);
    const rest = order.pop() ?? 0;
    for (const colour of order) {
      for (let index = 0; index < wanted.length; index++) wanted[index] = shares[3 * index + colour]! * whole;
      const shift = this.means ? this.shiftTo(ofSource[colour]! * whole * places.length) : 0;
      for (let index = 0; index < wanted.length; index++) {
        const share = Math.min(left[index]!, Math.max(0, wanted[index]! + shift));
        left[index]! -= share;
        shares[3 * index + colour] = share / whole;
      }
    }
    for (let index = 0; index < places.length; index++) {
      shares[3 * index + rest] = left[index]! / whole;
      this.write(places[index]!, 3 * index, among, mixer);
    }
  }

  /** How far the wanted parts are to be moved for this sum. */
  private shiftTo(sum: number): number {
    const { wanted, left } = this;
    const sumAt = (moved: number): number => {
      let all = 0;
      for (let index = 0; index < wanted.length; index++) {
        all += Math.min(left[index]!, Math.max(0, wanted[index]! + moved));
      }
      return all;
    };
    return shiftTo(sum, 4 * whole, sumAt, Math.round((sum - sumAt(0)) / wanted.length));
  }

  /** @param from where its shares are */
  private write(at: number, from: number, { count, indices, points }: Mixture['among'], mixer: Mixer): void {
    const { source, full, faint, shares, point: mixed } = this;
    const { colour, alpha } = this.enlarged;
    const { channels } = colour;
    for (let part = 0; part <= channels; part++) {
      let sum = 0;
      for (let of = 0; of < count; of++) sum += shares[from + of]! * points[of]![part]!;
      mixed[part] = sum;
    }
    const meant = this.nearest(points);
    const pixel = mixer.pixels[indices[meant] ?? 0]!;
    const cover = mixed[channels]!;
    const written = meant < 0 ? Math.round(cover) : source.alpha.data[pixel]!;
    alpha.data[at] = written;
    // What can hardly be seen keeps the colour that was spread under it.
    if (written < faint) return;
    for (let channel = 0; channel < channels; channel++) {
      colour.data[at * channels + channel] =
        meant < 0
          ? Math.min(full, Math.round((mixed[channel]! / cover) * full))
          : source.colour.data[pixel * channels + channel]!;
    }
  }

  /** Which of the colours the mixed one is meant to be; -1 for none. */
  private nearest(points: readonly Point[]): number {
    const { point: mixed, near } = this;
    for (let of = 0; of < points.length; of++) {
      const point = points[of]!;
      let part = 0;
      while (part < mixed.length && Math.abs(point[part]! - mixed[part]!) <= near) part++;
      if (part === mixed.length) return of;
    }
    return -1;
  }
}

/** Premultiplied colour, and alpha. */
export function pointAt(frame: Covered, pixel: number): Float64Array {
  const point = new Float64Array(frame.colour.channels + 1);
  readPoint(frame, pixel, point);
  return point;
}

/** The same, into an array that is there. */
export function readPoint({ colour, alpha }: Covered, pixel: number, point: Float64Array): void {
  const { channels, data } = colour;
  const cover = alpha.data[pixel]!;
  const full = maxValue(data);
  for (let part = 0; part < channels; part++) point[part] = (data[pixel * channels + part]! * cover) / full;
  point[channels] = cover;
}
