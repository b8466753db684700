import { create } from '@bufbuild/protobuf';
import { UpresError } from '../../errors.js';
import { TensorProto_DataLocation, TensorProto_DataType, TensorProtoSchema, type TensorProto } from './onnx_pb.js';

/** A float32 tensor with its values as raw little-endian bytes, as every runtime reads fastest. */
export function floatTensor(name: string, dims: readonly number[], values: ArrayLike<number>): TensorProto {
  const data = Float32Array.from(values);
  return create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType: TensorProto_DataType.FLOAT,
    rawData: new Uint8Array(data.buffer),
  });
}

/** An int64 tensor: shapes, axes, pads. */
export function int64Tensor(name: string, dims: readonly number[], values: readonly number[]): TensorProto {
  const data = BigInt64Array.from(values, BigInt);
  return create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType: TensorProto_DataType.INT64,
    rawData: new Uint8Array(data.buffer),
  });
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
  const raw = tensor.rawData;
  if (raw.length > 0 || size === 0) return readRaw(tensor, size);
  const typed = typedField(tensor);
  if (typed.length < size) throw invalid(tensor, `${typed.length} values where ${size} are needed`);
  return typed.slice(0, size);
}

/** The values of a tensor as float32, rounding what is wider. */
export function readFloats(tensor: TensorProto): Float32Array {
  const numbers = readNumbers(tensor);
  return numbers instanceof Float32Array ? numbers : Float32Array.from(numbers);
}

function typedField(tensor: TensorProto): number[] {
  switch (tensor.dataType as TensorProto_DataType) {
    case TensorProto_DataType.FLOAT:
      return tensor.floatData;
    case TensorProto_DataType.DOUBLE:
      return tensor.doubleData;
    case TensorProto_DataType.INT64:
      return tensor.int64Data.map(Number);
    case TensorProto_DataType.FLOAT16:
      return tensor.int32Data.map(fromHalf);
    case TensorProto_DataType.INT32:
    case TensorProto_DataType.INT16:
    case TensorProto_DataType.INT8:
    case TensorProto_DataType.UINT16:
    case TensorProto_DataType.UINT8:
    case TensorProto_DataType.BOOL:
      return tensor.int32Data;
    default:
      throw unsupported(tensor);
  }
}

function readRaw(tensor: TensorProto, size: number): number[] | Float32Array {
  const raw = tensor.rawData;
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const collect = (bytes: number, read: (offset: number) => number): number[] => {
    if (raw.length < size * bytes) throw invalid(tensor, `${raw.length} bytes where ${size * bytes} are needed`);
    return Array.from({ length: size }, (_, index) => read(index * bytes));
  };
  switch (tensor.dataType as TensorProto_DataType) {
    case TensorProto_DataType.FLOAT:
      if (raw.length < size * 4) throw invalid(tensor, `${raw.length} bytes where ${size * 4} are needed`);
      return new Float32Array(raw.slice(0, size * 4).buffer);
    case TensorProto_DataType.FLOAT16:
      return collect(2, (at) => fromHalf(view.getUint16(at, true)));
    case TensorProto_DataType.DOUBLE:
      return collect(8, (at) => view.getFloat64(at, true));
    case TensorProto_DataType.INT64:
      return collect(8, (at) => Number(view.getBigInt64(at, true)));
    case TensorProto_DataType.INT32:
      return collect(4, (at) => view.getInt32(at, true));
    case TensorProto_DataType.INT16:
      return collect(2, (at) => view.getInt16(at, true));
    case TensorProto_DataType.UINT16:
      return collect(2, (at) => view.getUint16(at, true));
    case TensorProto_DataType.INT8:
      return collect(1, (at) => view.getInt8(at));
    case TensorProto_DataType.UINT8:
    case TensorProto_DataType.BOOL:
      return collect(1, (at) => view.getUint8(at));
    default:
      throw unsupported(tensor);
  }
}

function invalid(tensor: TensorProto, what: string): UpresError {
  return new UpresError('MODEL_INVALID', `The ONNX file is damaged: tensor "${tensor.name}" has ${what}. Export it again.`);
}

function unsupported(tensor: TensorProto): UpresError {
  const type = TensorProto_DataType[tensor.dataType] ?? String(tensor.dataType);
  return new UpresError(
    'MODEL_UNSUPPORTED',
    `The network has weights of type ${type} ("${tensor.name}"), which upres can't read. Export it with float32 weights.`,
  );
}
