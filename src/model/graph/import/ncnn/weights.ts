import { UpresError } from '../../../../errors.js';
import type { Layer } from './layer.js';

/** Numbers as the file holds them: little-endian float32 or float16, without conversion. */
export interface Weights {
  readonly bytes: Uint8Array;
  readonly count: number;
  /** Whether they are float16. */
  readonly half: boolean;
}

/**
 * Words before a layer's main weights. Everything else is a table of 256 values with one byte per weight, unless it is 0.
 * From ncnn's ModelBin.
 */
const TAG = { float32: 0, float16: 0x0130_6b47, int8: 0x000d_4b38, scaledFloat32: 0x0002_c056 } as const;

const TABLE_SIZE = 256;

/**
 * Reads the weights of one layer after another from a `.bin` file. What a layer claims is compared with what is left of the
 * file before anything is made of it.
 */
export class WeightReader {
  private offset = 0;
  private readonly view: DataView;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly file: string,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Weights that a word before them says the form of. Throws MODEL_INVALID, and MODEL_UNSUPPORTED for int8. */
  tagged(layer: Layer, count: number): Weights {
    const start = this.offset;
    this.take(layer, 4);
    switch (this.view.getUint32(start, true)) {
      case TAG.float16: {
        const padded = this.take(layer, Math.ceil(count / 2) * 4);
        return this.checked(layer, { bytes: padded.subarray(0, count * 2), count, half: true });
      }
      case TAG.float32:
      case TAG.scaledFloat32:
        return this.plain(layer, count);
      case TAG.int8:
        throw new UpresError(
          'MODEL_UNSUPPORTED',
          `${this.file}, byte ${start}: the layer ${layer.type} "${layer.name}" has int8 weights, which upres does not read. ` +
            'Take the float32 or float16 files of the same network.',
          { file: this.file },
        );
      default:
        return this.fromTable(layer, count);
    }
  }

  /** Weights that are always float32. Throws MODEL_INVALID. */
  plain(layer: Layer, count: number): Weights {
    return this.checked(layer, { bytes: this.take(layer, count * 4), count, half: false });
  }

  /** Must be called after the last layer. Throws MODEL_INVALID when weights are left: the two files are not one network. */
  finish(): void {
    const left = this.bytes.length - this.offset;
    if (left === 0) return;
    throw new UpresError(
      'MODEL_INVALID',
      `${this.file}, byte ${this.offset}: ${left} bytes follow after the weights of the last layer. ` +
        'The .param and the .bin file belong to different networks: take a pair from one download.',
      { file: this.file },
    );
  }

  private fromTable(layer: Layer, count: number): Weights {
    const table = this.checked(layer, { bytes: this.take(layer, TABLE_SIZE * 4), count: TABLE_SIZE, half: false });
    const indices = this.take(layer, Math.ceil(count / 4) * 4);
    const bytes = new Uint8Array(count * 4);
    for (let i = 0; i < count; i++) {
      const from = indices[i]! * 4;
      bytes.set(table.bytes.subarray(from, from + 4), i * 4);
    }
    return { bytes, count, half: false };
  }

  private take(layer: Layer, length: number): Uint8Array {
    const start = this.offset;
    if (!Number.isSafeInteger(length) || length > this.bytes.length - start) {
      throw new UpresError(
        'MODEL_INVALID',
        `${this.file}, byte ${start}: the weights of the layer ${layer.type} "${layer.name}" (${layer.file}, line ${layer.line}) ` +
          `need ${length} bytes, and ${this.bytes.length - start} are left. The file was cut short, or belongs to another ` +
          '.param file: copy both again.',
        { file: this.file },
      );
    }
    this.offset += length;
    return this.bytes.subarray(start, this.offset);
  }

  /** Numbers that are none are a sign of a wrong pair of files, and would turn the picture black. */
  private checked(layer: Layer, weights: Weights): Weights {
    const { bytes, count, half } = weights;
    const start = bytes.byteOffset - this.bytes.byteOffset;
    for (let i = 0; i < count; i++) {
      const at = start + i * (half ? 2 : 4);
      const exponent = half ? this.view.getUint16(at, true) & 0x7c00 : this.view.getUint32(at, true) & 0x7f80_0000;
      if (exponent !== (half ? 0x7c00 : 0x7f80_0000)) continue;
      throw new UpresError(
        'MODEL_INVALID',
        `${this.file}, byte ${at}: a weight of the layer ${layer.type} "${layer.name}" is no number. The file is damaged, or ` +
          'belongs to another .param file: copy both again.',
        { file: this.file },
      );
    }
    return weights;
  }
}

/** The weights with blocks of `size` numbers put in another order: `from(i)` is the block that comes to place i. */
export function reorder(weights: Weights, size: number, from: (block: number) => number): Weights {
  const length = size * (weights.half ? 2 : 4);
  const bytes = new Uint8Array(weights.bytes.length);
  for (let block = 0; block * length < bytes.length; block++) {
    const start = from(block) * length;
    bytes.set(weights.bytes.subarray(start, start + length), block * length);
  }
  return { ...weights, bytes };
}

/** The numbers themselves, of weights that are float32. */
export function floatsOf({ bytes, half }: Weights): Float32Array {
  if (half) throw new TypeError('These weights are float16.');
  // A copy, since the bytes may lie at an odd place in a larger buffer.
  return new Float32Array(Uint8Array.from(bytes).buffer);
}
