import { inBands } from '../../event-loop.js';
import { maxValue, type PixelImage, type Samples } from '../../pixels.js';
import { faintLimit, deringFaintColours } from '../dering/faint-colours.js';

/** Values besides the opacity of visible pixels (1 and more): not known yet, and waiting to be filled in the next layer. */
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
export async function bleed(colour: PixelImage, alpha: PixelImage, layers: number): Promise<PixelImage> {
  const settled = await deringFaintColours(colour, alpha);
  const spread = new Spread(settled, await weightsOf(alpha), maxValue(alpha.data));
  let layer = await spread.firstLayer();
  let flat: readonly number[] | undefined;
  for (let depth = 0; depth < layers && layer.length > 0; depth++) {
    await spread.fill(layer);
    flat ??= await spread.meanOf(layer);
    layer = await spread.nextLayer(layer);
  }
  await spread.fillRest(alpha.data, flat ?? [0, 0, 0]);
  return settled;
}

/** How much each pixel counts for its neighbours. */
async function weightsOf(alpha: PixelImage): Promise<Int32Array> {
  const { width, height, data } = alpha;
  const faint = faintLimit(alpha);
  const weights = new Int32Array(data.length);
  await inBands(height, width, (from, to) => {
    for (let pixel = from * width; pixel < to * width; pixel++) {
      const value = data[pixel]!;
      weights[pixel] = value < faint ? unknown : value;
    }
  });
  return weights;
}

/** What looking at the eight pixels around one costs. */
const stepsAround = 16;

/** Loops are spelt out here, without lists and callbacks for each pixel: they are most of what a picture with alpha costs. */
class Spread {
  private readonly data: Samples;
  private readonly width: number;
  private readonly height: number;
  private readonly channels: 1 | 3;

  constructor(
    plane: PixelImage,
    private readonly weights: Int32Array,
    private readonly full: number,
  ) {
    ({ data: this.data, width: this.width, height: this.height, channels: this.channels } = plane);
  }

  /** Invisible pixels next to visible ones. */
  async firstLayer(): Promise<number[]> {
    const { weights, width, height } = this;
    const layer: number[] = [];
    await inBands(height, width * stepsAround, (from, to) => {
      for (let pixel = from * width; pixel < to * width; pixel++) {
        if (weights[pixel] === unknown && this.touchesVisible(pixel)) layer.push(pixel);
      }
    });
    await this.markWaiting(layer);
    return layer;
  }

  /** Unknown pixels next to those of a layer. */
  async nextLayer(layer: readonly number[]): Promise<number[]> {
    const { weights, width, height } = this;
    const next: number[] = [];
    await inBands(layer.length, stepsAround, (from, to) => {
      for (let at = from; at < to; at++) {
        const pixel = layer[at]!;
        const x = pixel % width;
        const y = (pixel - x) / width;
        const bottom = Math.min(height - 1, y + 1);
        const right = Math.min(width - 1, x + 1);
        for (let row = Math.max(0, y - 1); row <= bottom; row++) {
          for (let near = row * width + Math.max(0, x - 1); near <= row * width + right; near++) {
            if (weights[near] !== unknown) continue;
            weights[near] = waiting;
            next.push(near);
          }
        }
      }
    });
    return next;
  }

  async fill(layer: readonly number[]): Promise<void> {
    const { weights, full } = this;
    await inBands(layer.length, stepsAround * this.channels, (from, to) => {
      for (let at = from; at < to; at++) this.fillPixel(layer[at]!);
    });
    // Only now do they count: a layer does not depend on the order within it.
    await inBands(layer.length, 1, (from, to) => {
      for (let at = from; at < to; at++) weights[layer[at]!] = full;
    });
  }

  async meanOf(layer: readonly number[]): Promise<readonly number[]> {
    const { data, channels } = this;
    const sums = new Array<number>(channels).fill(0);
    await inBands(layer.length, channels, (from, to) => {
      for (let at = from; at < to; at++) {
        for (let channel = 0; channel < channels; channel++) sums[channel]! += data[layer[at]! * channels + channel]!;
      }
    });
    return sums.map((sum) => Math.round(sum / layer.length));
  }

  /** Faint pixels that were not reached keep their colour. */
  async fillRest(cover: Samples, flat: readonly number[]): Promise<void> {
    const { data, weights, width, channels } = this;
    await inBands(this.height, width * channels, (from, to) => {
      for (let pixel = from * width; pixel < to * width; pixel++) {
        if (weights[pixel]! > 0 || cover[pixel]! > 0) continue;
        for (let channel = 0; channel < channels; channel++) data[pixel * channels + channel] = flat[channel]!;
      }
    });
  }

  private async markWaiting(layer: readonly number[]): Promise<void> {
    const { weights } = this;
    await inBands(layer.length, 1, (from, to) => {
      for (let at = from; at < to; at++) weights[layer[at]!] = waiting;
    });
  }

  private fillPixel(pixel: number): void {
    const { data, weights, width, height, channels } = this;
    const x = pixel % width;
    const y = (pixel - x) / width;
    const bottom = Math.min(height - 1, y + 1);
    const right = Math.min(width - 1, x + 1);
    let [total, first, second, third] = [0, 0, 0, 0];
    for (let row = Math.max(0, y - 1); row <= bottom; row++) {
      for (let near = row * width + Math.max(0, x - 1); near <= row * width + right; near++) {
        const weight = weights[near]!;
        if (weight <= 0) continue;
        total += weight;
        first += weight * data[near * channels]!;
        if (channels === 3) {
          second += weight * data[near * 3 + 1]!;
          third += weight * data[near * 3 + 2]!;
        }
      }
    }
    data[pixel * channels] = Math.round(first / total);
    if (channels === 3) {
      data[pixel * 3 + 1] = Math.round(second / total);
      data[pixel * 3 + 2] = Math.round(third / total);
    }
  }

  private touchesVisible(pixel: number): boolean {
    const { weights, width } = this;
    const x = pixel % width;
    const left = x > 0 ? -1 : 0;
    const right = x < width - 1 ? 1 : 0;
    const first = pixel >= width ? pixel - width : pixel;
    const last = pixel + width < weights.length ? pixel + width : pixel;
    for (let row = first; row <= last; row += width) {
      if (weights[row + left]! > 0 || weights[row]! > 0 || weights[row + right]! > 0) return true;
    }
    return false;
  }
}
