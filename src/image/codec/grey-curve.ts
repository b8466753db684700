import type { TransferCurve } from './matrix-profile.js';

/** Light of evenly spaced levels, 0 to 1. */
export type CurveTable = readonly number[];

/** One of both. */
interface GreyCurve {
  readonly curve: TransferCurve | undefined;
  readonly table?: CurveTable;
}

/** Types of `parametricCurveType` (ICC.1:2022, table 68) that `TransferCurve` has, by their parameters: g, a, b, c, d. */
const parameterCounts = new Map([
  [0, 1],
  [1, 3],
  [3, 5],
]);

/**
 * How a profile of grey turns values into light: its `kTRC` (ICC.1:2022, 8.4.2, 10.6 and 10.18).
 * @returns undefined where it has none, or one of another kind
 */
export function greyCurve(icc: Uint8Array): GreyCurve | undefined {
  const view = new DataView(icc.buffer, icc.byteOffset, icc.byteLength);
  const text = (at: number): string => String.fromCharCode(...icc.subarray(at, at + 4));
  try {
    for (let left = view.getUint32(128), entry = 132; left > 0; left--, entry += 12) {
      if (text(entry) !== 'kTRC') continue;
      const at = view.getUint32(entry + 4);
      if (text(at) === 'curv') return curveOf(view, at);
      return text(at) === 'para' ? parametersOf(view, at) : undefined;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // A place beyond the profile's end.
  }
  return undefined;
}

function curveOf(view: DataView, at: number): GreyCurve {
  const count = view.getUint32(at + 8);
  if (count === 0) return { curve: { g: 1 } };
  const value = (index: number): number => view.getUint16(at + 12 + 2 * index);
  if (count === 1) return { curve: { g: value(0) / 256 } };
  if (at + 12 + 2 * count > view.byteLength) throw new RangeError('a table beyond the end');
  return { curve: undefined, table: Array.from({ length: count }, (_, index) => value(index) / 65_535) };
}

function parametersOf(view: DataView, at: number): GreyCurve | undefined {
  const count = parameterCounts.get(view.getUint16(at + 8));
  if (count === undefined) return undefined;
  const [g = 1, a = 1, b = 0, c = 0, d = 0] = Array.from(
    { length: count },
    (_, index) => view.getInt32(at + 12 + 4 * index) / 65_536,
  );
  return { curve: { g, a, b, c, d: count === 3 ? -b / a : d } };
}
