import { intOf, intsOf, textOf } from '../onnx/node.js';
import { sliceConstant } from './fold.js';
import { type Followed, type Operator, type Operators, type Span, union } from './operator.js';
import { ONE, rational, times, toNumber, type Rational } from './rational.js';
import { axesOf, knownValues } from './reshape.js';
import {
  axisIndex,
  CannotFollow,
  Contradiction,
  directionOf,
  isSpatial,
  plainAxis,
  resized,
  shapeOf,
  sizeOfAxis,
  withAxes,
  type Along,
  type Value,
} from './value.js';

type Demands = Partial<Record<Along, (span: Span, core: number) => Span>>;

function followed(output: Value, demands: Demands = {}): Followed {
  return { outputs: [output], demand: (span, along, core) => demands[along]?.(span, core) ?? span };
}

const concat: Operator = (node, inputs) => {
  const values = inputs.filter((input): input is Value => input !== undefined);
  const [first] = values;
  const rank = first!.axes.length;
  const axis = axisIndex(intOf(node, 'axis', 1), rank);
  const joined = values.map((value) => value.axes[axis] ?? []);
  if (joined.some(isSpatial)) throw new CannotFollow('parts of a picture side by side');
  // Which input carries the picture does not matter: all must have the same one.
  const carrier = values.find((value) => Object.keys(value.scale).length > 0) ?? first!;
  const axes = carrier.axes.map((own, index) => {
    if (index === axis) return plainAxis(joined.reduce((sum, part) => sum + sizeOfAxis(part), 0));
    if (values.some((value) => sizeOfAxis(value.axes[index] ?? []) !== sizeOfAxis(own))) {
      throw new Contradiction('tensors of different sizes are joined');
    }
    return own;
  });
  for (const value of values) {
    for (const along of ['h', 'w'] as const) {
      const [a, b] = [value.scale[along], carrier.scale[along]];
      if (a && b && (a.num !== b.num || a.den !== b.den)) throw new Contradiction('pictures of different scales meet');
    }
  }
  return followed(withAxes(carrier, axes));
};

const split: Operator = (node, [input, given]) => {
  const axis = axisIndex(intOf(node, 'axis', 0), input!.axes.length);
  const own = input!.axes[axis]!;
  if (isSpatial(own)) throw new CannotFollow('a picture in parts');
  const count = node.output.length;
  const size = Math.ceil(sizeOfAxis(own) / count);
  const sizes =
    intsOf(node, 'split') ??
    given?.values ??
    Array.from({ length: count }, (_, index) => Math.min(size, sizeOfAxis(own) - size * index));
  return {
    outputs: sizes.map((part) =>
      withAxes(
        input!,
        input!.axes.map((other, index) => (index === axis ? resized(other, part) : other)),
      ),
    ),
  };
};

const slice: Operator = (node, [input, startsIn, endsIn, axesIn, stepsIn]) => {
  const rank = input!.axes.length;
  const starts = intsOf(node, 'starts') ?? knownValues(startsIn, 'a start');
  const ends = intsOf(node, 'ends') ?? knownValues(endsIn, 'an end');
  const axes = axesOf(node, axesIn) ?? starts.map((_, index) => index);
  const steps = stepsIn ? knownValues(stepsIn, 'a step') : starts.map(() => 1);

  const parts = shapeOf(input!).map((size) => ({ start: 0, step: 1, size }));
  const scale: Partial<Record<Along, Rational>> = { ...input!.scale };
  const demands: Demands = {};
  const result = [...input!.axes];
  axes.forEach((given, at) => {
    const index = axisIndex(given, rank);
    const own = input!.axes[index]!;
    const size = sizeOfAxis(own);
    const step = steps[at] ?? 1;
    const wrap = (position: number): number => (position < 0 ? position + size : position);
    const start = Math.min(Math.max(wrap(starts[at]!), 0), step < 0 ? size - 1 : size);
    const end = Math.min(Math.max(wrap(ends[at]!), step < 0 ? -1 : 0), size);
    const count = Math.max(0, Math.ceil((end - start) / step));
    parts[index] = { start, step, size: count };
    if (count === size && step === 1) return;
    // Nothing is a tensor, too; of a picture it is none.
    if (count === 0 && !isSpatial(own)) throw new CannotFollow('an empty tensor');
    result[index] = resized(own, count);
    const along = directionOf(own);
    if (!along) {
      if (isSpatial(own)) throw new CannotFollow('a part of a flattened picture');
      return;
    }
    if (step < 1) throw new CannotFollow('a mirrored picture');
    scale[along] = times(scale[along] ?? ONE, rational(1, step));
    const removed = size - end;
    // What is cut off must be there: a tile has to reach as far beyond the range as the whole picture does.
    demands[along] = ({ first, last }) => ({ first: first * step, last: last * step + start + removed });
  });
  const output = withAxes(input!, result, scale);
  return followed(input!.values ? { ...output, values: sliceConstant(input!, parts) } : output, demands);
};

const pad: Operator = (node, [input, padsIn, , axesIn], { pictureSize }) => {
  const rank = input!.axes.length;
  const pads = intsOf(node, 'pads') ?? knownValues(padsIn, 'pads');
  const axes = axesIn ? knownValues(axesIn, 'axes') : input!.axes.map((_, index) => index);
  const mode = textOf(node, 'mode', 'constant');
  const result = [...input!.axes];
  const demands: Demands = {};
  axes.forEach((given, at) => {
    const [before, after] = [pads[at]!, pads[at + axes.length]!];
    if (before === 0 && after === 0) return;
    const index = axisIndex(given, rank);
    const own = input!.axes[index]!;
    const size = sizeOfAxis(own);
    result[index] = resized(own, size + before + after);
    const along = directionOf(own);
    if (!along) {
      if (isSpatial(own)) throw new CannotFollow('a padded flattened picture');
      return;
    }
    if (mode === 'wrap') throw new CannotFollow('opposite borders');
    const scale = toNumber(input!.scale[along] ?? ONE);
    const beyond = size - scale * pictureSize[along];
    demands[along] = ({ first, last }, core) => {
      const plain = { first: Math.min(first - before, first), last: Math.max(last - before, last - before - after) };
      if (mode !== 'reflect') return plain;
      // At a border of the picture, rows beyond it are copies of as many rows inside, which a tile there must contain.
      const end = scale * core + beyond - 1;
      return union(plain, {
        first: Math.min(plain.first, 2 * end - plain.last),
        last: Math.max(plain.last, -plain.first),
      });
    };
  });
  return followed(withAxes(input!, result), demands);
};

const gather: Operator = (node, [input, indices]) => {
  const axis = axisIndex(intOf(node, 'axis', 0), input!.axes.length);
  if (isSpatial(input!.axes[axis]!) || Object.keys(indices?.scale ?? {}).length > 0) {
    throw new CannotFollow('rows picked by number');
  }
  const axes = [...input!.axes.slice(0, axis), ...indices!.axes, ...input!.axes.slice(axis + 1)];
  return followed(withAxes(input!, axes));
};

const tile: Operator = (_node, [input, repeats]) => {
  const counts = knownValues(repeats, 'repeats');
  const axes = input!.axes.map((own, index) => {
    if (counts[index] === 1) return own;
    if (isSpatial(own)) throw new CannotFollow('a repeated picture');
    return plainAxis(sizeOfAxis(own) * (counts[index] ?? 1));
  });
  return followed(withAxes(input!, axes));
};

/** Operators that take pictures apart, join them and pad them. */
export const CUTS: Operators = { Concat: concat, Split: split, Slice: slice, Pad: pad, Gather: gather, Tile: tile };
