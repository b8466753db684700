import { create } from '@bufbuild/protobuf';
import { UpresError } from '../../../errors.js';
import {
  TensorProto_DataLocation,
  TensorProto_DataType as DataType,
  TensorProtoSchema,
  type TensorProto,
} from './onnx_pb.js';

/** A float32 tensor with its values as raw little-endian bytes, as every runtime reads fastest. */
export function floatTensor(name: string, dims: readonly number[], values: ArrayLike<number>): TensorProto {
  return tensorOf(name, dims, DataType.FLOAT, Float32Array.from(values));
}

/** A float64 tensor. */
export function doubleTensor(name: string, dims: readonly number[], values: ArrayLike<number>): TensorProto {
  return tensorOf(name, dims, DataType.DOUBLE, Float64Array.from(values));
}

function tensorOf(
  name: string,
  dims: readonly number[],
  dataType: DataType,
  { buffer }: Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>,
): TensorProto {
  return create(TensorProtoSchema, { name, dims: dims.map(BigInt), dataType, rawData: new Uint8Array(buffer) });
}

/** An int64 tensor: shapes, axes, pads. */
export function int64Tensor(name: string, dims: readonly number[], values: readonly number[]): TensorProto {
  return tensorOf(name, dims, DataType.INT64, BigInt64Array.from(values, BigInt));
}

/** Number of values in a tensor of these dimensions. */
export function sizeOf(dims: readonly (number | bigint)[]): number {
  return dims.reduce<number>((product, dim) => product * Number(dim), 1);
}

/** Whether the values lie in another file. */
export function isExternal(tensor: TensorProto): boolean {
  return tensor.dataLocation === TensorProto_DataLocation.EXTERNAL;
}

/** IEEE 754 binary16 bits to a number. */
export function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/**
 * The values of a numeric tensor as JavaScript numbers, wherever the file keeps them: raw bytes or a typed field.
 * int64 values beyond 2^53 lose precision (exporters write them as "to the end" in Slice: only their size matters).
 * Throws MODEL_INVALID when bytes are missing, MODEL_UNSUPPORTED for a type that holds no plain numbers.
 */
export function readNumbers(tensor: TensorProto): number[] | Float32Array {
  const size = sizeOf(tensor.dims);
  if (isExternal(tensor)) throw invalid(tensor, 'its values lie in another file');
  const storage = STORAGE[tensor.dataType];
  if (!storage) throw unsupported(tensor);
  if (tensor.rawData.length > 0 || size === 0) return readRaw(tensor, storage, size);
  const typed = storage.typed(tensor);
  if (typed.length < size) throw invalid(tensor, `${typed.length} values where ${size} are needed`);
  return typed.slice(0, size);
}

/** The values of a tensor as float32, rounding what is wider. */
export function readFloats(tensor: TensorProto): Float32Array {
  const numbers = readNumbers(tensor);
  return numbers instanceof Float32Array ? numbers : Float32Array.from(numbers);
}

/** Where the elements of a type lie: in raw bytes (little-endian always), or in a typed field. */
interface Storage {
  readonly bytes: number;
  readonly read: (view: DataView, offset: number) => number;
  readonly typed: (tensor: TensorProto) => number[];
}

const ints = ({ int32Data }: TensorProto): number[] => int32Data;

/** By ONNX's number of the type. */
const STORAGE: Readonly<Partial<Record<number, Storage>>> = {
  [DataType.FLOAT]: { bytes: 4, read: (view, at) => view.getFloat32(at, true), typed: (tensor) => tensor.floatData },
  [DataType.FLOAT16]: {
    bytes: 2,
    read: (view, at) => fromHalf(view.getUint16(at, true)),
    typed: ({ int32Data }) => int32Data.map(fromHalf),
  },
  [DataType.DOUBLE]: { bytes: 8, read: (view, at) => view.getFloat64(at, true), typed: (tensor) => tensor.doubleData },
  [DataType.INT64]: {
    bytes: 8,
    read: (view, at) => Number(view.getBigInt64(at, true)),
    typed: ({ int64Data }) => int64Data.map(Number),
  },
  [DataType.INT32]: { bytes: 4, read: (view, at) => view.getInt32(at, true), typed: ints },
  [DataType.INT16]: { bytes: 2, read: (view, at) => view.getInt16(at, true), typed: ints },
  [DataType.UINT16]: { bytes: 2, read: (view, at) => view.getUint16(at, true), typed: ints },
  [DataType.INT8]: { bytes: 1, read: (view, at) => view.getInt8(at), typed: ints },
  [DataType.UINT8]: { bytes: 1, read: (view, at) => view.getUint8(at), typed: ints },
  [DataType.BOOL]: { bytes: 1, read: (view, at) => view.getUint8(at), typed: ints },
};

/** What `readNumbers` gives back as it is stored. */
const FLOAT: number = DataType.FLOAT;

function readRaw(tensor: TensorProto, type: Storage, size: number): number[] | Float32Array {
  const raw = tensor.rawData;
  if (raw.length < size * type.bytes) {
    throw invalid(tensor, `${raw.length} bytes where ${size * type.bytes} are needed`);
  }
  if (tensor.dataType === FLOAT) {
    // A copy, since the bytes may lie at an odd place in a larger buffer.
    return new Float32Array(Uint8Array.from(raw.subarray(0, size * 4)).buffer);
  }
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  return Array.from({ length: size }, (_, index) => type.read(view, index * type.bytes));
}

function invalid(tensor: TensorProto, what: string): UpresError {
  return new UpresError(
    'MODEL_INVALID',
    `The ONNX file is damaged: tensor "${tensor.name}" has ${what}. Export it again.`,
  );
}

function unsupported(tensor: TensorProto): UpresError {
  const type = DataType[tensor.dataType] ?? String(tensor.dataType);
  return new UpresError(
    'MODEL_UNSUPPORTED',
    `The network has weights of type ${type} ("${tensor.name}"), which upres can't read. Export it with float32 weights.`,
  );
}
