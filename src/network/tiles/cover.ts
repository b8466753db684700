import { TimeSlice } from '../../event-loop.js';
import type { Rectangle } from './tiles.js';

/** What computing a rectangle of cells costs. */
export type CostOf = (columns: number, rows: number) => number;

/** Cutting goes on while the parts cost no more than so many times the whole: they may be cut further to advantage. */
const hope = 1.25;

/** Cells that are looked at, at most, for each cell of the grid: then rectangles stay as they are. */
const mostLooks = 64;

/**
 * Covers the cells that are marked with rectangles, of which each costs a ring of context besides: rectangles are cut in two, and
 * trimmed to what is marked in them, as long as that makes them cheaper. Rectangles do not overlap.
 * @returns in cells
 */
export async function coverCells(
  marked: Uint8Array,
  columns: number,
  rows: number,
  costOf: CostOf,
): Promise<readonly Rectangle[]> {
  const all = trimmed(marked, columns, { x: 0, y: 0, width: columns, height: rows });
  if (!all) return [];
  const slice = new TimeSlice();
  let looks = mostLooks * columns * rows;
  const cut = async (whole: Rectangle): Promise<{ readonly cost: number; readonly parts: readonly Rectangle[] }> => {
    const uncut = { cost: costOf(whole.width, whole.height), parts: [whole] };
    const area = whole.width * whole.height;
    looks -= area;
    if (area === 1 || looks < 0) return uncut;
    if (slice.isOver(2 * area)) await slice.renew();
    const found = bestCut(marked, columns, whole, costOf);
    if (!found || found.cost > uncut.cost * hope) return uncut;
    const [first, second] = [await cut(found.first), await cut(found.second)];
    const cost = first.cost + second.cost;
    return cost < uncut.cost ? { cost, parts: [...first.parts, ...second.parts] } : uncut;
  };
  return (await cut(all)).parts;
}

interface Cut {
  readonly cost: number;
  readonly first: Rectangle;
  readonly second: Rectangle;
}

function bestCut(marked: Uint8Array, columns: number, whole: Rectangle, costOf: CostOf): Cut | undefined {
  const { across, down } = extents(marked, columns, whole);
  let best: Cut | undefined;
  for (const [spans, turned] of [
    [down, false],
    [across, true],
  ] as const) {
    const before = spansUpTo(spans);
    const after = spansUpTo(spans.toReversed()).reverse();
    for (let at = 1; at < spans.length; at++) {
      const [first, second] = [before[at - 1]!, after[at]!];
      // Spans that are empty are beyond the ends of what was trimmed, or taken with their neighbours.
      const lengths = [first.last + 1, second.last + 1] as const;
      const widths = [first.to - first.from, second.to - second.from] as const;
      const cost = turned
        ? costOf(lengths[0], widths[0]) + costOf(lengths[1], widths[1])
        : costOf(widths[0], lengths[0]) + costOf(widths[1], lengths[1]);
      if (best && cost >= best.cost) continue;
      const start = spans.length - lengths[1];
      best = turned
        ? {
            cost,
            first: { x: whole.x, y: whole.y + first.from, width: lengths[0], height: widths[0] },
            second: { x: whole.x + start, y: whole.y + second.from, width: lengths[1], height: widths[1] },
          }
        : {
            cost,
            first: { x: whole.x + first.from, y: whole.y, width: widths[0], height: lengths[0] },
            second: { x: whole.x + second.from, y: whole.y + start, width: widths[1], height: lengths[1] },
          };
    }
  }
  return best;
}

/** What is marked in one row or column: from the first to behind the last; nothing where `from` is not before `to`. */
interface Span {
  readonly from: number;
  readonly to: number;
}

/** The marked part of each column and of each row of a rectangle. */
function extents(
  marked: Uint8Array,
  columns: number,
  { x, y, width, height }: Rectangle,
): { readonly across: readonly Span[]; readonly down: readonly Span[] } {
  const across = Array.from({ length: width }, () => ({ from: Infinity, to: 0 }));
  const down = Array.from({ length: height }, (_, row) => {
    let [from, to] = [Infinity, 0];
    for (let column = 0; column < width; column++) {
      if (marked[(y + row) * columns + x + column] === 0) continue;
      if (to === 0) from = column;
      to = column + 1;
      const own = across[column]!;
      if (own.to === 0) own.from = row;
      own.to = row + 1;
    }
    return { from, to };
  });
  return { across, down };
}

/** For each place what is marked up to there, and the last place at which something is. */
function spansUpTo(spans: readonly Span[]): (Span & { readonly last: number })[] {
  let [from, to, last] = [Infinity, 0, 0];
  return spans.map((span, at) => {
    if (span.from < span.to) {
      from = Math.min(from, span.from);
      to = Math.max(to, span.to);
      last = at;
    }
    return { from, to, last };
  });
}

function trimmed(marked: Uint8Array, columns: number, whole: Rectangle): Rectangle | undefined {
  const { across, down } = extents(marked, columns, whole);
  const [width, height] = [spansUpTo(across).at(-1)!, spansUpTo(down).at(-1)!];
  if (width.to === 0) return undefined;
  return { x: height.from, y: width.from, width: height.to - height.from, height: width.to - width.from };
}
