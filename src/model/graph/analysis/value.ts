import { equal, ONE, type Rational } from './rational.js';

/** The picture's two axes. */
export type Along = 'h' | 'w';
export const ALONG: readonly Along[] = ['h', 'w'];

/**
 * A piece of an axis: rows or columns of the picture, or (without `along`) channels, phases, batch. Reshape joins and splits
 * axes, so an axis is a list of atoms, the slowest first: the flattened picture is one axis of two atoms.
 */
export interface Atom {
  readonly size: number;
  readonly along?: Along;
}
export type Axis = readonly Atom[];

/** What is known about a tensor for one size of the picture. */
export interface Value {
  /** Element type as ONNX numbers it. */
  readonly type: number;
  readonly axes: readonly Axis[];
  /** Rows and columns per row and column of the input, for the picture's axes that the tensor has. */
  readonly scale: Partial<Readonly<Record<Along, Rational>>>;
  /** The elements, where they are known and few: shapes on their way to a Reshape. */
  readonly values?: readonly number[] | undefined;
}

/** A node that this analysis can't follow. */
export class CannotFollow extends Error {}

/** A node whose inputs contradict each other: no picture of this layout can pass. */
export class Contradiction extends Error {}

export function sizeOfAxis(axis: Axis): number {
  return axis.reduce((product, { size }) => product * size, 1);
}

export function shapeOf(value: Value): number[] {
  return value.axes.map(sizeOfAxis);
}

/** An axis of `size` that is no part of the picture. */
export function plainAxis(size: number): Axis {
  return size === 1 ? [] : [{ size }];
}

export function isSpatial(axis: Axis): boolean {
  return axis.some(({ along }) => along !== undefined);
}

/** The direction of an axis that is one of the picture's and nothing else. */
export function directionOf(axis: Axis): Along | undefined {
  return axis.length === 1 ? axis[0]!.along : undefined;
}

/** The same axis with another number of rows, columns or channels. Throws Contradiction where none are left. */
export function resized(axis: Axis, size: number): Axis {
  if (size < 1 || !Number.isInteger(size)) throw new Contradiction('nothing is left of the picture');
  const along = directionOf(axis);
  return along ? [{ size, along }] : plainAxis(size);
}

/** A tensor that has nothing of the picture in it. */
export function plainValue(type: number, shape: readonly number[], values?: readonly number[]): Value {
  return { type, axes: shape.map(plainAxis), scale: {}, values };
}

/** Whether any axis is part of the picture. */
export function hasPicture(value: Value): boolean {
  return value.axes.some(isSpatial);
}

/**
 * A tensor of new axes, whose scales are those of the directions that are left. Throws CannotFollow when a direction occurs
 * twice: rows against rows, as attention makes them.
 */
export function withAxes(value: Value, axes: readonly Axis[], scale: Value['scale'] = value.scale): Value {
  const kept: Partial<Record<Along, Rational>> = {};
  for (const along of ALONG) {
    const count = axes.flat().filter((atom) => atom.along === along).length;
    if (count > 1) throw new CannotFollow('rows against rows');
    if (count === 1) kept[along] = scale[along] ?? ONE;
  }
  return { type: value.type, axes, scale: kept };
}

/** Axis by number, negative ones from the end. Throws Contradiction outside of the rank. */
export function axisIndex(index: number, rank: number): number {
  const result = index < 0 ? index + rank : index;
  if (result < 0 || result >= rank) throw new Contradiction(`axis ${index} of ${rank}`);
  return result;
}

/** The result of combining tensors element by element, with the broadcasting of numpy. */
export function broadcast(values: readonly Value[], type: number): Value {
  const rank = Math.max(...values.map(({ axes }) => axes.length));
  const axes = Array.from({ length: rank }, (_, index): Axis => {
    let result: Axis = [];
    for (const value of values) {
      const axis = value.axes[index - rank + value.axes.length] ?? [];
      result = broadcastAxis(result, axis);
    }
    return result;
  });
  const scale: Partial<Record<Along, Rational>> = {};
  for (const along of ALONG) {
    for (const value of values) {
      const own = value.scale[along];
      if (!own) continue;
      const other = scale[along];
      // Sizes agree here by chance at most: pictures of different scales are never combined.
      if (other && !equal(own, other)) throw new Contradiction('pictures of different scales meet');
      scale[along] = own;
    }
  }
  return withAxes({ type, axes, scale }, axes);
}

function broadcastAxis(a: Axis, b: Axis): Axis {
  const [sizeA, sizeB] = [sizeOfAxis(a), sizeOfAxis(b)];
  if (sizeA === 1) return b;
  if (sizeB === 1) return a;
  if (sizeA !== sizeB) throw new Contradiction(`sizes ${sizeA} and ${sizeB} don't match`);
  const [spatialA, spatialB] = [isSpatial(a), isSpatial(b)];
  if (spatialA && spatialB && !sameAtoms(a, b)) throw new CannotFollow('axes of different origin meet');
  return spatialA ? a : b;
}

function sameAtoms(a: Axis, b: Axis): boolean {
  return a.length === b.length && a.every((atom, at) => atom.size === b[at]!.size && atom.along === b[at]!.along);
}
