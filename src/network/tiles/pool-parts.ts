import type { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Pool } from '../../model/catalogue/geometry.js';
import type { PoolPart } from '../pool/protocol.js';
import type { SessionRuntime } from '../pool/runtime.js';
import type { Rectangle } from './tiles.js';

/** As `sumExactly` in the graph has it: sums of whole numbers are exact, and so the same from any tiles. */
const POOL_UNIT = 2 ** 20;

/** How inputs are called that stand for the result of a pool; its number follows. */
const poolPrefix = 'pool';

/**
 * What earlier passes found, as inputs of a pass: for those that it has.
 * @param found by the number of the pool
 */
export function poolInputs(
  runtime: SessionRuntime,
  { inputNames, inputMetadata }: InferenceSession,
  found: readonly Float32Array[],
): Record<string, Tensor> {
  const inputs: Record<string, Tensor> = {};
  inputNames.forEach((name, index) => {
    const values = name.startsWith(poolPrefix) ? found[Number(name.slice(poolPrefix.length))] : undefined;
    const info = inputMetadata[index];
    if (values && info?.isTensor) inputs[name] = new runtime.Tensor('float32', values, info.shape.map(Number));
  });
  return inputs;
}

/** A tensor whose last two axes are rows and columns. */
export interface PooledTensor {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

/**
 * What a tile contributes to a pool: of its core, and at the picture's end of all that lies beyond.
 * @param core of the tile, in input pixels within what it read
 * @param last whether the picture ends with the tile: along its rows, and along its columns
 */
export function poolPart(
  { kind, rows, columns }: Pool,
  { data, dims }: PooledTensor,
  core: Rectangle,
  last: { readonly row: boolean; readonly column: boolean },
): PoolPart {
  const [height, width] = dims.slice(-2) as [number, number];
  const [top, bottom] = rangeOf(core.y, core.height, rows, last.row, height);
  const [left, right] = rangeOf(core.x, core.width, columns, last.column, width);
  const channels = data.length / (height * width);
  const values = new Float64Array(channels);
  for (let channel = 0; channel < channels; channel++) {
    let result = kind === 'mean' ? 0 : -Infinity;
    for (let row = top; row < bottom; row++) {
      const start = (channel * height + row) * width;
      if (kind === 'mean') {
        for (let at = start + left; at < start + right; at++) result += Math.floor(data[at]! * POOL_UNIT + 0.5);
      } else {
        for (let at = start + left; at < start + right; at++) result = Math.max(result, data[at]!);
      }
    }
    values[channel] = result;
  }
  return { values, count: (bottom - top) * (right - left) };
}

function rangeOf(
  start: number,
  length: number,
  [num, den]: Pool['rows'],
  last: boolean,
  size: number,
): readonly [number, number] {
  const from = Math.min((start * num) / den, size);
  return [from, last ? size : Math.min(((start + length) * num) / den, size)];
}

/** Puts a pool together from what tiles contribute to it. */
export class PoolTotal {
  private values: Float64Array | undefined;
  private count = 0;

  constructor(private readonly kind: Pool['kind']) {}

  /** @param times how often the tile lies in the picture */
  add(part: PoolPart, times: number): void {
    const mean = this.kind === 'mean';
    const values = (this.values ??= new Float64Array(part.values.length).fill(mean ? 0 : -Infinity));
    part.values.forEach((value, channel) => {
      values[channel] = mean ? values[channel]! + value * times : Math.max(values[channel]!, value);
    });
    this.count += part.count * times;
  }

  /** For each channel, as the graph computes it. */
  result(): Float32Array {
    const { values = new Float64Array(), count } = this;
    return Float32Array.from(values, (value) => (this.kind === 'mean' ? value / count / POOL_UNIT : value));
  }
}
