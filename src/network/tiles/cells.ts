import { TimeSlice } from '../../event-loop.js';
import { bytesPerValue, pixelTypeOf, viewPixels, type Halo, type PixelArray, type PixelImage } from '../../pixels.js';
import { copyMirroredRow, mirror } from './mirrored-row.js';

/** Sides of cells that are tried, in strides of the network: smaller ones cost more to compare than they save. */
const sidesTried = [5, 6, 7, 8, 9, 10, 11, 12] as const;

/**
 * One row of cells in so many is looked at first, or so few of a large picture, and nothing more unless this share of what they show repeats: in the
 * dark of a photograph every tenth small cell looks like another, and next to nothing is saved by that.
 */
const sampledRows = 8;
const mostSampled = 6;
const leastRepeated = 0.25;

/** Larger pictures would have more pairs to be numbered than there are numbers. */
const mostNumbers = 2 ** 26;

/** A grid over a picture whose cells are told apart by what a network sees of the picture when it computes them. */
export interface Cells {
  /** Input pixels: of a cell's side. */
  readonly side: number;
  readonly columns: number;
  readonly rows: number;
  /** For each cell, row by row, the number of its class, from 0: cells of one class get the same result. -1: it is the only one. */
  readonly classes: Int32Array;
  /** For each class, whether all that is seen is one colour. */
  readonly flat: readonly boolean[];
}

/**
 * Finds out which parts of a picture get the same result, since the network sees the same around them (flat areas, lines,
 * gradients, patterns, repeated symbols). Exact: all pixels are compared, within the halo and mirrored beyond the borders.
 * @param unit strides of the network; cells have the same phase
 * @returns undefined where next to nothing repeats, as in a photograph: found out from a sample
 */
export async function findCells(image: PixelImage<PixelArray>, halo: Halo, unit: number): Promise<Cells | undefined> {
  const reach = Math.max(halo.left, halo.right, halo.top, halo.bottom);
  const side = sideFor(reach, unit);
  const around = Math.ceil(reach / side);
  const contents = new CellContents(image, side, around);
  const { rows } = contents;
  if (contents.numbers.length * (4 * around + 2) > mostNumbers) return undefined;
  const slice = new TimeSlice();
  if (rows > 2 * sampledRows) {
    const sample = new CellContents(image, side, around);
    const step = Math.max(sampledRows, Math.ceil(rows / mostSampled));
    for (let row = Math.floor(step / 2); row < rows; row += step) {
      sample.readRow(row);
      if (slice.isOver(sample.steps)) await slice.renew();
    }
    if (sample.repeated < leastRepeated) return undefined;
  }
  for (let row = 0; row < rows; row++) {
    contents.readRow(row);
    if (slice.isOver(contents.steps)) await slice.renew();
  }
  if (contents.repeated === 0) return undefined;

  // What lies around a cell is told by the numbers of its neighbours: of those in its row, then of such strips in its column.
  const columns = contents.columns - 2 * around;
  const strips = await combine(contents.numbers, {
    columns,
    rows,
    stride: contents.columns,
    step: 1,
    count: 2 * around + 1,
  });
  const grid = { columns, rows: rows - 2 * around };
  const squares = await combine(strips, { ...grid, stride: columns, step: columns, count: 2 * around + 1 });
  return { side, ...grid, ...classify(squares, columns, image, contents, 2 * around + 1) };
}

interface Runs {
  readonly columns: number;
  readonly rows: number;
  /** From one row to the next. */
  readonly stride: number;
  /** From one number of a run to the next. */
  readonly step: number;
  readonly count: number;
}

