import { fromHalf, sizeOf } from '../../onnx/tensor.js';
import { isObject, objectsIn, wrong, type JsonObject } from '../../../catalogue/formats/tfjs-json.js';
import { unsupported } from './topology.js';

/** A tensor of the file's weights, as float32. */
export interface Weight {
  readonly dims: readonly number[];
  readonly values: Float32Array;
}

/** Where a weight lies, not yet read. */
interface Entry {
  readonly name: string;
  readonly dims: readonly number[];
  readonly stored: Stored;
  readonly scale: number;
  readonly min: number;
  readonly group: Group;
  readonly offset: number;
}

type Stored = 'float32' | 'float16' | 'uint8' | 'uint16' | 'int32' | 'bool';

const BYTES: Readonly<Record<Stored, number>> = { float32: 4, float16: 2, uint8: 1, uint16: 2, int32: 4, bool: 1 };

/** Files whose bytes are meant as one. */
interface Group {
  readonly paths: readonly string[];
  readonly bytes: Uint8Array;
}

/** The weights of a model by layer, read when they are asked for. */
export class Weights {
  private readonly entries = new Map<string, Entry>();

  /** @throws MODEL_INVALID for shards that are too short or too long, MODEL_UNSUPPORTED for unknown types */
  constructor(
    private readonly path: string,
    json: JsonObject,
    shards: ReadonlyMap<string, Uint8Array>,
  ) {
    for (const manifest of objectsIn(json.weightsManifest)) this.addGroup(manifest, shards);
  }

  /** A layer's weight, undefined when there is none. @throws MODEL_INVALID for values that are no finite numbers */
  find(layer: string, name: string): Weight | undefined {
    const entry = this.entries.get(`${layer.split('/').at(-1)!}/${name}`);
    return entry && this.read(entry);
  }

  /** Number of values in all of them. */
  get parameters(): number {
    return [...this.entries.values()].reduce((sum, { dims }) => sum + sizeOf(dims), 0);
  }

  private addGroup(manifest: JsonObject, shards: ReadonlyMap<string, Uint8Array>): void {
    const paths = (Array.isArray(manifest.paths) ? (manifest.paths as unknown[]) : []).filter(
      (name) => typeof name === 'string',
    );
    const parts = paths.map((name) => shards.get(name) ?? new Uint8Array(0));
    const group: Group = { paths, bytes: parts.length === 1 ? parts[0]! : new Uint8Array(Buffer.concat(parts)) };
    let offset = 0;
    for (const weight of objectsIn(manifest.weights)) {
      const entry = this.entry(weight, group, offset);
      offset += sizeOf(entry.dims) * BYTES[entry.stored];
      // Layers of a model inside a model, and TensorFlow's scopes, stand before the layer's own name.
      const parts = entry.name.split('/');
      const key = parts.slice(-2).join('/');
      if (this.entries.has(key)) throw wrong(this.path, `it has two weights "${key}"`);
      this.entries.set(key, entry);
    }
    if (offset !== group.bytes.length) {
      throw wrong(
        this.path,
        `${paths.join(', ')} should hold ${offset} bytes of weights and hold${paths.length === 1 ? 's' : ''} ${group.bytes.length}`,
      );
    }
  }

  private entry(weight: JsonObject, group: Group, offset: number): Entry {
    const { name, shape, dtype, quantization } = weight;
    if (typeof name !== 'string') throw wrong(this.path, `the weight at byte ${offset} has no name`);
    const dims = Array.isArray(shape) ? (shape as unknown[]) : undefined;
    if (
      !dims?.every((dim): dim is number => Number.isInteger(dim) && (dim as number) >= 1 && (dim as number) < 2 ** 31)
    ) {
      throw wrong(this.path, `the weight "${name}" at byte ${offset} has no shape`);
    }
    const packing = isObject(quantization) ? quantization : {};
    const stored = packing.dtype ?? dtype;
    if (typeof stored !== 'string' || !Object.hasOwn(BYTES, stored)) {
      throw unsupported(this.path, `the weight "${name}" at byte ${offset} is of type ${JSON.stringify(stored)}.`);
    }
    const affine = stored === 'uint8' || stored === 'uint16';
    const { scale = 1, min = 0 } = affine ? packing : {};
    if (typeof scale !== 'number' || typeof min !== 'number' || (affine && packing.dtype === undefined)) {
      throw wrong(this.path, `the weight "${name}" at byte ${offset} is quantised without scale and minimum`);
    }
    const entry = { name, dims, stored: stored as Stored, scale, min, group, offset };
    // Before anything is reserved for it.
    const end = offset + sizeOf(dims) * BYTES[entry.stored];
    if (!(end <= group.bytes.length)) {
      throw wrong(
        this.path,
        `the weight "${name}" should lie at the bytes ${offset} to ${end} of ${group.paths.join(', ')}, which end at ${group.bytes.length}`,
      );
    }
    return entry;
  }

  private read({ name, dims, stored, scale, min, group, offset }: Entry): Weight {
    const view = new DataView(group.bytes.buffer, group.bytes.byteOffset, group.bytes.byteLength);
    const read = READ[stored];
    if (!read) throw unsupported(this.path, `the weight "${name}" at byte ${offset} is of type ${stored}.`);
    const step = BYTES[stored];
    const values = Float32Array.from({ length: sizeOf(dims) }, (_, index) => {
      const value = read(view, offset + index * step) * scale + min;
      if (Number.isFinite(value)) return value;
      throw wrong(this.path, `the weight "${name}" holds ${value} at byte ${offset + index * step}`);
    });
    return { dims, values };
  }
}

const READ: Readonly<Partial<Record<Stored, (view: DataView, at: number) => number>>> = {
  float32: (view, at) => view.getFloat32(at, true),
  float16: (view, at) => fromHalf(view.getUint16(at, true)),
  uint8: (view, at) => view.getUint8(at),
  uint16: (view, at) => view.getUint16(at, true),
};
