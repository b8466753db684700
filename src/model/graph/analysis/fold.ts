import { floatOf, intOf, intsOf } from '../onnx/node.js';
import type { NodeProto } from '../onnx/onnx_pb.js';
import { axisIndex, plainValue, shapeOf, type Value } from './value.js';

/** Constants longer than this are weights, not shapes. */
export const MAX_FOLDED = 4096;

type Known = Value & { readonly values: readonly number[] };

const BINARY: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Max: Math.max,
  Min: Math.min,
  Mod: (a, b) => a - b * Math.floor(a / b),
  Pow: (a, b) => a ** b,
  Equal: (a, b) => Number(a === b),
  Greater: (a, b) => Number(a > b),
  Less: (a, b) => Number(a < b),
  And: (a, b) => a & b,
  Or: (a, b) => a | b,
};

const UNARY: Readonly<Record<string, (a: number) => number>> = {
  Identity: (a) => a,
  Neg: (a) => -a,
  Abs: Math.abs,
  Floor: Math.floor,
  Ceil: Math.ceil,
  Round: Math.round,
  Sqrt: Math.sqrt,
  Not: (a) => Number(!a),
};

const FLOAT_TYPES = new Set([1, 10, 11, 16]);

/**
 * The elements of a node's output where its inputs' elements are known: the small sums by which exporters compute the shapes
 * that they pass to Reshape, Resize and Pad. `output` is the shape that is known already. Undefined where nothing is known.
 */
export function foldConstants(
  node: NodeProto,
  inputs: readonly (Value | undefined)[],
  output: Value,
): number[] | undefined {
  const known = inputs.filter((input): input is Known => input?.values !== undefined);
  if (known.length === 0 || known.length !== inputs.filter(Boolean).length) return undefined;
  const shape = shapeOf(output);
  const size = shape.reduce((product, dim) => product * dim, 1);
  if (size > MAX_FOLDED) return undefined;
  const [a, b, c] = known as [Known, Known | undefined, Known | undefined];
  const values = a.values;

  const binary = BINARY[node.opType];
  if (binary) return known.map((one) => expand(one, shape)).reduce((x, y) => x.map((v, i) => binary(v, y[i]!)));
  const unary = UNARY[node.opType];
  if (unary) return values.map(unary);
  switch (node.opType) {
    case 'Div': {
      const divisors = expand(b!, shape);
      const whole = !FLOAT_TYPES.has(a.type);
      return expand(a, shape).map((v, i) => (whole ? Math.trunc(v / divisors[i]!) : v / divisors[i]!));
    }
    case 'Cast':
      return values.map(FLOAT_TYPES.has(output.type) ? (v) => v : Math.trunc);
    case 'Where':
      return ((x, y) => expand(a, shape).map((v, i) => (v ? x[i]! : y[i]!)))(expand(b!, shape), expand(c!, shape));
    case 'Reshape':
    case 'Squeeze':
    case 'Unsqueeze':
    case 'Flatten':
      return [...values];
    case 'Expand':
      return expand(a, shape);
    case 'Concat':
      return concat(known, axisIndex(intOf(node, 'axis', 0), shape.length));
    case 'Gather':
      return gather(a, b!, axisIndex(intOf(node, 'axis', 0), a.axes.length));
    case 'Transpose':
      return transpose(a, intsOf(node, 'perm') ?? shape.map((_, index) => shape.length - 1 - index));
    case 'ReduceProd':
      return size === 1 ? [values.reduce((product, v) => product * v, 1)] : undefined;
    case 'Range':
      return Array.from({ length: size }, (_, index) => values[0]! + index * c!.values[0]!);
    case 'Clip':
      return values.map((v) =>
        Math.min(Math.max(v, b?.values[0] ?? floatOf(node, 'min', v)), c?.values[0] ?? floatOf(node, 'max', v)),
      );
    default:
      return undefined;
  }
}

/** A slice with any steps of a tensor whose elements are known. */
export function sliceConstant(
  value: Value,
  slices: readonly { start: number; step: number; size: number }[],
): number[] {
  const shape = shapeOf(value);
  const result: number[] = [];
  const walk = (axis: number, offset: number): void => {
    if (axis === shape.length) {
      result.push(value.values![offset]!);
      return;
    }
    const { start, step, size } = slices[axis]!;
    for (let at = 0; at < size; at++) walk(axis + 1, offset * shape[axis]! + start + at * step);
  };
  walk(0, 0);
  return result;
}

function expand(value: Known, shape: readonly number[]): number[] {
  const own = [...new Array<number>(Math.max(0, shape.length - value.axes.length)).fill(1), ...shapeOf(value)];
  const whole: Value = plainValue(value.type, own, value.values);
  return sliceConstant(
    whole,
    shape.map((size, axis) => ({ start: 0, step: own[axis] === 1 ? 0 : 1, size })),
  );
}

function concat(parts: readonly Known[], axis: number): number[] {
  const outer = shapeOf(parts[0]!)
    .slice(0, axis)
    .reduce((product, dim) => product * dim, 1);
  return Array.from({ length: outer }, (_, row) =>
    parts.flatMap(({ values }) => {
      const length = values.length / outer;
      return values.slice(row * length, (row + 1) * length);
    }),
  ).flat();
}

function gather(value: Known, indices: Known, axis: number): number[] {
  const shape = shapeOf(value);
  const inner = shape.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  const outer = shape.slice(0, axis).reduce((product, dim) => product * dim, 1);
  const size = shape[axis]!;
  return Array.from({ length: outer }, (_, row) =>
    indices.values.flatMap((index) => {
      const start = (row * size + (index < 0 ? index + size : index)) * inner;
      return value.values.slice(start, start + inner);
    }),
  ).flat();
}

function transpose(value: Known, perm: readonly number[]): number[] {
  const shape = shapeOf(value);
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, dim) => product * dim, 1));
  const result: number[] = [];
  const walk = (depth: number, offset: number): void => {
    if (depth === perm.length) {
      result.push(value.values[offset]!);
      return;
    }
    const axis = perm[depth]!;
    for (let at = 0; at < shape[axis]!; at++) walk(depth + 1, offset + at * strides[axis]!);
  };
  walk(0, 0);
  return result;
}