/** Numbers runs of numbers: the same run always alike, -1 for runs that occur once for certain. */
async function combine(numbers: Int32Array, { columns, rows, stride, step, count }: Runs): Promise<Int32Array> {
  const known = withoutSingles(numbers);
  const pairs = Array.from({ length: count }, () => new Map<number, number>());
  const result = new Int32Array(columns * rows);
  const slice = new TimeSlice();
  let numbered = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const from = row * stride + column;
      let number = known[from]!;
      for (let next = 1; next < count && number >= 0; next++) {
        const other = known[from + next * step]!;
        const key = number * mostNumbers + other;
        number = other < 0 ? -1 : (pairs[next]!.get(key) ?? -2);
        if (number === -2) pairs[next]!.set(key, (number = numbered++));
      }
      result[row * columns + column] = number;
    }
    if (slice.isOver(columns * 4 * count)) await slice.renew();
  }
  return result;
}

/** The same numbers, but -1 for those that occur once. */
function withoutSingles(numbers: Int32Array): Int32Array {
  const counts = new Int32Array(numbers.reduce((most, number) => Math.max(most, number), -1) + 1);
  for (const number of numbers) if (number >= 0) counts[number]!++;
  return numbers.map((number) => (number >= 0 && counts[number]! > 1 ? number : -1));
}

function classify(
  squares: Int32Array,
  columns: number,
  { width, height }: PixelImage<PixelArray>,
  contents: CellContents,
  size: number,
): Pick<Cells, 'classes' | 'flat'> {
  const known = withoutSingles(squares);
  const { side } = contents;
  const classOf = new Map<number, number>();
  const flat: boolean[] = [];
  const classes = known.map((number, at) => {
    if (number < 0) return -1;
    const column = at % columns;
    const row = (at - column) / columns;
    // Cells that the border cuts have no whole result that others could take.
    const cut = ((column + 1) * side > width ? 1 : 0) + ((row + 1) * side > height ? 2 : 0);
    const key = number * 4 + cut;
    let found = classOf.get(key);
    if (found === undefined) {
      classOf.set(key, (found = flat.length));
      flat.push(contents.isFlat(column, row, size));
    }
    return found;
  });
  return { classes, flat };
}

/** The side with which whole cells reach the least beyond what the network sees. */
export function sideFor(reach: number, unit: number): number {
  let best = { side: 0, seen: Infinity };
  for (const tried of sidesTried) {
    const side = tried * unit;
    const seen = side + 2 * side * Math.ceil(reach / side);
    if (seen <= best.seen) best = { side, seen };
  }
  return best.side;
}

/** Cells of a picture and, mirrored, around it; those with the same pixels have the same number. */
class CellContents {
  readonly columns: number;
  readonly rows: number;
  readonly numbers: Int32Array;
  /** Values that are read for a row of cells. */
  readonly steps: number;
  private readonly bytes: Uint8Array;
  private readonly band: PixelArray;
  private readonly bandBytes: Uint8Array;
  private readonly pixelBytes: number;
  private readonly before: number;
  /** For each number the place of the first cell that has it. */
  private readonly places: number[] = [];
  private readonly flat: boolean[] = [];
  /** Numbers by a hash, and for each number the next one with the same hash. */
  private readonly heads = new Map<number, number>();
  private readonly next: number[] = [];
  private read = 0;
  /** No one can make pictures whose cells all have one hash. */
  private readonly factor = (Math.floor(Math.random() * 2 ** 31) << 1) | 1;

  constructor(
    private readonly image: PixelImage<PixelArray>,
    readonly side: number,
    around: number,
  ) {
    const { data, width, height, channels } = image;
    const type = pixelTypeOf(data);
    this.columns = Math.ceil(width / side) + 2 * around;
    this.rows = Math.ceil(height / side) + 2 * around;
    this.before = around * side;
    this.numbers = new Int32Array(this.columns * this.rows);
    this.pixelBytes = channels * bytesPerValue(type);
    this.bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const values = this.columns * side * side * channels;
    this.band = viewPixels(type, new ArrayBuffer(values * bytesPerValue(type)));
    this.bandBytes = new Uint8Array(this.band.buffer);
    this.steps = this.bandBytes.length;
  }

