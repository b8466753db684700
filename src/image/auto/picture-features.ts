import { inBands } from '../../give-way.js';
import { Backdrop } from '../alpha/backdrop.js';
import type { Frame } from '../../pixels.js';

/** What can be counted in a picture as it is seen: transparent ones lie on white or black, whichever shows more of them. */
export interface PictureFeatures {
  /** How many were looked at. */
  readonly pixels: number;
  /** Different colours, in 8 bits a channel; `mostColours` stands for that many or more. */
  readonly colours: number;
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
  /** Of strong edges, the share that takes two steps: soft ones, and those that were smoothed by drawing between pixels. */
  readonly ramped: number;
  /** Of strong edges, the share beside which the picture goes a little the other way: ringing, of a reduction or an encoder. */
  readonly ringing: number;
  /** Share of visible pixels that are neither opaque nor transparent. */
  readonly translucent: number;
  /** Whether pixels are either opaque or transparent, and there are both. */
  readonly cutOut: boolean;
  /** Pixels along the shorter side. */
  readonly side: number;
}

/** No more are told apart. */
export const mostColours = 1024;

/** The largest difference of a channel, in levels of 255: up to here it may be a gradient or an encoder's noise. */
const mostGradual = 8;
/** And up to here texture; beyond it, an edge. */
const mostSoft = 48;

/** About so many pixels are looked at: of a larger picture only some rows, evenly spread. */
const mostPixels = 1 << 16;

/** What looking at a pixel costs beside its channels. */
const stepsPerPixel = 64;

/** Rows that are looked at together: a pixel and the three below. */
const rows = 4;

/** Looks at each pixel and its neighbours to the right and below, without keeping the event loop waiting. */
export async function pictureFeatures(frame: Frame): Promise<PictureFeatures> {
  const { width, height } = frame.colour;
  const rowStep = Math.max(1, Math.ceil((width * height) / mostPixels));
  const looks = Math.ceil(height / rowStep);
  const backdrop = new Backdrop(frame, rowStep);
  const counts = new Counts(width);
  await inBands(looks, width * stepsPerPixel, (from, to) => {
    for (let row = from; row < to; row++) {
      const y = row * rowStep;
      const below = Math.min(rows, height - y);
      for (let near = 0; near < below; near++) backdrop.lay(y + near, counts.rgb[near]!, counts.luma[near]!);
      counts.look(below);
    }
  });
  return {
    ...counts.features(),
    pixels: looks * width,
    translucent: backdrop.translucent,
    cutOut: frame.alpha !== undefined && backdrop.translucent === 0,
    side: Math.min(width, height),
  };
}

/** Adds up what there is to see in a row and those below. */
class Counts {
  readonly rgb = Array.from({ length: rows }, () => new Uint8Array(0));
  readonly luma = Array.from({ length: rows }, () => new Int16Array(0));
  readonly #colours = new Set<number>();
  #lastColour = -1;
  #seen = 0;
  #flat = 0;
  #soft = 0;
  #hard = 0;
  #steps = 0;
  #squares = 0;
  #next = 0;
  #afterNext = 0;
  #strong = 0;
  #ramped = 0;
  #ringing = 0;

  constructor(private readonly width: number) {
    this.rgb = this.rgb.map(() => new Uint8Array(3 * width));
    this.luma = this.luma.map(() => new Int16Array(width));
  }

  /** @param below how many of the rows lie in the picture, from 1 */
  look(below: number): void {
    const { width } = this;
    const [top, one, two, three] = this.luma as [Int16Array, Int16Array, Int16Array, Int16Array];
    for (let x = 0; x < width; x++) {
      this.#lookAtPixel(x, below > 1);
      if (x < width - 3) this.#walk(top[x]!, top[x + 1]!, top[x + 2]!, top[x + 3]!);
      if (below > 3) this.#walk(top[x]!, one[x]!, two[x]!, three[x]!);
    }
  }

  #lookAtPixel(x: number, hasBelow: boolean): void {
    const row = this.rgb[0]!;
    const next = this.rgb[1]!;
    const at = 3 * x;
    const colour = (row[at]! << 16) | (row[at + 1]! << 8) | row[at + 2]!;
    if (colour !== this.#lastColour) {
      this.#lastColour = colour;
      if (this.#colours.size < mostColours) this.#colours.add(colour);
    }
    if (x + 1 >= this.width || !hasBelow) return;
    let difference = 0;
    for (let channel = at; channel < at + 3; channel++) {
      const value = row[channel]!;
      difference = Math.max(difference, Math.abs(value - row[channel + 3]!), Math.abs(value - next[channel]!));
    }
    this.#seen++;
    if (difference === 0) this.#flat++;
    else if (difference > mostSoft) this.#hard++;
    else if (difference > mostGradual) this.#soft++;
  }

  /** Four pixels in a line. */
  #walk(a: number, b: number, c: number, d: number): void {
    const first = b - a;
    const second = c - b;
    const third = d - c;
    this.#steps++;
    this.#squares += first * first;
    this.#next += first * second;
    this.#afterNext += first * third;
    const rise = c - a;
    if (rise > mostSoft || rise < -mostSoft) {
      this.#strong++;
      const up = rise > 0 ? 1 : -1;
      if (up * first > mostGradual && up * second > mostGradual) this.#ramped++;
    }
    if (second > mostSoft || second < -mostSoft) {
      const up = second > 0 ? 1 : -1;
      if (up * first < 0 && up * first > -mostSoft) this.#ringing++;
      if (up * third < 0 && up * third > -mostSoft) this.#ringing++;
    }
  }

  features(): Omit<PictureFeatures, 'pixels' | 'translucent' | 'cutOut' | 'side'> {
    const share = (count: number, of: number): number => (of > 0 ? count / of : 0);
    return {
      colours: this.#colours.size,
      flat: share(this.#flat, this.#seen),
      soft: share(this.#soft, this.#seen),
      hard: share(this.#hard, this.#seen),
      energy: share(this.#squares, this.#steps),
      following: [share(this.#next, this.#squares), share(this.#afterNext, this.#squares)],
      ramped: share(this.#ramped, this.#strong),
      ringing: share(this.#ringing, 2 * this.#strong),
    };
  }
}
