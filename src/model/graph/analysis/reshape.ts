import { intOf, intsOf } from '../onnx/node.js';
import { gathered, scattered } from './window.js';
import type { Followed, Operator, Operators, Span } from './operator.js';
import { ONE, rational, times, type Rational } from './rational.js';
import {
  axisIndex,
  CannotFollow,
  Contradiction,
  plainAxis,
  shapeOf,
  sizeOfAxis,
  withAxes,
  type Along,
  type Atom,
  type Axis,
  type Value,
} from './value.js';

/** Blocks of rows larger than this are parts of the picture, not phases of a shuffle. */
const MAX_BLOCK = 128;

/**
 * Regroups a tensor's elements. Splitting rows into (rows / b, b) makes the second a phase, as SpaceToDepth does; joining
 * (rows, b) interleaves phases into rows, as DepthToSpace does. So the Reshape-Transpose-Reshape by which PyTorch and TensorFlow
 * write these is followed, and window partitions with it.
 */
function regroup(input: Value, shape: readonly number[]): Followed {
  const count = (sizes: readonly number[]): number => sizes.reduce((product, size) => product * size, 1);
  if (count(shape) !== count(shapeOf(input))) throw new Contradiction('a reshape to a size that does not fit');
  const atoms: Atom[] = input.axes.flat().filter(({ size }) => size !== 1);
  const scale: Partial<Record<Along, Rational>> = { ...input.scale };
  const steps: { along: Along; demand: (span: Span) => Span }[] = [];
  const axes = shape.map((size) => {
    const parts: Atom[] = [];
    let missing = size;
    while (missing > 1) {
      const next = atoms.shift();
      if (!next) throw new CannotFollow('a reshape across borders of axes');
      if (missing % next.size === 0) {
        parts.push(next);
        missing /= next.size;
        continue;
      }
      if (next.size % missing !== 0) throw new CannotFollow('a reshape across borders of axes');
      const block = next.size / missing;
      if (next.along) {
        if (block > MAX_BLOCK) throw new CannotFollow('a reshape into distant parts');
        scale[next.along] = times(scale[next.along] ?? ONE, rational(1, block));
        steps.push({ along: next.along, demand: (span) => scattered(span, block) });
      }
      parts.push({ ...next, size: missing });
      atoms.unshift({ size: block });
      missing = 1;
    }
    return interleave(parts, scale, steps);
  });
  return {
    outputs: [withAxes(input, axes, scale)],
    view: true,
    demand: (span, along) =>
      steps.reduceRight((result, step) => (step.along === along ? step.demand(result) : result), span),
  };
}

function interleave(
  parts: readonly Atom[],
  scale: Partial<Record<Along, Rational>>,
  steps: { along: Along; demand: (span: Span) => Span }[],
): Axis {
  const [first, ...phases] = parts;
  if (!first?.along || phases.length === 0 || phases.some(({ along }) => along !== undefined)) return parts;
  const block = sizeOfAxis(phases);
  scale[first.along] = times(scale[first.along] ?? ONE, rational(block));
  steps.push({ along: first.along, demand: (span) => gathered(span, block) });
  return [{ size: first.size * block, along: first.along }];
}

/** The elements of an input that must be known: a shape, axes, pads. Throws CannotFollow when they aren't. */
export function knownValues(value: Value | undefined, what: string): readonly number[] {
  if (!value?.values) throw new CannotFollow(`${what} that is computed`);
  return value.values;
}

const reshape: Operator = (node, [input, target]) => {
  const wanted = knownValues(target, 'a shape');
  const own = shapeOf(input!);
  const zeroCopies = intOf(node, 'allowzero', 0) === 0;
  const shape = wanted.map((size, index) => (size === 0 && zeroCopies ? (own[index] ?? 0) : size));
  const known = shape.reduce((product, size) => (size === -1 ? product : product * size), 1);
  const total = own.reduce((product, size) => product * size, 1);
  return regroup(
    input!,
    shape.map((size) => {
      const result = size === -1 ? total / known : size;
      if (!Number.isInteger(result) || result < 1) throw new Contradiction('a reshape to a size that does not fit');
      return result;
    }),
  );
};

const flatten: Operator = (node, [input]) => {
  const shape = shapeOf(input!);
  const axis = intOf(node, 'axis', 1);
  const product = (part: readonly number[]): number => part.reduce((result, size) => result * size, 1);
  return regroup(input!, [product(shape.slice(0, axis)), product(shape.slice(axis))]);
};

const transpose: Operator = (node, [input]) => {
  const axes = input!.axes;
  const perm = intsOf(node, 'perm') ?? axes.map((_, index) => axes.length - 1 - index);
  if (perm.length !== axes.length) throw new Contradiction(`a transpose of ${perm.length} axes gets ${axes.length}`);
  return {
    outputs: [
      withAxes(
        input!,
        perm.map((from) => axes[axisIndex(from, axes.length)]!),
      ),
    ],
  };
};

/** Axes given as an attribute (until operator set 12) or as an input. */
export function axesOf(node: Parameters<Operator>[0], given: Value | undefined): readonly number[] | undefined {
  return intsOf(node, 'axes') ?? (given ? knownValues(given, 'axes') : undefined);
}

const squeeze: Operator = (node, [input, given]) => {
  const rank = input!.axes.length;
  const axes = axesOf(node, given)?.map((axis) => axisIndex(axis, rank));
  const kept = input!.axes.filter((axis, index) => (axes ? !axes.includes(index) : sizeOfAxis(axis) !== 1));
  return { outputs: [withAxes(input!, kept)], view: true };
};

const unsqueeze: Operator = (node, [input, given]) => {
  const added = axesOf(node, given) ?? [];
  const rank = input!.axes.length + added.length;
  const positions = added.map((axis) => axisIndex(axis, rank));
  const rest = [...input!.axes];
  const axes = Array.from({ length: rank }, (_, index): Axis =>
    positions.includes(index) ? [] : (rest.shift() ?? []),
  );
  return { outputs: [withAxes(input!, axes)], view: true };
};

const expand: Operator = (_node, [input, target]) => {
  const shape = knownValues(target, 'a shape');
  const rank = Math.max(shape.length, input!.axes.length);
  const axes = Array.from({ length: rank }, (_, index): Axis => {
    const own = input!.axes[index - rank + input!.axes.length] ?? [];
    const size = shape[index - rank + shape.length] ?? 1;
    if (size !== 1 && sizeOfAxis(own) !== 1 && size !== sizeOfAxis(own))
      throw new Contradiction('an expansion does not fit');
    return sizeOfAxis(own) === 1 ? plainAxis(size) : own;
  });
  return { outputs: [withAxes(input!, axes)] };
};

/** Operators that only rearrange. */
export const RESHAPES: Operators = {
  Reshape: reshape,
  Flatten: flatten,
  Transpose: transpose,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Expand: expand,
};
