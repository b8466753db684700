/** Bytes and a way to read one element, by the name that safetensors has for the type. */
const TYPES = {
  F64: { bytes: 8, read: (view: DataView, at: number) => view.getFloat64(at, true) },
  F32: { bytes: 4, read: (view: DataView, at: number) => view.getFloat32(at, true) },
  F16: { bytes: 2, read: (view: DataView, at: number) => half(view.getUint16(at, true)) },
  BF16: { bytes: 2, read: (view: DataView, at: number) => brain(view.getUint16(at, true)) },
  I64: { bytes: 8, read: (view: DataView, at: number) => Number(view.getBigInt64(at, true)) },
  I32: { bytes: 4, read: (view: DataView, at: number) => view.getInt32(at, true) },
  I16: { bytes: 2, read: (view: DataView, at: number) => view.getInt16(at, true) },
  I8: { bytes: 1, read: (view: DataView, at: number) => view.getInt8(at) },
  U8: { bytes: 1, read: (view: DataView, at: number) => view.getUint8(at) },
  BOOL: { bytes: 1, read: (view: DataView, at: number) => view.getUint8(at) },
} as const;
export type ElementType = keyof typeof TYPES;

export const isElementType = (name: string): name is ElementType => Object.hasOwn(TYPES, name);
export const bytesOf = (type: ElementType): number => TYPES[type].bytes;

/** Where a checkpoint has a tensor: nothing is copied before it is asked for. */
export interface StoredTensor {
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** Elements from one index to the next, for each dimension. */
  readonly strides: readonly number[];
  /** First element in `bytes`. */
  readonly offset: number;
  /** Of the whole storage, which tensors may share. */
  readonly bytes: Uint8Array;
}

export const countOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** The strides of a tensor whose elements lie one after another, the last dimension's next to each other. */
export function plainStrides(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let at = shape.length - 2; at >= 0; at--) strides[at] = strides[at + 1]! * shape[at + 1]!;
  return strides;
}

/** Whether all elements of a tensor lie in its storage, and are no more than it has: it can't be larger than the file. */
export function fits({ type, shape, strides, offset, bytes }: StoredTensor): boolean {
  if (shape.length !== strides.length || shape.length > 8) return false;
  if (![...shape, ...strides, offset].every((value) => Number.isSafeInteger(value) && value >= 0)) return false;
  const stored = Math.floor(bytes.length / bytesOf(type));
  const count = countOf(shape);
  if (count === 0) return true;
  const last = offset + shape.reduce((sum, size, at) => sum + (size - 1) * strides[at]!, 0);
  return count <= stored && last < stored;
}

/** A tensor's elements in the order of its dimensions. */
export function valuesOf({ type, shape, strides, offset, bytes }: StoredTensor): Float32Array {
  const { bytes: size, read } = TYPES[type];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const result = new Float32Array(countOf(shape));
  const index = shape.map(() => 0);
  let from = offset;
  for (let at = 0; at < result.length; at++) {
    result[at] = read(view, from * size);
    for (let dim = shape.length - 1; dim >= 0; dim--) {
      from += strides[dim]!;
      if (++index[dim]! < shape[dim]!) break;
      from -= strides[dim]! * shape[dim]!;
      index[dim] = 0;
    }
  }
  return result;
}

/** IEEE 754 binary16. */
function half(bits: number): number {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

const word = new DataView(new ArrayBuffer(4));

/** The upper half of a binary32. */
function brain(bits: number): number {
  word.setUint32(0, bits << 16);
  return word.getFloat32(0);
}
