import { inBands } from '../../event-loop.js';
import { Backdrop } from '../alpha/backdrop.js';
import { MixedColours } from './mixed-colours.js';
import type { Frame } from '../../pixels.js';

/** What can be counted in a picture as it is seen: transparent ones lie on white or black, whichever shows more of them. */
export interface PictureFeatures {
  /** How many were read. */
  readonly pixels: number;
  /** Different colours, in 8 bits a channel; `mostColours` stands for that many or more. */
  readonly colours: number;
  /** How many of them lie between the colours around them wherever they appear; only counted where there are few colours. */
  readonly mixed: number;
  /** Share of pixels that equal the ones to the right and below, 0 to 1. */
  readonly flat: number;
  /** Share of pixels that differ from these visibly but softly, as in the texture of a photograph, 0 to 1. */
  readonly soft: number;
  /** Share of pixels that differ from these strongly, as at the edge of a drawn shape, 0 to 1. */
  readonly hard: number;
  /** Mean square of the steps in luma from pixel to pixel, to the right and down, in squared levels of 255. */
  readonly energy: number;
  /**
   * How the step from one pixel to the next predicts the following one, and the one after that: their correlations, −1 to 1.
   * Soft edges go on rising; thin lines turn back at once; noise does both alike.
   */
  readonly following: readonly [next: number, afterNext: number];
  /**
   * Of the squares of all steps along rows, the share at every other place, 0.5 to 1: where cells are two pixels wide, nearly all
   * steps are between two of them.
   */
  readonly paired: number;
  /** Of strong edges, the share that takes two steps: soft ones, and those that were smoothed by drawing between pixels. */
  readonly ramped: number;
  /** Of strong edges, the share next to which the picture goes a little the other way: ringing, of a reduction or an encoder. */
  readonly ringing: number;
  /** Of steps that can be seen, the share between two in the other direction: stripes as fine as pixels, and noise. */
  readonly turning: number;
  /** Of steps that can be seen, the share between two in the other direction that are about as large: even stripes. */
  readonly striped: number;
  /**
   * In how many directions of colour strong edges go: 1 − Σλ² / (Σλ)² of their steps' covariance in R, G and B. 0 where all edges
   * are between the same two colours, or mixtures of them, as in an icon of one ink; at most 2/3.
   */
  readonly inks: number;
  /** Share of visible pixels that are neither opaque nor transparent. */
  readonly translucent: number;
  /** Whether pixels are either opaque or transparent, and there are both. */
  readonly cutOut: boolean;
  /** Pixels along the shorter side. */
  readonly side: number;
  /** All pixels of the picture, read or not. */
  readonly area: number;
  /** Levels between the lightest and the darkest of a channel; `fullContrast` stands for that many or more. */
  readonly contrast: number;
}

/** No more are told apart. */
export const mostColours = 1024;

/** What pixel art has at most: mixtures are looked for among no more. */
export const fewColours = 64;

/**
 * The largest difference of a channel, in levels of 255: up to here it may be a gradient or an encoder's noise. This and the next
 * are for pictures of full contrast: a dull one is looked at as if it were not, for a grey icon on grey has edges, too.
 */
const mostGradual = 8;
/** And up to here texture; beyond it, an edge. */
const mostSoft = 48;

/** Levels between the lightest and the darkest of a channel from which contrast counts as full. */
export const fullContrast = 128;
/** Keeps what counts as an edge above nothing. */
const leastContrast = 2;

/** Of larger pictures only every other row is looked at: a fiftieth of a photograph's time would not do for all. */
const smallPixels = 1 << 14;

/** About this many pixels are looked at, at most, in rows that are evenly spread. */
const mostPixels = 1 << 16;

/** What reading a pixel costs besides its channels. */
const stepsPerPixel = 64;

/** Rows that are read together: a pixel and the three below. */
const rows = 4;

/** Looks at each pixel and its neighbours to the right and below, without keeping the event loop waiting. */
export async function pictureFeatures(frame: Frame): Promise<PictureFeatures> {
  const { width, height } = frame.colour;
  const pixels = width * height;
  const rowStep = pixels <= smallPixels ? 1 : Math.max(2, Math.ceil(pixels / mostPixels));
  const looks = Math.ceil(height / rowStep);
  const backdrop = new Backdrop(frame, rowStep);
  const contrast = contrastOf(backdrop, width, height, rowStep);
  const counts = new Counts(width, Math.max(leastContrast, contrast) / fullContrast);
  await inBands(looks, width * stepsPerPixel, (from, to) => {
    for (let row = from; row < to; row++) {
      const y = row * rowStep;
      const below = Math.min(rows, height - y);
      counts.look(backdrop, y, below);
    }
  });
  return {
    ...counts.features(),
    pixels: looks * width,
    translucent: backdrop.translucent,
    cutOut: frame.alpha !== undefined && backdrop.translucent === 0,
    side: Math.min(width, height),
    area: pixels,
    contrast,
  };
}

