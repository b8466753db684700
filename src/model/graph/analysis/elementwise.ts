import { intOf } from '../onnx/node.js';
import { TensorProto_DataType as DataType } from '../onnx/onnx_pb.js';
import type { Operator, Operators } from './operator.js';
import { axisIndex, broadcast, CannotFollow, isSpatial, type Value } from './value.js';

/** Same shape, each element from the one at its place. Further inputs are scalars or one value per channel. */
const unary: Operator = (_node, [input]) => ({ outputs: [{ ...input!, values: undefined }] });

/** Several tensors, element by element, with broadcasting. */
const nary: Operator = (_node, inputs) => {
  const values = inputs.filter((input): input is Value => input !== undefined);
  return { outputs: [broadcast(values, values[0]!.type)] };
};

const comparison: Operator = (_node, inputs) => {
  const values = inputs.filter((input): input is Value => input !== undefined);
  return { outputs: [broadcast(values, DataType.BOOL)] };
};

const where: Operator = (_node, inputs) => {
  const values = inputs.filter((input): input is Value => input !== undefined);
  return { outputs: [broadcast(values, values[1]!.type)] };
};

const cast: Operator = (node, [input]) => ({
  outputs: [{ ...input!, type: intOf(node, 'to', DataType.FLOAT), values: undefined }],
});

const quantize: Operator = (_node, [input, , zeroPoint]) => ({
  outputs: [{ ...input!, type: zeroPoint?.type ?? DataType.UINT8, values: undefined }],
});

const dequantize: Operator = (_node, [input]) => ({
  outputs: [{ ...input!, type: DataType.FLOAT, values: undefined }],
});

/** Normalises over one axis; the picture's own axes make it global. */
const softmax: Operator = (node, [input], { opset }) => {
  const rank = input!.axes.length;
  const axis = axisIndex(intOf(node, 'axis', opset < 13 ? 1 : -1), rank);
  // Before operator set 13 it flattened everything from that axis on.
  const over = opset < 13 ? input!.axes.slice(axis) : [input!.axes[axis]!];
  return { outputs: [{ ...input!, values: undefined }], global: over.some(isSpatial) };
};

const layerNormalization: Operator = (node, [input]) => {
  const axis = axisIndex(intOf(node, 'axis', -1), input!.axes.length);
  if (node.output.slice(1).some((name) => name !== '')) throw new CannotFollow('statistics as an output');
  return { outputs: [{ ...input!, values: undefined }], global: input!.axes.slice(axis).some(isSpatial) };
};

/** Mean and variance over the whole picture. */
const instanceNormalization: Operator = (_node, [input]) => ({
  outputs: [{ ...input!, values: undefined }],
  global: true,
});

const batchNormalization: Operator = (node, [input]) => {
  if (node.output.slice(1).some((name) => name !== '')) throw new CannotFollow('training');
  return { outputs: [{ ...input!, values: undefined }] };
};

function all(names: string, operator: Operator): Operators {
  return Object.fromEntries(names.split(' ').map((name) => [name, operator]));
}

/** Operators that compute each pixel from the pixel at its place, and normalisations, which may not. */
export const ELEMENTWISE: Operators = {
  ...all(
    'Abs Acos Asin Atan Bernoulli BitwiseNot Ceil Celu Clip Cos Cosh Dropout Elu Erf Exp Floor Gelu HardSigmoid HardSwish ' +
      'Identity LRN LeakyRelu Log Mish Neg Not Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softplus Softsign Sqrt ' +
      'Swish Tan Tanh ThresholdedRelu',
    unary,
  ),
  ...all('Add Sub Mul Div Max Min Sum Mean Mod Pow PRelu BitShift BitwiseAnd BitwiseOr BitwiseXor', nary),
  ...all('Equal Greater GreaterOrEqual Less LessOrEqual And Or Xor', comparison),
  ...all('Softmax LogSoftmax Hardmax', softmax),
  Where: where,
  Cast: cast,
  QuantizeLinear: quantize,
  DequantizeLinear: dequantize,
  LayerNormalization: layerNormalization,
  RMSNormalization: layerNormalization,
  InstanceNormalization: instanceNormalization,
  GroupNormalization: instanceNormalization,
  MeanVarianceNormalization: instanceNormalization,
  BatchNormalization: batchNormalization,
};
