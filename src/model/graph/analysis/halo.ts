import type { Halo } from '../../../pixels.js';
import { union, type Span, type Step } from './operator.js';
import { ONE, toNumber } from './rational.js';
import { ALONG, type Along, type Value } from './value.js';

/**
 * Input pixels of context that a tile needs on each side for its part of a tensor: the rows and columns that the smallest tile needs
 * are followed backwards, in integers.
 * @param steps nodes in the order of computing
 * @param core rows and columns of the smallest tile
 * @param size of the picture that was supposed
 */
export function haloOf(
  steps: readonly Step[],
  input: string,
  target: string,
  values: ReadonlyMap<string, Value>,
  core: number,
  size: Readonly<Record<Along, number>>,
): Halo {
  const backwards = [...steps].reverse();
  const [h, w] = ALONG.map((along) => {
    const demandOf = (rows: Span): Span => {
      const demanded = new Map<string, Span>([[target, rows]]);
      for (const { node, followed } of backwards) {
        const [span, ...more] = node.output.flatMap((name) => demanded.get(name) ?? []);
        if (!span) continue;
        const whole = more.reduce(union, span);
        const needed = followed.demand ? followed.demand(whole, along, core) : whole;
        for (const name of node.input) {
          if (!values.get(name)?.scale[along]) continue;
          const known = demanded.get(name);
          demanded.set(name, known ? union(known, needed) : needed);
        }
      }
      return demanded.get(input) ?? { first: 0, last: 0 };
    };
    const { scale: scales, axes } = values.get(target)!;
    const scale = toNumber(scales[along] ?? ONE);
    const rows = { first: 0, last: core * scale - 1 };
    const { first, last } = demandOf(rows);
    // Of a tensor that reaches beyond the picture, the last tile gives that part too.
    const beyond = (axes.flat().find((atom) => atom.along === along)?.size ?? 0) - scale * size[along];
    const border = beyond > 0 ? demandOf({ ...rows, last: rows.last + beyond }).first : first;
    return { before: Math.max(0, -first, -border), after: Math.max(0, last - (core - 1)) };
  });
  return { left: w!.before, right: w!.after, top: h!.before, bottom: h!.after };
}