/** Levels between the lightest and the darkest of a channel, at most `fullContrast`. */
function contrastOf(backdrop: Backdrop, width: number, height: number, rowStep: number): number {
  const rgb = new Uint8Array(3 * width);
  const luma = new Int16Array(width);
  const least = [255, 255, 255];
  const most = [0, 0, 0];
  let levels = 0;
  // Nearly all pictures show it in their first rows.
  for (let y = 0; y < height && levels < fullContrast; y += rowStep) {
    backdrop.lay(y, rgb, luma);
    for (let at = 0; at < rgb.length; at += 3) {
      for (let channel = 0; channel < 3; channel++) {
        const value = rgb[at + channel]!;
        if (value < least[channel]!) least[channel] = value;
        if (value > most[channel]!) most[channel] = value;
      }
    }
    levels = Math.max(levels, ...most.map((value, channel) => value - least[channel]!));
  }
  return Math.min(levels, fullContrast);
}

interface LaidRow {
  y: number;
  readonly rgb: Uint8Array;
  readonly luma: Int16Array;
}

/** Adds up what there is to see in a row and those below. */
class Counts {
  /** The rows last laid: of a small picture each is laid once, and looked at four times. */
  private readonly laid: readonly LaidRow[];
  private readonly colours = new Set<number>();
  private readonly mixed: MixedColours;
  private readonly mostGradual: number;
  private readonly mostSoft: number;
  private lastColour = -1;
  private seen = 0;
  private flat = 0;
  private soft = 0;
  private hard = 0;
  private steps = 0;
  private squares = 0;
  private next = 0;
  private afterNext = 0;
  /** Of steps along rows: all, and those at odd places. */
  private along = 0;
  private odd = 0;
  private strong = 0;
  private ramped = 0;
  private ringing = 0;
  private visible = 0;
  private turning = 0;
  private striped = 0;
  /** Sums of products of strong steps: RR, GG, BB, RG, RB, GB. */
  private readonly products = new Float64Array(6);

  constructor(
    private readonly width: number,
    /** Of the full one, more than 0 and at most 1. */
    contrast: number,
  ) {
    this.mixed = new MixedColours(contrast);
    this.mostGradual = contrast * mostGradual;
    this.mostSoft = contrast * mostSoft;
    this.laid = Array.from({ length: rows }, () => ({
      y: -1,
      rgb: new Uint8Array(3 * width),
      luma: new Int16Array(width),
    }));
  }

  /**
   * @param y the row
   * @param below how many rows from it on lie in the picture, 1 to 4
   */
  look(backdrop: Backdrop, y: number, below: number): void {
    const { width } = this;
    for (let row = y; row < y + below; row++) {
      const laid = this.laid[row % rows]!;
      if (laid.y === row) continue;
      backdrop.lay(row, laid.rgb, laid.luma);
      laid.y = row;
    }
    const near = (row: number): LaidRow => this.laid[(y + row) % rows]!;
    const [top, one, two, three] = [near(0).luma, near(1).luma, near(2).luma, near(3).luma];
    const [rgb, next] = [near(0).rgb, near(1).rgb];
    if (this.colours.size < mostColours) this.countColours(rgb);
    if (below > 1) this.compare(rgb, next);
    if (below > 2 && this.colours.size <= fewColours) this.mixed.look([rgb, next, near(2).rgb]);
    const before = this.squares;
    this.odd += this.walk(width - 3, top, top.subarray(1), top.subarray(2), top.subarray(3));
    this.along += this.squares - before;
    if (below > 3) this.walk(width, top, one, two, three);
  }

  private countColours(row: Uint8Array): void {
    let last = this.lastColour;
    for (let at = 0; at < row.length; at += 3) {
      const colour = (row[at]! << 16) | (row[at + 1]! << 8) | row[at + 2]!;
      if (colour === last) continue;
      last = colour;
      this.colours.add(colour);
      if (this.colours.size === mostColours) return;
    }
    this.lastColour = last;
  }

