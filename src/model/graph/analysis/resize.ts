import { floatsOf, intOf, intsOf, textOf } from '../onnx/node.js';
import type { NodeProto } from '../onnx/onnx_pb.js';
import type { Operator, Operators, Span } from './operator.js';
import { ONE, rational, times, toNumber, type Rational } from './rational.js';
import {
  axisIndex,
  CannotFollow,
  directionOf,
  isSpatial,
  shapeOf,
  sizeOfAxis,
  withAxes,
  type Along,
  type Value,
} from './value.js';

/** Keeps a coordinate on the safe side of a rounding border. */
const EPSILON = 1e-9;

/** Largest denominator that a scale given as a float is taken for. */
const MAX_DENOMINATOR = 16;

const resize: Operator = (node, inputs, { opset, pictureSize }) => {
  const input = inputs[0]!;
  const old = node.opType === 'Upsample' || opset < 11;
  const mode = textOf(node, 'mode', 'nearest').replace('bilinear', 'linear');
  const coordinates = old ? 'asymmetric' : textOf(node, 'coordinate_transformation_mode', 'half_pixel');
  const rounding = old ? 'floor' : textOf(node, 'nearest_mode', 'round_prefer_floor');
  const factors = factorsOf(node, inputs, old);
  const antialias = intOf(node, 'antialias', 0) === 1;

  const scale: Partial<Record<Along, Rational>> = { ...input.scale };
  const own: Partial<Record<Along, Rational>> = {};
  let stretched = false;
  const axes = input.axes.map((axis, index) => {
    const factor = factors[index] ?? ONE;
    if (factor.num === factor.den) return axis;
    const along = directionOf(axis);
    if (!along) throw new CannotFollow(isSpatial(axis) ? 'a flattened picture' : 'channels');
    own[along] = factor;
    const size = Math.floor(sizeOfAxis(axis) * toNumber(factor) + EPSILON);
    const before = times(scale[along] ?? ONE, factor);
    const after = scaleOfSize(size, pictureSize[along]) ?? before;
    // Back to the picture's size from one that was rounded: where a sample lies then depends on the size of the whole.
    stretched ||= after.num * before.den !== after.den * before.num;
    scale[along] = after;
    return [{ size, along }];
  });
  const moved = Object.values(own);
  if (
    moved.length > 0 &&
    !['half_pixel', 'half_pixel_symmetric', 'pytorch_half_pixel', 'asymmetric'].includes(coordinates)
  ) {
    // align_corners stretches over the whole picture; tf_crop_and_resize takes a part of it.
    return { outputs: [withAxes(input, axes, scale)], global: true };
  }
  // Weights come from coordinates in float32. Unless the factor is a power of two these are rounded, differently at each
  // distance from the picture's corner: a tile would differ from the whole picture in the last bits.
  const inexact = mode !== 'nearest' && moved.some(({ num, den }) => !powerOfTwo(num) || !powerOfTwo(den));
  return {
    outputs: [withAxes(input, axes, scale)],
    global: inexact || stretched,
    demand: (span, along) => {
      const factor = own[along];
      if (!factor) return span;
      const from = toNumber(factor);
      const at = (index: number): number => (coordinates === 'asymmetric' ? index / from : (index + 0.5) / from - 0.5);
      return readSpan(mode, rounding, antialias, from, at(span.first), at(span.last));
    },
  };
};

/** The scale of what has a simple multiple or part of the picture's rows. */
function scaleOfSize(size: number, picture: number): Rational | undefined {
  const { num, den } = rational(size, picture);
  return num === 1 || (den === 1 && num <= MAX_DENOMINATOR) ? { num, den } : undefined;
}

/** Input rows that the output rows at these coordinates are made from. */
function readSpan(
  mode: string,
  rounding: string,
  antialias: boolean,
  factor: number,
  first: number,
  last: number,
): Span {
  if (mode === 'nearest') return { first: nearest(first - EPSILON, rounding), last: nearest(last + EPSILON, rounding) };
  // Taps on each side of a coordinate; a wider kernel where it averages while it reduces.
  const taps = (mode === 'cubic' ? 2 : 1) / (antialias ? Math.min(1, factor) : 1);
  if (antialias && factor < 1) return { first: Math.floor(first - taps), last: Math.ceil(last + taps) };
  return { first: Math.floor(first + EPSILON) - taps + 1, last: Math.ceil(last - EPSILON) + taps - 1 };
}

function nearest(x: number, rounding: string): number {
  switch (rounding) {
    case 'floor':
      return Math.floor(x);
    case 'ceil':
      return Math.ceil(x);
    case 'round_prefer_ceil':
      return Math.floor(x + 0.5);
    default:
      return Math.ceil(x - 0.5);
  }
}

function factorsOf(node: NodeProto, inputs: readonly (Value | undefined)[], old: boolean): Rational[] {
  const shape = shapeOf(inputs[0]!);
  const scales = old ? (floatsOf(node, 'scales') ?? inputs[1]?.values) : inputs[2]?.values;
  const sizes = old ? undefined : inputs[3]?.values;
  const axes = (intsOf(node, 'axes') ?? shape.map((_, index) => index)).map((axis) => axisIndex(axis, shape.length));
  const result = shape.map(() => ONE);
  if (sizes && sizes.length > 0) {
    if (textOf(node, 'keep_aspect_ratio_policy', 'stretch') !== 'stretch')
      throw new CannotFollow('a kept aspect ratio');
    axes.forEach((axis, at) => (result[axis] = rational(sizes[at]!, shape[axis])));
  } else if (scales && scales.length > 0) {
    axes.forEach((axis, at) => (result[axis] = asRational(scales[at]!)));
  } else throw new CannotFollow('a size that is computed');
  return result;
}

/** The fraction that a float32 stands for. */
function asRational(value: number): Rational {
  for (let den = 1; den <= MAX_DENOMINATOR; den++) {
    const num = Math.round(value * den);
    if (num > 0 && Math.abs(value - num / den) < value * 1e-6) return rational(num, den);
  }
  throw new CannotFollow(`a scale of ${value}`);
}

function powerOfTwo(value: number): boolean {
  return (value & (value - 1)) === 0;
}

/** Operators that sample the picture at other places. */
export const RESIZES: Operators = { Resize: resize, Upsample: resize };
