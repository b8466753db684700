import { asError } from '../../errors.js';
import { copyInBands } from '../../event-loop.js';
import type { QueueMember } from './fair-queue.js';
import {
  bytesPerValue,
  type PixelArray,
  type PixelImage,
  type PixelKind,
  pixelTypeOf,
  type Progress,
  viewPixels,
} from '../../pixels.js';
import type { Pass, PoolPart, TileOrder } from './protocol.js';
import type { Approximation } from '../weights/weights-manifest.js';
import type { PlacedTile } from '../tiles/repeated-tiles.js';
import type { Rectangle } from '../tiles/tiles.js';

/** One tile as it was computed, for measuring. */
export interface TileRecord {
  /** Number of the thread, from 0. */
  readonly thread: number;
  /** Milliseconds on a clock that all threads of the process share (`process.hrtime`). */
  readonly started: number;
  /** Milliseconds on the same clock. */
  readonly ended: number;
  /** Input pixels computed: the halo included, as far as it is computed. */
  readonly pixels: number;
}

/** Pixels to be computed, on shared memory. */
export interface CallInput extends PixelKind {
  readonly width: number;
  readonly height: number;
  readonly pixels: SharedArrayBuffer;
}

/** The same source on shared memory, copied there without keeping the event loop waiting; itself where it lies there already. */
export async function onSharedMemory(source: PixelImage<PixelArray>): Promise<PixelImage<PixelArray>> {
  const { data } = source;
  if (liesOnSharedMemory(data)) return source;
  const pixels = viewPixels(pixelTypeOf(data), new SharedArrayBuffer(data.byteLength));
  await copyInBands(data, pixels);
  return { ...source, data: pixels };
}

/** Whether it is the whole of a shared buffer. */
function liesOnSharedMemory(data: PixelArray): data is PixelArray & { readonly buffer: SharedArrayBuffer } {
  return data.buffer instanceof SharedArrayBuffer && data.byteLength === data.buffer.byteLength;
}

/** The same pixels where every thread sees them; not copied when they lie there already. */
export function toCallInput({ width, height, channels, data }: PixelImage<PixelArray>): CallInput {
  const type = pixelTypeOf(data);
  if (liesOnSharedMemory(data)) {
    return { width, height, channels, type, pixels: data.buffer };
  }
  const pixels = new SharedArrayBuffer(data.byteLength);
  viewPixels(type, pixels).set(data);
  return { width, height, channels, type, pixels };
}

export interface CallHooks {
  readonly onProgress: ((progress: Progress) => void) | undefined;
  readonly onTile: ((record: TileRecord) => void) | undefined;
  /** Called before the first tile where tiles only come near the whole. */
  readonly onApproximation?: ((approximation: Approximation) => void) | undefined;
}

export interface CallRequest {
  /** Which weights: threads keep a session for each. */
  readonly weights: string;
  /** The network that the limit of threads counts for. */
  readonly network: object;
  readonly lane: object;
  readonly priority: number;
  /** Threads that may compute for the network at once. */
  readonly threads: number;
  readonly scale: number;
  /** How long its longest tile is expected to take; 0 where that does not matter. */
  readonly tileMs: number;
  readonly input: CallInput;
  readonly tiles: readonly PlacedTile[];
  readonly hooks: CallHooks;
  /** Where tiles are computed in pieces: their shares of a tile's work. */
  readonly pieces?: readonly number[] | undefined;
  /** Where the picture is passed over several times: which of the passes this is. */
  readonly pass?: Pass;
  /** Called with what a tile contributes to the pools of the pass. */
  readonly onParts?: (tile: PlacedTile, parts: readonly PoolPart[]) => void;
}

/** One image on its way through a network: which tiles are left, which are being computed, and what becomes of it. */
export class Call implements QueueMember {
  readonly output: SharedArrayBuffer;
  /** Resolves when every tile is done; rejects with the first failure, or at once when cancelled. */
  readonly result: Promise<void>;
  /** Resolves when no thread touches the call's memory any more, whatever became of it. */
  readonly settled: Promise<void>;
  /** Pixels of its largest tile. */
  readonly largestPiece: number;
  private readonly cancelled = new Int32Array(new SharedArrayBuffer(4));
  /** Tiles to be taken, the next one last. */
  private readonly pending: PlacedTile[];
  private outstanding = 0;
  private donePixels = 0;
  /** Pixels of tiles that threads are at, as far as they are done. */
  private readonly partial = new Map<PlacedTile, number>();
  private reportedPixels = 0;
  private ended = false;
  private resolveResult!: () => void;
  private rejectResult!: (error: Error) => void;
  private resolveSettled!: () => void;

