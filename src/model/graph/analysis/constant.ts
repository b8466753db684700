import { floatOf, floatsOf, intOf, intsOf, tensorOf } from '../onnx/node.js';
import { TensorProto_DataType as DataType, type TensorProto } from '../onnx/onnx_pb.js';
import { isExternal, readNumbers, sizeOf } from '../onnx/tensor.js';
import { MAX_FOLDED } from './fold.js';
import type { Operator, Operators } from './operator.js';
import { knownValues } from './reshape.js';
import { CannotFollow, plainValue, shapeOf, type Value } from './value.js';

const TEXT: number = DataType.STRING;

/** A constant of the file; its elements only where they are few enough to be a shape. */
export function constantValue(tensor: TensorProto): Value {
  const small = sizeOf(tensor.dims) <= MAX_FOLDED && !isExternal(tensor) && tensor.dataType !== TEXT;
  return plainValue(tensor.dataType, tensor.dims.map(Number), small ? [...readNumbers(tensor)] : undefined);
}

const constant: Operator = (node) => {
  const tensor = tensorOf(node, 'value');
  if (tensor) return { outputs: [constantValue(tensor)] };
  const ints = intsOf(node, 'value_ints');
  if (ints) return { outputs: [plainValue(DataType.INT64, [ints.length], ints)] };
  const floats = floatsOf(node, 'value_floats');
  if (floats) return { outputs: [plainValue(DataType.FLOAT, [floats.length], floats)] };
  const int = intOf(node, 'value_int', undefined);
  if (int !== undefined) return { outputs: [plainValue(DataType.INT64, [], [int])] };
  const float = floatOf(node, 'value_float', undefined);
  if (float !== undefined) return { outputs: [plainValue(DataType.FLOAT, [], [float])] };
  throw new CannotFollow('a constant of another kind');
};

const shape: Operator = (node, [input]) => {
  const all = shapeOf(input!);
  const part = all.slice(intOf(node, 'start', 0), intOf(node, 'end', undefined));
  return { outputs: [plainValue(DataType.INT64, [part.length], part)] };
};

const size: Operator = (_node, [input]) => ({
  outputs: [plainValue(DataType.INT64, [], [shapeOf(input!).reduce((product, dim) => product * dim, 1)])],
});

const constantOfShape: Operator = (node, [input]) => {
  const dims = knownValues(input, 'a shape');
  const tensor = tensorOf(node, 'value');
  const value = tensor ? (readNumbers(tensor)[0] ?? 0) : 0;
  const count = dims.reduce((product, dim) => product * dim, 1);
  const values = count <= MAX_FOLDED ? new Array<number>(count).fill(value) : undefined;
  return { outputs: [plainValue(tensor?.dataType ?? DataType.FLOAT, dims, values)] };
};

const range: Operator = (_node, [start, limit, delta]) => {
  const first = knownValues(start, 'a start')[0]!;
  const step = knownValues(delta, 'a step')[0]!;
  const count = Math.max(0, Math.ceil((knownValues(limit, 'a limit')[0]! - first) / step));
  return { outputs: [plainValue(start!.type, [count])] };
};

/** Operators whose result has nothing of the picture but its size. */
export const CONSTANTS: Operators = {
  Constant: constant,
  Shape: shape,
  Size: size,
  ConstantOfShape: constantOfShape,
  Range: range,
};
