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
}

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
}

/** One axis of a plan: cores and reads as [start, end). */
interface Span {
  readonly start: number;
  readonly end: number;
  readonly readStart: number;
  readonly readEnd: number;
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
    const total = columnsAxis.total(columns) * rowsAxis.total(rows);
    const rounds = Math.ceil((columns * rows) / threads);
    const time = Math.max(total / threads, rounds * widest * tallest) + rounds * request.overheadPixels;
    if (!best || time < best.time || (time === best.time && total < best.total)) best = { columns, rows, time, total };
  };

  for (let columns = 1; columns <= columnsAxis.mostParts; columns++) {
    const fewestRows = rowsAxis.fewestParts(Math.floor(maxTilePixels / columnsAxis.widest(columns)));
    // Beyond a few rounds of more rows the plan only wastes more.
    const mostRows = Math.min(rowsAxis.mostParts, fewestRows + 2 * threads);
    for (let rows = fewestRows; rows <= mostRows; rows++) consider(columns, rows);
    if (best && columnsAxis.total(columns) * rowsAxis.total(1) > best.time * threads) break;
  }

  const { columns, rows } = best!;
  const horizontal = columnsAxis.cut(columns);
  const tiles = rowsAxis.cut(rows).flatMap((vertical) => horizontal.map((column) => tileOf(column, vertical)));
  const computedPixels = tiles.reduce((sum, { read }) => sum + read.width * read.height, 0);
  return { tiles, computedPixels, waste: computedPixels / (request.width * request.height) - 1 };
}

function tileOf(column: Span, row: Span): Tile {
  return {
    core: { x: column.start, y: row.start, width: column.end - column.start, height: row.end - row.start },
    read: {
      x: column.readStart,
      y: row.readStart,
      width: column.readEnd - column.readStart,
      height: row.readEnd - row.readStart,
    },
  };
}

/** Cuts of one axis into parts of nearly equal length, with the halos that they then need. */
class AxisCuts {
  readonly mostParts: number;
  private readonly step: number;
  private readonly steps: number;
  private readonly alignedBefore: number;
  private readonly alignedAfter: number;
  /** The same at the picture's borders. */
  private readonly border: readonly [before: number, after: number];

  constructor(
    private readonly length: number,
    [before, after]: readonly [before: number, after: number],
    border: readonly [before: number, after: number],
    { multipleOf, cutsAt = multipleOf }: Pick<TilePlanRequest, 'multipleOf' | 'cutsAt'>,
  ) {
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
      return {
        start,
        end,
        readStart: start - (part === 0 ? this.border[0] : this.alignedBefore),
        readEnd: end + (part === parts - 1 ? this.border[1] : this.alignedAfter),
      };
    });
  }

  /** Length of the longest read of this many parts. */
  widest(parts: number): number {
    const core = Math.min(this.length, Math.ceil(this.steps / parts) * this.step);
    const [first, last] = this.border;
    if (parts === 1) return core + first + last;
    const outer = Math.max(first + this.alignedAfter, this.alignedBefore + last);
    return core + (parts === 2 ? outer : Math.max(outer, this.alignedBefore + this.alignedAfter));
  }

  /** Sum of the reads' lengths. */
  total(parts: number): number {
    const [first, last] = this.border;
    return this.length + first + last + (parts - 1) * (this.alignedBefore + this.alignedAfter);
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
