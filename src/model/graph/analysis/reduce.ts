import { intOf, intsOf } from '../onnx/node.js';
import { TensorProto_DataType as DataType } from '../onnx/onnx_pb.js';
import type { Operator, Operators } from './operator.js';
import { axesOf } from './reshape.js';
import {
  axisIndex,
  broadcast,
  CannotFollow,
  Contradiction,
  hasPicture,
  isSpatial,
  plainAxis,
  sizeOfAxis,
  withAxes,
  type Axis,
  type Value,
} from './value.js';
import { density, poolOf } from './window.js';

const reduce: Operator = (node, [input, given]) => {
  const rank = input!.axes.length;
  const single =
    intsOf(node, 'axes') === undefined && node.opType.startsWith('Arg') ? [intOf(node, 'axis', 0)] : undefined;
  const asked = single ?? axesOf(node, given) ?? [];
  if (asked.length === 0 && intOf(node, 'noop_with_empty_axes', 0) === 1) return { outputs: [input!] };
  const axes = asked.length === 0 ? input!.axes.map((_, index) => index) : asked.map((axis) => axisIndex(axis, rank));
  const keep = intOf(node, 'keepdims', 1) === 1;
  const kept = input!.axes.flatMap((axis, index): Axis[] => (!axes.includes(index) ? [axis] : keep ? [[]] : []));
  const output = withAxes(input!, kept);
  return {
    outputs: [single ? { ...output, type: DataType.INT64 } : output],
    global: axes.some((axis) => isSpatial(input!.axes[axis]!)),
    ...poolOf(node.opType, input!, axes),
  };
};

const matMul: Operator = (_node, [a, b]) => {
  if (!a || !b || a.axes.length < 2 || b.axes.length < 2) throw new CannotFollow('vectors');
  const [rowsA, contractedA] = a.axes.slice(-2) as [Axis, Axis];
  const [contractedB, columnsB] = b.axes.slice(-2) as [Axis, Axis];
  if (sizeOfAxis(contractedA) !== sizeOfAxis(contractedB)) throw new Contradiction('a matrix product does not fit');
  // Two pictures multiplied compare every pixel with every other one.
  const attention = isSpatial(rowsA) && isSpatial(columnsB);
  const global = attention || isSpatial(contractedA) || isSpatial(contractedB);
  const batch = broadcast(
    [
      { ...a, axes: a.axes.slice(0, -2) },
      { ...b, axes: b.axes.slice(0, -2) },
    ],
    a.type,
  );
  const output = withAxes(a, [...batch.axes, rowsA, columnsB], { ...b.scale, ...a.scale });
  return { outputs: [output], global, mac: density(output) * sizeOfAxis(contractedA) };
};

const gemm: Operator = (node, [a, b]) => {
  if (!a || !b || intOf(node, 'transA', 0) === 1 || hasPicture(b)) throw new CannotFollow('transposed pictures');
  const columns = b.axes[intOf(node, 'transB', 0) === 1 ? 0 : 1] ?? [];
  const contracted = a.axes[1] ?? [];
  const output: Value = withAxes(a, [a.axes[0] ?? [], plainAxis(sizeOfAxis(columns))]);
  return { outputs: [output], global: isSpatial(contracted), mac: density(output) * sizeOfAxis(contracted) };
};

/** Operators that sum over axes. */
export const REDUCTIONS: Operators = {
  ...Object.fromEntries(
    'ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceSumSquare ArgMax ArgMin'
      .split(' ')
      .map((name) => [name, reduce]),
  ),
  MatMul: matMul,
  Gemm: gemm,
};
