import { maxValue, type Frame } from './planes.js';

/** How luma goes from pixel to pixel. */
export interface StepSums {
  /** Mean square of the steps in luma from pixel to pixel, to the right and down, in squared levels of 255. */
  readonly energy: number;
  /**
   * How the step from one pixel to the next predicts the following one, and the one after that: their correlations, −1 to 1.
   * Soft edges go on rising; thin lines turn back at once; noise does both alike.
   */
  readonly following: readonly [next: number, afterNext: number];
}

/** Adds up how luma goes from pixel to pixel. */
export class LumaSteps {
  readonly #data;
  readonly #channels;
  readonly #alpha;
  readonly #perLevel;
  #count = 0;
  #squares = 0;
  #next = 0;
  #afterNext = 0;

  constructor({ colour, alpha }: Frame) {
    this.#data = colour.data;
    this.#channels = colour.channels;
    this.#alpha = alpha?.data;
    this.#perLevel = maxValue(colour.data) / 255;
  }

  /** Looks at three steps, from this pixel to the third one in a direction: 1 to the right, the width down. */
  look(pixel: number, onwards: number): void {
    const third = pixel + 3 * onwards;
    if (this.#alpha && !(this.#alpha[third - onwards]! && this.#alpha[third]!)) return;
    const start = this.#luma(pixel);
    const one = this.#luma(pixel + onwards);
    const two = this.#luma(third - onwards);
    const step = one - start;
    this.#count++;
    this.#squares += step * step;
    this.#next += step * (two - one);
    this.#afterNext += step * (this.#luma(third) - two);
  }

  sums(): StepSums {
    if (this.#squares === 0) return { energy: 0, following: [0, 0] };
    const energy = this.#squares / this.#count / this.#perLevel ** 2;
    return { energy, following: [this.#next / this.#squares, this.#afterNext / this.#squares] };
  }

  /** ITU-R BT.601, in 256ths. */
  #luma(pixel: number): number {
    if (this.#channels === 1) return this.#data[pixel]!;
    const at = 3 * pixel;
    return (77 * this.#data[at]! + 150 * this.#data[at + 1]! + 29 * this.#data[at + 2]!) / 256;
  }
}
