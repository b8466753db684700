import type { Halo } from '../../pixels.js';
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A rectangle of the input that one thread computes at once. */
export interface Tile {
  /** What this tile contributes: the cores of a plan cover the image once. */
  readonly core: Rectangle;
  /**
   * What the network sees: the core and its whole halo. At the image's borders it reaches beyond them, where the image is
   * mirrored: networks pad with black there, and would draw a dark rim around every picture.
   */
  readonly read: Rectangle;
  /** The part of `read` whose result the network gives: all of it, or where its graph is trimmed what lies within the halo. */
  readonly made: Rectangle;
  /** What computing it costs, in input pixels: those of `read`, less what a trimmed graph leaves out. */
  readonly work: number;
}

/** A tile of a graph that computes all of what it reads. */
export function untrimmedTile(core: Rectangle, read: Rectangle): Tile {
  return { core, read, made: read, work: read.width * read.height };
}

/**
 * The shortest side of what a trimmed graph is to make. Matrices of up to 64 columns, which are pixels, are multiplied by onnxruntime (MLAS,
 * `MlasSgemmOperation`) in longer strides along the sums, and rounded otherwise: none of a graph's tensors may have so few.
 */
export const leastTrimmedSide = 9;

export interface TilePlan {
  readonly tiles: readonly Tile[];
  /** Input pixels that the network computes, halos counted each time. */
  readonly computedPixels: number;
  /** Pixels computed beyond the image's own, as a share of the image: 0.05 is 5 % more work than without any halo. */
  readonly waste: number;
}

export interface TilePlanRequest {
  /** Pixels; already a multiple of `multipleOf`. */
  readonly width: number;
  readonly height: number;
  readonly halo: Halo;
  /** How far tiles reach beyond the picture's borders; as far as elsewhere where it is not given. */
  readonly border?: Halo;
  /** Upper bound of a tile's pixels, halo included; the smallest possible tile is used where even that is larger. */
  readonly maxTilePixels: number;
  /** Threads that will share the tiles. */
  readonly threads: number;
  /** Edges of tiles lie on multiples of this, so that strides inside the network keep their phase. */
  readonly multipleOf: number;
  /** Edges between tiles lie on multiples of this, itself one of `multipleOf`; where it is not given, on any of that. */
  readonly cutsAt?: number;
  /** Cost of starting a tile, in pixels' worth of time. */
  readonly overheadPixels: number;
  /** The share of the work on a halo that a trimmed graph leaves out; undefined for a graph whose result has the halo. */
  readonly trimmed?: number | undefined;
}

/** One axis of a plan: cores and reads as [start, end). */
interface Span {
  readonly start: number;
  readonly end: number;
  readonly readStart: number;
  readonly readEnd: number;
  readonly madeStart: number;
  readonly madeEnd: number;
  /** Input pixels' worth of computing, in this direction. */
  readonly work: number;
}

/**
 * Cuts an image into a grid of tiles, so that the slowest thread is done as early as possible and, among equals, the least
 * is computed twice. A single tile (the whole image) and strips are grids like any other.
 */
export function planTiles(request: TilePlanRequest): TilePlan {
  const { halo, border = halo, maxTilePixels, threads } = request;
  const columnsAxis = new AxisCuts(request.width, [halo.left, halo.right], [border.left, border.right], request);
  const rowsAxis = new AxisCuts(request.height, [halo.top, halo.bottom], [border.top, border.bottom], request);

  let best: { columns: number; rows: number; time: number; total: number } | undefined;
  const consider = (columns: number, rows: number): void => {
    const widest = columnsAxis.widest(columns);
    const tallest = rowsAxis.widest(rows);
    const fits = widest * tallest <= maxTilePixels;
    const smallest = columns === columnsAxis.mostParts && rows === rowsAxis.mostParts;
    if (!fits && !smallest) return;
    const total = columnsAxis.totalWork(columns) * rowsAxis.totalWork(rows);
    const rounds = Math.ceil((columns * rows) / threads);
    const time =
      Math.max(total / threads, rounds * columnsAxis.mostWork(columns) * rowsAxis.mostWork(rows)) +
      rounds * request.overheadPixels;
    if (!best || time < best.time || (time === best.time && total < best.total)) best = { columns, rows, time, total };
  };

  for (let columns = 1; columns <= columnsAxis.mostParts; columns++) {
    const fewestRows = rowsAxis.fewestParts(Math.floor(maxTilePixels / columnsAxis.widest(columns)));
    // Beyond a few rounds of more rows the plan only wastes more.
    const mostRows = Math.min(rowsAxis.mostParts, fewestRows + 2 * threads);
    for (let rows = fewestRows; rows <= mostRows; rows++) consider(columns, rows);
    if (best && columnsAxis.totalWork(columns) * rowsAxis.totalWork(1) > best.time * threads) break;
  }

  const { columns, rows } = best!;
  const horizontal = columnsAxis.cut(columns);
  const tiles = rowsAxis.cut(rows).flatMap((vertical) => horizontal.map((column) => tileOf(column, vertical)));
  const computedPixels = tiles.reduce((sum, { work }) => sum + work, 0);
  return { tiles, computedPixels, waste: computedPixels / (request.width * request.height) - 1 };
}

