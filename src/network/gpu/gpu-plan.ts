import { UpresError } from '../../errors.js';
import { bytesPerValue, type PixelType } from '../../pixels.js';
import { untrimmedTile, type Tile } from '../tiles/tiles.js';
import type { MeasuredGeometry } from '../weights/weights-manifest.js';
import { activationBytes, approximationFor, haloFor, planFixed } from '../tiles/plan.js';

/** Bytes that may be held for a graphics processor, unless the user says otherwise: small enough for one that draws the desktop too. */
export const defaultGpuMemoryBudget = 1024 * 1024 * 1024;

/** Milliseconds that a batch may take: cancelling and small images wait for it. */
const longestBatchMs = 300;

/** Input pixels of a tile that are never too slow: a device that is slower with them is of no use, and halos would cost more. */
const alwaysSoonPixels = 128 * 128;

/** What a tile costs besides its pixels, in pixels' worth of time. */
const tileOverheadPixels = 1024;

/** Bytes of a batch, there and back: the event loop waits while they are copied. */
const mostTransferBytes = 4 * 1024 * 1024;

/** Shares of the memory that the weights leave: for the layers' results, for a batch on its way, and for callers' buffers. */
export const shares = { activations: 1 / 2, transfer: 1 / 8, pools: 1 / 4 } as const;

/** What a batch may be, at most. */
export interface BatchLimits {
  /** Input pixels, halos included, that memory has room for. */
  readonly byMemory: number;
  /** Input pixels that are computed soon enough. */
  readonly byTime: number;
}

/** Bytes that go to the device's process and come back for each input pixel. */
export function transferBytes({ scale }: MeasuredGeometry, type: PixelType, channels: 1 | 3): number {
  return bytesPerValue(type) * channels * (1 + scale ** 2);
}

/**
 * @param room bytes that the budget leaves besides the weights
 * @param pixelsPerMs speed of the network
 */
export function batchLimits(
  geometry: MeasuredGeometry,
  type: PixelType,
  channels: 1 | 3,
  room: number,
  pixelsPerMs: number,
): BatchLimits {
  const transfer = transferBytes(geometry, type, channels);
  const byMemory = Math.min(
    (room * shares.activations) / activationBytes(geometry),
    (room * shares.transfer) / transfer,
  );
  const byTime = Math.min(pixelsPerMs * longestBatchMs, mostTransferBytes / transfer);
  return { byMemory: Math.floor(byMemory), byTime: Math.floor(byTime) };
}

export interface GpuPlanRequest {
  readonly width: number;
  readonly height: number;
  readonly geometry: MeasuredGeometry;
  readonly limits: BatchLimits;
  /** Upper bound of a tile's pixels from the caller; undefined leaves it to time and memory. */
  readonly tilePixels: number | undefined;
  readonly acceptApproximation: boolean;
  /** For the message of an error: bytes. */
  readonly budget: number;
}

/**
 * Cuts an image into tiles of one shape, so that they can be computed in batches and kernels are made for few shapes. The last
 * tiles of a row or column reach beyond the image, where it is mirrored; that part of their result is not used.
 * @throws INPUT_TOO_LARGE when the smallest tile, or an image that must not be cut, does not fit the budget
 */
export function planGpuTiles(request: GpuPlanRequest): Tile[] {
  const { geometry, limits } = request;
  const { byMemory } = limits;
  if (geometry.fixedSize) {
    const { width, height } = geometry.fixedSize;
    if (width * height > byMemory) throw tooLarge(request, `${width}×${height} pixels at once`);
    return [...planFixed(request).tiles];
  }
  const unit = approximationFor(geometry, request, byMemory)?.unit ?? geometry.multipleOf;
  const halo = haloFor(geometry, request, byMemory);
  if (!halo) {
    const width = roundUp(request.width, unit);
    const height = roundUp(request.height, unit);
    if (width * height > byMemory) throw tooLarge(request, `${request.width}×${request.height} pixels at once`);
    const whole = { x: 0, y: 0, width, height };
    return [untrimmedTile(whole, whole)];
  }
  const columns = new Axis(request.width, halo.left, halo.right, unit);
  const rows = new Axis(request.height, halo.top, halo.bottom, unit);
  const wanted = Math.min(byMemory, request.tilePixels ?? Math.max(alwaysSoonPixels, limits.byTime));
  const [width, height] = bestCore(columns, rows, wanted);
  if (columns.read(width) * rows.read(height) > byMemory) {
    throw tooLarge(
      request,
      `a tile of ${columns.read(width)}×${rows.read(height)} pixels, the smallest that its receptive field allows,`,
    );
  }
  const tiles: Tile[] = [];
  for (let y = 0; y < request.height; y += height) {
    for (let x = 0; x < request.width; x += width) {
      const core = { x, y, width, height };
      const read = { x: x - columns.before, y: y - rows.before, width: columns.read(width), height: rows.read(height) };
      tiles.push(untrimmedTile(core, read));
    }
  }
  return tiles;
}

/** The shape that computes the least in all, among those that fit; the smallest where none does. */
function bestCore(columns: Axis, rows: Axis, mostPixels: number): readonly [number, number] {
  let best: { readonly size: readonly [number, number]; readonly total: number } | undefined;
  for (const width of columns.lengths) {
    for (const height of rows.lengths) {
      const pixels = columns.read(width) * rows.read(height);
      if (pixels > mostPixels) continue;
      const total = (pixels + tileOverheadPixels) * columns.parts(width) * rows.parts(height);
      if (!best || total < best.total) best = { size: [width, height], total };
    }
  }
  return best?.size ?? [columns.lengths[0]!, rows.lengths[0]!];
}

/** One axis of an image, and the lengths that tiles may have along it. */
class Axis {
  readonly before: number;
  /** Of cores, the shortest first. */
  readonly lengths: readonly number[];
  private readonly after: number;

  constructor(
    private readonly length: number,
    before: number,
    after: number,
    unit: number,
  ) {
    this.before = roundUp(before, unit);
    this.after = roundUp(after, unit);
    // A core shorter than its halo computes more for its neighbours than for itself.
    const shortest = Math.min(length, Math.max(16, this.before + this.after));
    const lengths = new Set<number>();
    for (let core = step(shortest, unit); ; core = step(core + 1, unit)) {
      lengths.add(core);
      if (core >= length) break;
    }
    this.lengths = [...lengths];
  }

  read(core: number): number {
    return this.before + core + this.after;
  }

  parts(core: number): number {
    return Math.ceil(this.length / core);
  }
}

/** The next of the lengths in use: few, since the runtime makes ready anew for each shape that it meets. */
function step(length: number, unit: number): number {
  const quantum = length <= 64 ? 8 : length <= 256 ? 32 : 64;
  return roundUp(roundUp(length, quantum), unit);
}

function roundUp(length: number, unit: number): number {
  return Math.ceil(length / unit) * unit;
}

function tooLarge({ budget, geometry }: GpuPlanRequest, what: string): UpresError {
  const why = geometry.halo ? '' : `: it looks at the whole image at once (${geometry.globalOperators.join(', ')})`;
  return new UpresError(
    'INPUT_TOO_LARGE',
    `the network needs ${what} and gpuMemoryBudget, ${Math.round(budget / 2 ** 20)} MiB, has no room for that${why}. ` +
      `Raise gpuMemoryBudget, or compute on the CPU${geometry.halo ? '' : ', or set acceptApproximation to cut it into tiles whose seams may show'}`,
  );
}
