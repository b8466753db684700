import { TimeSlice } from '../../event-loop.js';
import type { Halo } from '../../pixels.js';
import type { Cells } from './cells.js';
import { coverCells, type CostOf } from './cover.js';
import { placeOf, type PlacedTile } from './repeated-tiles.js';
import { leastTrimmedSide, planTiles, type Rectangle, type Tile } from './tiles.js';

export interface RegionPlanRequest {
  /** Of the picture. */
  readonly width: number;
  readonly height: number;
  readonly halo: Halo;
  readonly multipleOf: number;
  /** Upper bound of a tile's pixels, halo included. */
  readonly maxTilePixels: number;
  readonly threads: number;
  /** Cost of starting a tile, in pixels' worth of time. */
  readonly overheadPixels: number;
  /** The share of the work on a halo that a trimmed graph leaves out. */
  readonly trimmed: number | undefined;
  readonly cells: Cells;
  /** Whether the result of a part of one colour, which begins there, is known already. */
  readonly isKnown: (x: number, y: number) => boolean;
}

export interface RegionPlan {
  readonly tiles: readonly PlacedTile[];
  /** Input pixels that the network computes, halos included. */
  readonly computedPixels: number;
  readonly flat: FlatAreas;
}

/** Where a picture has one colour as far as the network sees: in input pixels. */
export interface FlatAreas {
  /** Side of the squares that results of one colour consist of. */
  readonly side: number;
  /** Whose results are known. */
  readonly known: readonly Rectangle[];
  /** Corners of squares that are computed, one for each colour that is not known. */
  readonly computed: readonly { readonly x: number; readonly y: number }[];
}

/**
 * Plans to compute but one cell of each class, in rectangles that cost little in all, and to copy the results of the others. The
 * bytes are the same as without: what a network makes of a pixel depends on what it sees, not on where that is.
 */
export async function planRegions(request: RegionPlanRequest): Promise<RegionPlan> {
  const { cells, width, height } = request;
  const { side } = cells;
  const tiles = divide(await chooseRegions(request), request);
  const computed = tileOfCells(tiles, cells);
  const sources = firstOfClasses(cells, (cell) => computed[cell]! >= 0);
  const places = tiles.map(({ core }) => [placeOf(core, request)]);
  const known: Rectangle[] = [];
  for (const { x, y, width: wide, height: high, tile, source } of await findCopies(cells, computed, sources)) {
    const to = {
      x: x * side,
      y: y * side,
      width: Math.min(wide * side, width - x * side),
      height: Math.min(high * side, height - y * side),
    };
    if (tile < 0) {
      known.push(to);
      continue;
    }
    const { core } = tiles[tile]!;
    const from = {
      x: source.x * side - core.x,
      y: source.y * side - core.y,
      width: source.width * side,
      height: source.height * side,
    };
    places[tile]!.push({ ...to, from });
  }
  return {
    tiles: tiles.map((tile, index) => ({ ...tile, places: places[index]! })),
    computedPixels: tiles.reduce((sum, { work }) => sum + work, 0),
    flat: {
      side,
      known,
      computed: [...sources]
        .filter(([of]) => cells.flat[of])
        .map(([, cell]) => cornerOf(cell, cells))
        .filter(({ x, y }) => x + side <= width && y + side <= height),
    },
  };
}

/** In input pixels. */
function cornerOf(cell: number, { columns, side }: Cells): { readonly x: number; readonly y: number } {
  const column = cell % columns;
  return { x: column * side, y: ((cell - column) / columns) * side };
}

/** Rectangles, in input pixels, that hold a cell of each class that is not known, and all that are like no other. */
async function chooseRegions(request: RegionPlanRequest): Promise<readonly Rectangle[]> {
  const { cells, halo, multipleOf: unit, overheadPixels, trimmed, isKnown } = request;
  const { side, columns, rows, classes } = cells;
  const aligned = (pixels: number): number => Math.ceil(pixels / unit) * unit;
  const computed = 1 - (trimmed ?? 0);
  const least = trimmed === undefined ? 0 : leastTrimmedSide;
  const ring = {
    width: computed * (aligned(halo.left) + aligned(halo.right)),
    height: computed * (aligned(halo.top) + aligned(halo.bottom)),
  };
  const costOf: CostOf = (wide, high) =>
    (Math.max(least, wide * side) + ring.width) * (Math.max(least, high * side) + ring.height) + overheadPixels;

  const marked = Uint8Array.from(classes, (of) => (of < 0 ? 1 : 0));
  let regions = await coverCells(marked, columns, rows, costOf);
  const inside = new Uint8Array(columns * rows);
  for (const { x, y, width, height } of regions) {
    for (let row = y; row < y + height; row++) inside.fill(1, row * columns + x, row * columns + x + width);
  }
  const covered = firstOfClasses(cells, (cell) => inside[cell] === 1);
  const first = firstOfClasses(cells, () => true);
  const missing = [...first].filter(([of, cell]) => {
    if (covered.has(of)) return false;
    const { x, y } = cornerOf(cell, cells);
    return !cells.flat[of] || !isKnown(x, y);
  });
  if (missing.length > 0) {
    for (const cell of covered.values()) marked[cell] = 1;
    for (const [, cell] of missing) marked[cell] = 1;
    regions = await coverCells(marked, columns, rows, costOf);
  }
  return regions.map(({ x, y, width, height }) => ({
    x: x * side,
    y: y * side,
    width: Math.min(width * side, aligned(request.width) - x * side),
    height: Math.min(height * side, aligned(request.height) - y * side),
  }));
}

