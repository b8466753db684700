import type { Tensor } from 'onnxruntime-node';
import type { Strips } from '../../model/catalogue/segment-names.js';
import { viewPixels, type PixelType } from '../../pixels.js';
import type { SessionRuntime } from '../pool/runtime.js';

/** The share of a tile's memory that a strip may have. */
const shareOfBudget = 1 / 4;

/** How high strips may be. */
export type StripLimit =
  /** Bytes of activations that a tile may hold. */
  | { readonly memoryBudget: number }
  /** Rows of a strip, its halo not counted. */
  | { readonly rows: number };

/** The fewest rows that a strip is given besides its halo, where the picture has more. */
const fewestRows = 9;

/** Rows of what the last segment of a network is given: those that it reads, and those that it makes a result of. */
export interface Strip {
  readonly from: number;
  readonly to: number;
  readonly start: number;
  readonly end: number;
}

/** Whether a tensor has rows: what isn't held, or not any more, has none. */
export const isRows = ({ dims }: Tensor): boolean => dims.length === 4;

/**
 * Cuts what the last segment is given into strips of about equal height.
 * @param held tensors [1, channels, rows, columns] of one size, and others
 * @param limit as many rows as it has room for, and `fewestRows` at least
 */
export function stripsOf(held: readonly Tensor[], { halo, bytesPerPlace }: Strips, limit: StripLimit): Strip[] {
  const [, , rows = 0, columns = 0] = held.find(isRows)?.dims ?? [];
  const most = 'rows' in limit ? limit.rows : rowsWithin(limit.memoryBudget, bytesPerPlace * columns, halo);
  const count = Math.max(1, Math.ceil(rows / most));
  return Array.from({ length: count }, (_, strip) => {
    const start = Math.floor((strip * rows) / count);
    const end = Math.floor(((strip + 1) * rows) / count);
    return { from: Math.max(0, start - halo), to: Math.min(rows, end + halo), start, end };
  });
}

const rowsWithin = (memoryBudget: number, bytesPerRow: number, halo: number): number =>
  Math.max(fewestRows, Math.floor((memoryBudget * shareOfBudget) / bytesPerRow) - 2 * halo);

/** What a strip reads of a tensor [1, channels, rows, columns]. */
export function rowsOf(
  runtime: SessionRuntime,
  { data, dims }: Tensor,
  { from, to }: Pick<Strip, 'from' | 'to'>,
): Tensor {
  const [, channels = 0, rows = 0, columns = 0] = dims;
  if (from === 0 && to === rows) return new runtime.Tensor('float32', data as Float32Array, dims);
  const values = new Float32Array(channels * (to - from) * columns);
  for (let channel = 0; channel < channels; channel++) {
    const plane = channel * rows * columns;
    const some = (data as Float32Array).subarray(plane + from * columns, plane + to * columns);
    values.set(some, channel * some.length);
  }
  return new runtime.Tensor('float32', values, [1, channels, to - from, columns]);
}

type Values = Uint8Array | Uint16Array | Float32Array;

/** Puts the results of strips together: `upscaled` [1, rows, columns, channels] or `output` [1, channels, rows, columns]. */
export class StackedRows {
  private readonly axis: number;
  /** For each plane its parts, the uppermost first. */
  private readonly planes: Values[][] = [];
  private rows = 0;
  private latest: Pick<Tensor, 'type' | 'dims'> | undefined;

  constructor(name: string) {
    this.axis = name === 'upscaled' ? 1 : 2;
  }

  /**
   * Adds what was made of a strip below the others.
   * @throws where its rows are not a whole multiple of the strip's
   */
  add(result: Tensor, { from, to, start, end }: Strip): void {
    const { axis, planes } = this;
    const all = result.dims[axis]!;
    const scale = all / (to - from);
    if (!Number.isInteger(scale)) throw new Error(`of ${to - from} rows the network made ${all}`);
    const length = product(result.dims.slice(axis + 1));
    for (let plane = 0; plane < product(result.dims.slice(0, axis)); plane++) {
      const first = (plane * all + (start - from) * scale) * length;
      const part = (result.data as Values).subarray(first, first + (end - start) * scale * length);
      (planes[plane] ??= []).push(part);
    }
    this.rows += (end - start) * scale;
    this.latest = result;
  }

  /** All of them. */
  tensor(runtime: SessionRuntime): Tensor {
    const { type, dims } = this.latest!;
    const parts = this.planes.flat();
    const bytes = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
    let at = 0;
    for (const { buffer, byteOffset, byteLength } of parts) {
      bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
      at += byteLength;
    }
    const pixels = viewPixels(type as PixelType, bytes.buffer);
    return new runtime.Tensor(type as PixelType, pixels, dims.with(this.axis, this.rows));
  }
}

const product = (sizes: readonly number[]): number => sizes.reduce((all, size) => all * size, 1);