function tileOf(column: Span, row: Span): Tile {
  return {
    core: rectangle(column.start, column.end, row.start, row.end),
    read: rectangle(column.readStart, column.readEnd, row.readStart, row.readEnd),
    made: rectangle(column.madeStart, column.madeEnd, row.madeStart, row.madeEnd),
    work: Math.ceil(column.work * row.work),
  };
}

const rectangle = (left: number, right: number, top: number, bottom: number): Rectangle => ({
  x: left,
  y: top,
  width: right - left,
  height: bottom - top,
});

/** Cuts of one axis into parts of nearly equal length, with the halos that they then need. */
class AxisCuts {
  readonly mostParts: number;
  private readonly step: number;
  private readonly steps: number;
  private readonly alignedBefore: number;
  private readonly alignedAfter: number;
  /** The same at the picture's borders. */
  private readonly border: readonly [before: number, after: number];
  private readonly trimmed: number | undefined;

  constructor(
    private readonly length: number,
    [before, after]: readonly [before: number, after: number],
    border: readonly [before: number, after: number],
    { multipleOf, cutsAt = multipleOf, trimmed }: Pick<TilePlanRequest, 'multipleOf' | 'cutsAt' | 'trimmed'>,
  ) {
    this.trimmed = trimmed;
    const aligned = (pixels: number): number => Math.ceil(pixels / multipleOf) * multipleOf;
    this.step = cutsAt;
    this.steps = Math.ceil(length / cutsAt);
    this.alignedBefore = aligned(before);
    this.alignedAfter = aligned(after);
    this.border = [aligned(border[0]), aligned(border[1])];
    // A core shorter than its halo computes more for its neighbours than for itself.
    const shortest = Math.max(16, this.alignedBefore + this.alignedAfter);
    this.mostParts = Math.max(1, Math.min(this.steps, Math.floor(length / shortest)));
  }

  cut(parts: number): Span[] {
    return Array.from({ length: parts }, (_, part) => {
      const start = Math.floor((part * this.steps) / parts) * this.step;
      const end = Math.min(this.length, Math.floor(((part + 1) * this.steps) / parts) * this.step);
      const before = part === 0 ? this.border[0] : this.alignedBefore;
      const after = part === parts - 1 ? this.border[1] : this.alignedAfter;
      const readStart = start - before;
      if (this.trimmed === undefined) {
        const readEnd = end + after;
        return {
          ...{ start, end, readStart, readEnd, madeStart: readStart, madeEnd: readEnd },
          work: readEnd - readStart,
        };
      }
      const madeEnd = Math.max(end, start + leastTrimmedSide);
      const work = this.workOf(end - start, before + after);
      return { start, end, readStart, readEnd: madeEnd + after, madeStart: start, madeEnd, work };
    });
  }

  /** What a length and the halos around it cost. */
  private workOf(core: number, around: number): number {
    if (this.trimmed === undefined) return core + around;
    return Math.max(core, leastTrimmedSide) + (1 - this.trimmed) * around;
  }

  /** Length of the longest read of this many parts. */
  widest(parts: number): number {
    return this.longestCore(parts) + this.widestHalos(parts);
  }

  /** What the longest of this many parts costs. */
  mostWork(parts: number): number {
    return this.workOf(this.longestCore(parts), this.widestHalos(parts));
  }

  /** What all of this many parts cost. */
  totalWork(parts: number): number {
    const [first, last] = this.border;
    return this.workOf(this.length, first + last + (parts - 1) * (this.alignedBefore + this.alignedAfter));
  }

  private longestCore(parts: number): number {
    return Math.min(this.length, Math.ceil(this.steps / parts) * this.step);
  }

  private widestHalos(parts: number): number {
    const [first, last] = this.border;
    if (parts === 1) return first + last;
    const outer = Math.max(first + this.alignedAfter, this.alignedBefore + last);
    return parts === 2 ? outer : Math.max(outer, this.alignedBefore + this.alignedAfter);
  }

  /** The fewest parts whose longest is not longer than `limit`; the most possible where none is that short. */
  fewestParts(limit: number): number {
    let low = 1;
    let high = this.mostParts;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.widest(middle) <= limit) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