  /** Of the cells that were read, the share that looks like one before. */
  get repeated(): number {
    return 1 - this.places.length / this.read;
  }

  readRow(row: number): void {
    const { image, side, columns, pixelBytes, bandBytes, factor } = this;
    const length = columns * side;
    for (let y = 0; y < side; y++) {
      copyMirroredRow(
        image,
        -this.before,
        row * side - this.before + y,
        length,
        this.band,
        y * length * image.channels,
      );
    }
    const cellBytes = side * pixelBytes;
    const rowBytes = length * pixelBytes;
    for (let column = 0; column < columns; column++) {
      let hash = 0;
      for (let y = 0; y < side; y++) {
        const from = y * rowBytes + column * cellBytes;
        const end = from + cellBytes;
        let at = from;
        // Four bytes at once: a byte alone would wait just as long for the one before.
        for (; at + 3 < end; at += 4) {
          const word =
            bandBytes[at]! | (bandBytes[at + 1]! << 8) | (bandBytes[at + 2]! << 16) | (bandBytes[at + 3]! << 24);
          hash = Math.imul(hash ^ (hash >>> 15) ^ word, factor);
        }
        for (; at < end; at++) hash = Math.imul(hash ^ (hash >>> 15) ^ bandBytes[at]!, factor);
      }
      this.numbers[row * columns + column] = this.numberOf(hash, row, column, cellBytes, rowBytes);
    }
    this.read += columns;
  }

  /** Whether a square of cells is one colour. */
  isFlat(column: number, row: number, size: number): boolean {
    const first = this.numbers[row * this.columns + column]!;
    if (!this.flat[first]) return false;
    for (let y = row; y < row + size; y++) {
      for (let x = column; x < column + size; x++) if (this.numbers[y * this.columns + x] !== first) return false;
    }
    return true;
  }

  private numberOf(hash: number, row: number, column: number, cellBytes: number, rowBytes: number): number {
    const from = column * cellBytes;
    for (let number = this.heads.get(hash); number !== undefined; number = this.next[number]) {
      if (this.hasPixels(this.places[number]!, from, cellBytes, rowBytes)) return number;
    }
    const number = this.places.length;
    this.places.push(row * this.columns + column);
    const head = this.heads.get(hash);
    if (head !== undefined) this.next[number] = head;
    this.heads.set(hash, number);
    this.flat.push(this.isOneColour(from, cellBytes, rowBytes));
    return number;
  }

  /** Whether the cell at a place has the pixels that begin at `from` in the band. */
  private hasPixels(place: number, from: number, cellBytes: number, rowBytes: number): boolean {
    const { image, side, pixelBytes, bytes, bandBytes } = this;
    const { width, height } = image;
    const left = (place % this.columns) * side - this.before;
    const top = Math.floor(place / this.columns) * side - this.before;
    const within = left >= 0 && left + side <= width;
    for (let y = 0; y < side; y++) {
      const row = mirror(top + y, height) * width;
      const own = from + y * rowBytes;
      if (within) {
        const other = (row + left) * pixelBytes;
        for (let at = 0; at < cellBytes; at++) if (bandBytes[own + at] !== bytes[other + at]) return false;
        continue;
      }
      for (let x = 0; x < side; x++) {
        const other = (row + mirror(left + x, width)) * pixelBytes;
        for (let at = 0; at < pixelBytes; at++) {
          if (bandBytes[own + x * pixelBytes + at] !== bytes[other + at]) return false;
        }
      }
    }
    return true;
  }

  private isOneColour(from: number, cellBytes: number, rowBytes: number): boolean {
    const { side, pixelBytes, bandBytes } = this;
    for (let y = 0; y < side; y++) {
      const row = from + y * rowBytes;
      for (let at = 0; at < cellBytes; at++) {
        if (bandBytes[row + at] !== bandBytes[from + (at % pixelBytes)]) return false;
      }
    }
    return true;
  }
}