  /** Pixels with those to the right and below. */
  private compare(row: Uint8Array, below: Uint8Array): void {
    const end = row.length - 3;
    let [flat, soft, hard] = [0, 0, 0];
    const { mostGradual, mostSoft } = this;
    for (let at = 0; at < end; at += 3) {
      const r = row[at]!;
      const g = row[at + 1]!;
      const b = row[at + 2]!;
      const difference = Math.max(
        Math.abs(r - row[at + 3]!),
        Math.abs(g - row[at + 4]!),
        Math.abs(b - row[at + 5]!),
        Math.abs(r - below[at]!),
        Math.abs(g - below[at + 1]!),
        Math.abs(b - below[at + 2]!),
      );
      if (difference === 0) flat++;
      else if (difference > mostSoft) {
        hard++;
        this.addStep(row[at + 3]! - r, row[at + 4]! - g, row[at + 5]! - b);
        this.addStep(below[at]! - r, below[at + 1]! - g, below[at + 2]! - b);
      } else if (difference > mostGradual) soft++;
    }
    this.seen += end / 3;
    this.flat += flat;
    this.soft += soft;
    this.hard += hard;
  }

  private addStep(r: number, g: number, b: number): void {
    if (Math.max(Math.abs(r), Math.abs(g), Math.abs(b)) <= this.mostSoft) return;
    const { products } = this;
    products[0]! += r * r;
    products[1]! += g * g;
    products[2]! += b * b;
    products[3]! += r * g;
    products[4]! += r * b;
    products[5]! += g * b;
  }

  private inks(): number {
    const [rr, gg, bb, rg, rb, gb] = this.products as unknown as [number, number, number, number, number, number];
    const sum = rr + gg + bb;
    return sum > 0 ? 1 - (rr ** 2 + gg ** 2 + bb ** 2 + 2 * (rg ** 2 + rb ** 2 + gb ** 2)) / sum ** 2 : 0;
  }

  /**
   * Four pixels in a line, at each of this many places.
   * @returns the sum of squares of the first steps at odd places
   */
  private walk(count: number, as: Int16Array, bs: Int16Array, cs: Int16Array, ds: Int16Array): number {
    // Numbers of its own: reading and adding to fields in a loop takes twice as long.
    const { mostGradual, mostSoft } = this;
    let [squares, odd, next, afterNext, visible, turning, striped, strong, ramped, ringing] = [
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];
    for (let at = 0; at < count; at++) {
      const first = bs[at]! - as[at]!;
      const second = cs[at]! - bs[at]!;
      const third = ds[at]! - cs[at]!;
      squares += first * first;
      odd += first * first * (at & 1);
      next += first * second;
      afterNext += first * third;
      if (second > mostGradual || second < -mostGradual) {
        visible++;
        if (first * second < 0 && second * third < 0) {
          turning++;
          if (areAlike(first, second, third)) striped++;
        }
        if (second > mostSoft || second < -mostSoft) {
          const up = second > 0 ? 1 : -1;
          if (up * first < 0 && up * first > -mostSoft) ringing++;
          if (up * third < 0 && up * third > -mostSoft) ringing++;
        }
      }
      const rise = first + second;
      if (rise > mostSoft || rise < -mostSoft) {
        strong++;
        const up = rise > 0 ? 1 : -1;
        if (up * first > mostGradual && up * second > mostGradual) ramped++;
      }
    }
    this.steps += Math.max(0, count);
    this.squares += squares;
    this.next += next;
    this.afterNext += afterNext;
    this.visible += visible;
    this.turning += turning;
    this.striped += striped;
    this.strong += strong;
    this.ramped += ramped;
    this.ringing += ringing;
    return odd;
  }

  features(): Omit<PictureFeatures, 'pixels' | 'translucent' | 'cutOut' | 'side' | 'area' | 'contrast'> {
    const share = (count: number, of: number): number => (of > 0 ? count / of : 0);
    return {
      colours: this.colours.size,
      mixed: this.mixed.count,
      flat: share(this.flat, this.seen),
      soft: share(this.soft, this.seen),
      hard: share(this.hard, this.seen),
      energy: share(this.squares, this.steps),
      following: [share(this.next, this.squares), share(this.afterNext, this.squares)],
      paired: Math.max(share(this.odd, this.along), share(this.along - this.odd, this.along)),
      ramped: share(this.ramped, this.strong),
      ringing: share(this.ringing, 2 * this.strong),
      turning: share(this.turning, this.visible),
      striped: share(this.striped, this.visible),
      inks: this.inks(),
    };
  }
}

/** Whether the smallest of three steps is more than half of the largest. */
function areAlike(a: number, b: number, c: number): boolean {
  const [first, second, third] = [Math.abs(a), Math.abs(b), Math.abs(c)];
  return 2 * Math.min(first, second, third) > Math.max(first, second, third);
}
