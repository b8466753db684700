import { maxValue, type Plane, type Samples } from './planes.js';
import { faintLimit, steadyColours } from './steady-colours.js';

/** Beside the opacity of visible pixels (1 and more): not known yet, and waiting to be filled in the next layer. */
const unknown = 0;
const waiting = -1;

/**
 * Spreads the colours of visible pixels outward under the invisible ones, whose own colour (often black or white) would
 * otherwise be drawn into the edges by a network that sees them. Each new pixel is the mean of its known neighbours, visible
 * ones counted by their opacity, layer by layer. What is there but hardly so (`faintLimit`) is filled in the same way, as far
 * as it is reached.
 *
 * @param colour 1 or 3 channels; not changed
 * @param alpha same size
 * @param layers how far: as far as the network looks. What lies beyond takes one flat colour, which no visible pixel
 *   depends on and which costs next to nothing to compute.
 */
export function bleed(colour: Plane, alpha: Plane, layers: number): Plane {
  const steady = steadyColours(colour, alpha);
  const { width, height, channels, data } = steady;
  const faint = faintLimit(alpha);
  const weights = Int32Array.from(alpha.data, (value) => (value < faint ? unknown : value));
  const spread = new Spread(data, weights, width, height, channels, maxValue(alpha.data));
  let layer = spread.firstLayer();
  let flat: number[] | undefined;
  for (let depth = 0; depth < layers && layer.length > 0; depth++) {
    spread.fill(layer);
    flat ??= spread.meanOf(layer);
    layer = spread.nextLayer(layer);
  }
  spread.fillRest(alpha.data, flat ?? new Array<number>(channels).fill(0));
  return steady;
}

class Spread {
  constructor(
    private readonly data: Samples,
    /** How much each pixel counts for its neighbours. */
    private readonly weights: Int32Array,
    private readonly width: number,
    private readonly height: number,
    private readonly channels: number,
    private readonly full: number,
  ) {}

  /** Invisible pixels beside visible ones. */
  firstLayer(): number[] {
    const layer: number[] = [];
    for (let pixel = 0; pixel < this.weights.length; pixel++) {
      if (this.weights[pixel] === unknown && this.touchesVisible(pixel)) layer.push(pixel);
    }
    for (const pixel of layer) this.weights[pixel] = waiting;
    return layer;
  }

  /** Unknown pixels beside those of a layer. */
  nextLayer(layer: readonly number[]): number[] {
    const next: number[] = [];
    for (const pixel of layer) {
      for (const near of this.neighbours(pixel)) {
        if (this.weights[near] !== unknown) continue;
        this.weights[near] = waiting;
        next.push(near);
      }
    }
    return next;
  }

  fill(layer: readonly number[]): void {
    for (const pixel of layer) {
      const near = this.neighbours(pixel).filter((other) => this.weights[other]! > 0);
      const total = near.reduce((sum, other) => sum + this.weights[other]!, 0);
      for (let channel = 0; channel < this.channels; channel++) {
        const sum = near.reduce((part, other) => part + this.weights[other]! * this.at(other, channel), 0);
        this.data[pixel * this.channels + channel] = Math.round(sum / total);
      }
    }
    // Only now do they count: a layer does not depend on the order within it.
    for (const pixel of layer) this.weights[pixel] = this.full;
  }

  meanOf(layer: readonly number[]): number[] {
    return Array.from({ length: this.channels }, (_, channel) =>
      Math.round(layer.reduce((sum, pixel) => sum + this.at(pixel, channel), 0) / layer.length),
    );
  }

  /** Faint pixels that were not reached keep their colour. */
  fillRest(cover: Samples, flat: readonly number[]): void {
    for (let pixel = 0; pixel < this.weights.length; pixel++) {
      if (this.weights[pixel]! > 0 || cover[pixel]! > 0) continue;
      for (let channel = 0; channel < this.channels; channel++) {
        this.data[pixel * this.channels + channel] = flat[channel]!;
      }
    }
  }

  private at(pixel: number, channel: number): number {
    return this.data[pixel * this.channels + channel]!;
  }

  /** Runs for every invisible pixel of the picture, so without the list that `neighbours` makes. */
  private touchesVisible(pixel: number): boolean {
    const { weights, width } = this;
    const x = pixel % width;
    const left = x > 0 ? -1 : 0;
    const right = x < width - 1 ? 1 : 0;
    // Beyond the first and the last row there is nothing: undefined > 0 is false.
    for (let row = pixel - width; row <= pixel + width; row += width) {
      if (weights[row + left]! > 0 || weights[row]! > 0 || weights[row + right]! > 0) return true;
    }
    return false;
  }

  /** The up to eight pixels around one. */
  private neighbours(pixel: number): number[] {
    const { width, height } = this;
    const x = pixel % width;
    const y = (pixel - x) / width;
    const near: number[] = [];
    for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row++) {
      for (let column = Math.max(0, x - 1); column <= Math.min(width - 1, x + 1); column++) {
        if (column !== x || row !== y) near.push(row * width + column);
      }
    }
    return near;
  }
}