  constructor(private readonly request: CallRequest) {
    const { input, scale, tiles, pass } = request;
    // A pass that pools makes no picture.
    const values = pass?.stage ? 0 : input.width * input.height * input.channels * scale * scale;
    this.output = new SharedArrayBuffer(values * bytesPerValue(input.type));
    this.pending = tiles.toReversed();
    this.largestPiece = tiles.reduce((most, { read }) => Math.max(most, read.width * read.height), 0);
    this.result = new Promise((resolve, reject) => {
      this.resolveResult = resolve;
      this.rejectResult = reject;
    });
    this.settled = new Promise((resolve) => {
      this.resolveSettled = resolve;
    });
    // Whoever made the call hears of its failure; that there is no listener here is no error.
    this.result.catch(() => undefined);
  }

  get weights(): string {
    return this.request.weights;
  }

  get network(): object {
    return this.request.network;
  }

  get lane(): object {
    return this.request.lane;
  }

  get priority(): number {
    return this.request.priority;
  }

  get threads(): number {
    return this.request.threads;
  }

  get tileMs(): number {
    return this.request.tileMs;
  }

  get pendingTiles(): number {
    return this.pending.length;
  }

  /** Takes the next tile. */
  take(): PlacedTile {
    this.outstanding++;
    return this.pending.pop()!;
  }

  /** Puts a tile back whose thread died. */
  putBack(tile: PlacedTile): void {
    this.outstanding--;
    this.partial.delete(tile);
    if (!this.ended) this.pending.push(tile);
    this.settleWhenQuiet();
  }

  /** Some of the result is known without computing; it was written already. */
  found(pixels: number): void {
    if (pixels === 0) return;
    this.donePixels += pixels;
    this.report(undefined);
    if (this.pending.length === 0 && this.outstanding === 0) this.end(undefined);
  }

  orderFor(tile: PlacedTile, order: number): TileOrder {
    const { input, scale, weights, pass, pieces } = this.request;
    return {
      kind: 'tile',
      order,
      weights,
      type: input.type,
      channels: input.channels,
      scale,
      input: input.pixels,
      inputWidth: input.width,
      inputHeight: input.height,
      output: this.output,
      read: tile.read,
      made: within(tile.made, tile.read),
      core: within(tile.core, tile.made),
      pass,
      pieces,
      places: tile.places,
      cancelled: this.cancelled,
    };
  }

  /** A thread has done a part of a tile. */
  advanced(tile: PlacedTile, share: number): void {
    if (this.ended) return;
    this.partial.set(tile, Math.floor(share * pixelsOf(tile)));
    this.report(undefined);
  }

  completed(tile: PlacedTile, record: TileRecord, parts: readonly PoolPart[] = []): void {
    this.outstanding--;
    if (!this.ended) {
      this.request.onParts?.(tile, parts);
      this.partial.delete(tile);
      this.donePixels += pixelsOf(tile);
      this.report(record);
      if (this.pending.length === 0 && this.outstanding === 0) this.end(undefined);
    }
    this.settleWhenQuiet();
  }

  /** Tells the caller; what the caller's own functions throw is the call's failure. */
  private report(record: TileRecord | undefined): void {
    const { width, height } = this.request.input;
    try {
      if (record) this.request.hooks.onTile?.(record);
      const donePixels = [...this.partial.values()].reduce((sum, pixels) => sum + pixels, this.donePixels);
      // A tile that is begun anew, since its thread died, takes nothing back.
      this.reportedPixels = Math.max(this.reportedPixels, donePixels);
      this.request.hooks.onProgress?.({ donePixels: this.reportedPixels, totalPixels: width * height });
    } catch (error) {
      this.end(asError(error));
    }
  }

  /** A thread left a tile uncomputed because the call has ended. */
  skipped(): void {
    this.outstanding--;
    this.settleWhenQuiet();
  }

  /** A tile failed, and with it the call. */
  failed(error: Error): void {
    this.outstanding--;
    this.end(error);
  }

  /** Ends the call now; tiles that threads are computing are thrown away when they come. */
  cancel(error: Error): void {
    this.end(error);
  }

  /** Ends the call, unless it has ended: with an error, or well. */
  private end(error: Error | undefined): void {
    if (!this.ended) {
      this.ended = true;
      this.pending.length = 0;
      Atomics.store(this.cancelled, 0, 1);
      if (error) this.rejectResult(error);
      else this.resolveResult();
    }
    this.settleWhenQuiet();
  }

  private settleWhenQuiet(): void {
    if (this.ended && this.outstanding === 0) this.resolveSettled();
  }
}

/** Pixels of the picture that a tile's result is for. */
const pixelsOf = ({ places }: PlacedTile): number => places.reduce((sum, { width, height }) => sum + width * height, 0);

/** A rectangle as seen from the corner of another. */
const within = (part: Rectangle, whole: Rectangle): Rectangle => ({
  ...part,
  x: part.x - whole.x,
  y: part.y - whole.y,
});
