/** An array of the file: where its values lie, not yet read. */
export interface StoredArray {
  readonly dims: readonly number[];
  /** Byte of the content at which the array begins. */
  readonly start: number;
  /** Byte at which its values begin. */
  readonly values: number;
  readonly count: number;
}

/** What is wrong with the content, and where. */
export class PayloadError extends Error {
  /** @param progress how far the file was understood: among several ways to read it, the one that came furthest was meant */
  constructor(
    readonly offset: number,
    message: string,
    readonly progress = offset,
  ) {
    super(message);
  }
}

const MAX_ARRAYS = 4096;
const MAX_RANK = 5;
const MAX_DIM = 65536;

/**
 * Undoes the byte shuffle with stride 4: the first bytes of all 4-byte groups lie together, then the second ones, and so on,
 * which compresses better.
 */
export function unshuffle(shuffled: Uint8Array): Uint8Array {
  const result = new Uint8Array(shuffled.length);
  let from = 0;
  for (let plane = 0; plane < 4; plane++) {
    for (let to = plane; to < shuffled.length; to += 4) result[to] = shuffled[from++]!;
  }
  return result;
}

/** Reads numbers of a file and keeps to its end. Little-endian. */
class Reader {
  readonly view: DataView;

  constructor(
    bytes: Uint8Array,
    public at: number,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  need(bytes: number, what: string): void {
    const left = this.view.byteLength - this.at;
    if (bytes > left) throw new PayloadError(this.at, `${what} needs ${bytes} bytes, and ${left} are left`);
  }

  u8(what: string): number {
    this.need(1, what);
    return this.view.getUint8(this.at++);
  }

  /** A 64-bit count, which must be small. */
  count(what: string, least: number, most: number): number {
    this.need(8, what);
    const start = this.at;
    const low = this.view.getUint32(start, true);
    const high = this.view.getUint32(start + 4, true);
    this.at += 8;
    // Numbers beyond 2^53 would lose digits; none of that size is right.
    if (high !== 0 || low < least || low > most) {
      throw new PayloadError(start, `${what} is ${high * 2 ** 32 + low}, and ${least} to ${most} can be right`);
    }
    return low;
  }
}

/**
 * Reads the list of arrays that begins at a byte and must end with the content (bincode 1, ndarray's serialisation).
 * @throws PayloadError
 */
export function readArrays(bytes: Uint8Array, start: number): StoredArray[] {
  const reader = new Reader(bytes, start);
  const total = reader.count('the number of arrays', 1, MAX_ARRAYS);
  const arrays = Array.from({ length: total }, (_, index) => readArray(reader, index));
  const left = bytes.length - reader.at;
  if (left > 0) throw new PayloadError(reader.at, `${left} bytes follow the last array`);
  return arrays;
}

function readArray(reader: Reader, index: number): StoredArray {
  const start = reader.at;
  const version = reader.u8(`array ${index}`);
  if (version !== 1) throw new PayloadError(start, `array ${index} is of version ${version}, and 1 is known`);
  const rank = reader.count(`the number of dimensions of array ${index}`, 1, MAX_RANK);
  const dims = Array.from({ length: rank }, () => reader.count(`a dimension of array ${index}`, 1, MAX_DIM));
  const stated = reader.at;
  const product = dims.reduce((all, dim) => all * dim, 1);
  const count = reader.count(`the number of values of array ${index}`, 1, 2 ** 32 - 1);
  if (count !== product) {
    throw new PayloadError(stated, `array ${index} states ${count} values, but ${dims.join(' x ')} are ${product}`);
  }
  const values = reader.at;
  reader.need(count * 4, `array ${index}`);
  reader.at += count * 4;
  return { dims, start, values, count };
}

/** Smaller weights come from decay during training: they change nothing, and make processors compute with subnormals. */
const NEGLIGIBLE = 1e-20;

/** The values of an array. @throws PayloadError for those that are no finite numbers */
export function valuesOf(bytes: Uint8Array, { values, count }: StoredArray, name: string): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: count }, (_, index) => {
    const value = view.getFloat32(values + index * 4, true);
    if (!Number.isFinite(value)) throw new PayloadError(values + index * 4, `${name} holds ${value}`);
    return Math.abs(value) < NEGLIGIBLE ? 0 : value;
  });
}
