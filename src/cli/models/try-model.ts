import type { PixelImage } from '../../pixels.js';
import { statedOnly, type OwnModel } from '../../model/catalogue/colours.js';
import { modelFromFile } from '../../model/catalogue/model.js';
import type { PartialModelCard } from '../../model/catalogue/card.js';
import { approximate } from '../../network/approximate.js';
import { ThreadSafeNetwork } from '../../network/thread-safe-network.js';
import { activationBytes } from '../../network/tiles/plan.js';
import { passCount } from '../../network/weights/weights-manifest.js';
import type { AddedModel } from './added-models.js';

/** A network that was tried, and what it made of a picture. */
export interface Trial {
  readonly facts: Omit<AddedModel, 'name' | 'file' | 'sheet'>;
  /** What a card says of it. */
  readonly card: Partial<PartialModelCard>;
  readonly before: PixelImage;
  readonly after: PixelImage;
}

/**
 * Loads a network, which proves it, and runs it on a picture.
 * @throws MODEL_*, INFERENCE_FAILED
 */
export async function tryModel(
  file: string,
  stated: Exclude<OwnModel, string>,
  picture: PixelImage,
  cacheFolder?: string,
): Promise<Trial> {
  const model = await modelFromFile(file, statedOnly(stated));
  await using network = await ThreadSafeNetwork.loadFromFile(file, {
    threads: 1,
    ...statedOnly(stated),
    ...(cacheFolder !== undefined && { cacheFolder }),
  });
  const { geometry } = network.weights;
  const { halo, pooling, approximation, colours, scale } = geometry;
  const sides = pooling?.halo ?? halo;
  const exact = sides && Math.max(sides.left, sides.right, sides.top, sides.bottom);
  const after = await network.upscaleImage(picture, { acceptApproximation: true });
  const input = colours?.input ?? { ...model.card.input, ...statedOnly(stated) };
  return {
    facts: {
      scale,
      parameters: geometry.parameters,
      range: input.range,
      order: input.order ?? 'RGB',
      pixelsPerSecond: Math.round(geometry.pixelsPerMs * 1000),
      halo: exact ?? approximation?.halo ?? null,
      passes: Math.max(1, passCount(geometry)),
      ...(pooling ? {} : approximate(approximation)),
      bytesPerPixel: activationBytes(geometry),
      changes: { likeness: likeness(picture, after), shift: shiftOf(picture, after) },
      notes: geometry.notes ?? [],
    },
    card: {
      scale,
      ...(colours && { input: colours.input, output: colours.output }),
      multipleOf: geometry.multipleOf,
      macPerPixel: geometry.macPerPixel,
      parameters: geometry.parameters,
      ...(exact !== undefined && { receptiveRadius: exact }),
      ...(geometry.notes && { notes: [...geometry.notes] }),
    },
    before: enlarge(picture, scale),
    after,
  };
}

/** With larger pixels. */
function enlarge({ width, height, channels, data }: PixelImage, scale: number): PixelImage {
  const row = width * scale;
  const large = Uint8Array.from({ length: row * height * scale * channels }, (_, at) => {
    const pixel = Math.floor(at / channels);
    const [x, y] = [Math.floor((pixel % row) / scale), Math.floor(pixel / row / scale)];
    return data[(y * width + x) * channels + (at % channels)]!;
  });
  return { width: row, height: height * scale, channels, data: large };
}

/** The mean of each block, of the size that the picture had. */
function reduce({ width, channels, data }: PixelImage, scale: number): Float64Array {
  const result = new Float64Array(data.length / scale ** 2);
  const row = width / scale;
  data.forEach((value, at) => {
    const pixel = Math.floor(at / channels);
    const [x, y] = [Math.floor((pixel % width) / scale), Math.floor(Math.floor(pixel / width) / scale)];
    result[(y * row + x) * channels + (at % channels)]! += value / scale ** 2;
  });
  return result;
}

function likeness(before: PixelImage, after: PixelImage): number {
  const reduced = reduce(after, after.width / before.width);
  const error = reduced.reduce((sum, value, at) => sum + (value - before.data[at]!) ** 2, 0) / reduced.length;
  return round(Math.min(99, 10 * Math.log10(255 ** 2 / error)));
}

function shiftOf(before: PixelImage, after: PixelImage): [number, number, number] {
  const means = ({ data }: PixelImage): number[] => {
    const sums = [0, 0, 0];
    data.forEach((value, at) => (sums[at % 3]! += value));
    return sums.map((sum) => (3 * sum) / data.length);
  };
  const [a, b] = [means(before), means(after)];
  return [0, 1, 2].map((channel) => round(b[channel]! - a[channel]!)) as [number, number, number];
}

const round = (value: number): number => Math.round(value * 10) / 10;