/** For each class the first of its cells that serve. */
function firstOfClasses({ classes }: Cells, serves: (cell: number) => boolean): Map<number, number> {
  const first = new Map<number, number>();
  classes.forEach((of, cell) => {
    if (of >= 0 && !first.has(of) && serves(cell)) first.set(of, cell);
  });
  return first;
}

/** Parts for each thread that are tried. */
const partsTried = [1, 2, 3, 4, 6] as const;

/** Cuts rectangles into tiles, so that the threads are done as early as possible; the largest ones first. */
function divide(regions: readonly Rectangle[], request: RegionPlanRequest): readonly Tile[] {
  const { halo, multipleOf, maxTilePixels, threads, overheadPixels, trimmed, cells } = request;
  const pixels = regions.reduce((sum, { width, height }) => sum + width * height, 0);
  let best: { readonly tiles: readonly Tile[]; readonly time: number } | undefined;
  for (const parts of threads > 1 ? partsTried : [1]) {
    const tiles = regions
      .flatMap(({ x, y, width, height }) =>
        planTiles({
          width,
          height,
          halo,
          multipleOf,
          cutsAt: cells.side,
          maxTilePixels: Math.min(maxTilePixels, threads > 1 ? Math.ceil(pixels / threads / parts) : Infinity),
          threads: 1,
          overheadPixels,
          trimmed,
        }).tiles.map(({ core, read, made, work }) => ({
          ...{ core: moved(core, x, y), read: moved(read, x, y), made: moved(made, x, y) },
          work,
        })),
      )
      .sort((a, b) => b.work - a.work);
    const time = timeOf(tiles, threads, overheadPixels);
    if (!best || time < best.time) best = { tiles, time };
  }
  return best!.tiles;
}

function moved({ x, y, width, height }: Rectangle, right: number, down: number): Rectangle {
  return { x: x + right, y: y + down, width, height };
}

/** When the last thread is done if each takes the next tile as soon as it is free. */
function timeOf(tiles: readonly Tile[], threads: number, overheadPixels: number): number {
  const free = new Array<number>(threads).fill(0);
  for (const { work } of tiles) {
    const next = free.indexOf(Math.min(...free));
    free[next]! += work + overheadPixels;
  }
  return Math.max(...free);
}

/** For each cell the tile that computes it; -1 for none. */
function tileOfCells(tiles: readonly Tile[], { side, columns, rows }: Cells): Int32Array {
  const computed = new Int32Array(columns * rows).fill(-1);
  tiles.forEach(({ core }, tile) => {
    const from = core.x / side;
    const to = Math.ceil((core.x + core.width) / side);
    for (let row = core.y / side; row * side < core.y + core.height; row++) {
      computed.fill(tile, row * columns + from, row * columns + to);
    }
  });
  return computed;
}

/** A rectangle of cells that get what a smaller one or an equal one elsewhere gets, repeated. In cells. */
interface Copy {
  readonly x: number;
  readonly y: number;
  width: number;
  height: number;
  /** The tile that computes the source; -1: what the class gets is known. */
  readonly tile: number;
  readonly source: { readonly x: number; readonly y: number; width: number; height: number };
  readonly of: number;
}

/** Finds few rectangles for the cells that no tile computes. */
async function findCopies(
  { classes, columns, rows }: Cells,
  computed: Int32Array,
  sources: ReadonlyMap<number, number>,
): Promise<readonly Copy[]> {
  const copies: Copy[] = [];
  const slice = new TimeSlice();
  /** By their first column, those that end above the present row. */
  let above = new Map<number, Copy>();
  for (let row = 0; row < rows; row++) {
    const inRow: Copy[] = [];
    for (let column = 0; column < columns; column++) {
      const cell = row * columns + column;
      if (computed[cell]! >= 0) continue;
      const of = classes[cell]!;
      const from = sources.get(of);
      const next: Copy = {
        x: column,
        y: row,
        width: 1,
        height: 1,
        tile: from === undefined ? -1 : computed[from]!,
        source:
          from === undefined
            ? { x: 0, y: 0, width: 1, height: 1 }
            : { x: from % columns, y: Math.floor(from / columns), width: 1, height: 1 },
        of,
      };
      if (!extendsRight(inRow.at(-1), next)) inRow.push(next);
    }
    const here = new Map<number, Copy>();
    for (const copy of inRow) {
      const upper = above.get(copy.x);
      if (upper && extendsDown(upper, copy)) {
        here.set(copy.x, upper);
      } else {
        copies.push(copy);
        here.set(copy.x, copy);
      }
    }
    above = here;
    if (slice.isOver(columns * 16)) await slice.renew();
  }
  return copies;
}

/** Whether a copy goes on with a cell; if so, it is made to. */
function extendsRight(copy: Copy | undefined, { x, tile, source, of }: Copy): boolean {
  if (copy?.tile !== tile || copy.x + copy.width !== x) return false;
  if (tile < 0 && copy.of !== of) return false;
  const own = copy.source;
  const repeats = own.width === 1 && source.x === own.x;
  const continues = own.width === copy.width && source.x === own.x + copy.width;
  if (source.y !== own.y || !(repeats || continues)) return false;
  if (continues) own.width++;
  copy.width++;
  return true;
}

/** Whether a copy goes on with one below it, of a row; if so, it is made to. */
function extendsDown(copy: Copy, { width, tile, source, of }: Copy): boolean {
  const own = copy.source;
  if (copy.tile !== tile || copy.width !== width || own.x !== source.x || own.width !== source.width) return false;
  if (tile < 0 && copy.of !== of) return false;
  const repeats = own.height === 1 && source.y === own.y;
  const continues = own.height === copy.height && source.y === own.y + copy.height;
  if (!repeats && !continues) return false;
  if (continues) own.height++;
  copy.height++;
  return true;
}
