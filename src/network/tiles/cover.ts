import { TimeSlice } from '../../event-loop.js';
import type { Rectangle } from './tiles.js';

/** What computing a rectangle of cells costs. */
export type CostOf = (columns: number, rows: number) => number;

/** Cutting goes on while the parts cost no more than so many times the whole: they may be cut further to advantage. */
const hope = 1.1;

/** Nor where even one square of all that is marked would not cost less than this share. */
const leastGain = 0.95;

/** Cells that are looked at, at most, for each cell of the grid: then rectangles stay as they are. */
const mostLooks = 24;

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
  const slice = new TimeSlice();
  const extents = new Extents(marked, columns, rows);
  let looks = mostLooks * columns * rows;
  const cut = async (whole: Rectangle): Promise<{ readonly cost: number; readonly parts: readonly Rectangle[] }> => {
    const cost = costOf(whole.width, whole.height);
    const uncut = { cost, parts: [whole] };
    const area = whole.width * whole.height;
    looks -= area;
    if (area === 1 || looks < 0) return uncut;
    if (slice.isOver(2 * area)) await slice.renew();
    const count = extents.read(whole);
    const side = Math.sqrt(count);
    if (costOf(side, side) > leastGain * cost) return uncut;
    const found = extents.bestCut(costOf);
    if (!found || found.cost > cost * hope) return uncut;
    const [first, second] = [await cut(found.first), await cut(found.second)];
    const sum = first.cost + second.cost;
    return sum < cost ? { cost: sum, parts: [...first.parts, ...second.parts] } : uncut;
  };
  const all = extents.trimmed();
  return all ? (await cut(all)).parts : [];
}

interface Cut {
  readonly cost: number;
  readonly first: Rectangle;
  readonly second: Rectangle;
}

/** Where the marks of a rectangle lie, row by row and column by column. In arrays, since this is done over and over. */
class Extents {
  private whole: Rectangle = { x: 0, y: 0, width: 0, height: 0 };
  private readonly across: Lines;
  private readonly down: Lines;

  constructor(
    private readonly marked: Uint8Array,
    private readonly columns: number,
    private readonly rows: number,
  ) {
    this.across = new Lines(columns);
    this.down = new Lines(rows);
  }

  /** @returns how many are marked */
  read(whole: Rectangle): number {
    this.whole = whole;
    const { marked, columns, across, down } = this;
    const { x, y, width, height } = whole;
    across.clear(width);
    down.clear(height);
    let count = 0;
    for (let row = 0; row < height; row++) {
      const from = (y + row) * columns + x;
      for (let column = 0; column < width; column++) {
        if (marked[from + column] === 0) continue;
        count++;
        across.mark(column, row);
        down.mark(row, column);
      }
    }
    across.sum(width);
    down.sum(height);
    return count;
  }

  trimmed(): Rectangle | undefined {
    const { columns, rows, across, down } = this;
    if (this.read({ x: 0, y: 0, width: columns, height: rows }) === 0) return undefined;
    const [right, bottom] = [columns - 1, rows - 1];
    const x = down.before.from[bottom]!;
    const y = across.before.from[right]!;
    return { x, y, width: down.before.to[bottom]! - x, height: across.before.to[right]! - y };
  }

  /** The cheapest way to cut what was read last into two, each trimmed; it is trimmed itself. */
  bestCut(costOf: CostOf): Cut | undefined {
    const { whole, across, down } = this;
    let best = Infinity;
    let place = 0;
    let turned = false;
    for (let row = 1; row < whole.height; row++) {
      const cost =
        costOf(down.before.extent(row - 1), down.before.length[row - 1]!) +
        costOf(down.after.extent(row), down.after.length[row]!);
      if (cost < best) [best, place] = [cost, row];
    }
    for (let column = 1; column < whole.width; column++) {
      const cost =
        costOf(across.before.length[column - 1]!, across.before.extent(column - 1)) +
        costOf(across.after.length[column]!, across.after.extent(column));
      if (cost < best) [best, place, turned] = [cost, column, true];
    }
    if (place === 0) return undefined;
    const { before, after } = turned ? across : down;
    const parts = [
      { at: 0, length: before.length[place - 1]!, from: before.from[place - 1]!, extent: before.extent(place - 1) },
      {
        at: (turned ? whole.width : whole.height) - after.length[place]!,
        length: after.length[place]!,
        from: after.from[place]!,
        extent: after.extent(place),
      },
    ].map(({ at, length, from, extent }) =>
      turned
        ? { x: whole.x + at, y: whole.y + from, width: length, height: extent }
        : { x: whole.x + from, y: whole.y + at, width: extent, height: length },
    );
    return { cost: best, first: parts[0]!, second: parts[1]! };
  }
}

/** What is marked in each of some rows or columns, and in all up to each, from both ends. */
class Lines {
  readonly before: Sums;
  readonly after: Sums;
  private readonly from: Int32Array;
  private readonly to: Int32Array;

  constructor(most: number) {
    this.from = new Int32Array(most);
    this.to = new Int32Array(most);
    this.before = new Sums(most);
    this.after = new Sums(most);
  }

  clear(count: number): void {
    this.to.fill(0, 0, count);
  }

  /** Places come in ascending order. */
  mark(line: number, place: number): void {
    if (this.to[line] === 0) this.from[line] = place;
    this.to[line] = place + 1;
  }

  sum(count: number): void {
    const { before, after, from, to } = this;
    before.clear();
    for (let line = 0; line < count; line++) before.add(line, from[line]!, to[line]!, line + 1);
    after.clear();
    for (let line = count - 1; line >= 0; line--) after.add(line, from[line]!, to[line]!, count - line);
  }
}

class Sums {
  /** The first place that is marked up to each line, and the one behind the last. */
  readonly from: Int32Array;
  readonly to: Int32Array;
  /** Lines up to the last one in which something is marked. */
  readonly length: Int32Array;
  private sum = { from: 0, to: 0, length: 0 };

  constructor(most: number) {
    this.from = new Int32Array(most);
    this.to = new Int32Array(most);
    this.length = new Int32Array(most);
  }

  clear(): void {
    this.sum = { from: 2 ** 30, to: 0, length: 0 };
  }

  add(line: number, from: number, to: number, length: number): void {
    const { sum } = this;
    if (to > 0) {
      sum.from = Math.min(sum.from, from);
      sum.to = Math.max(sum.to, to);
      sum.length = length;
    }
    this.from[line] = sum.from;
    this.to[line] = sum.to;
    this.length[line] = sum.length;
  }

  extent(line: number): number {
    return this.to[line]! - this.from[line]!;
  }
}
