import { asError } from '../../errors.js';
import {
  bytesPerValue,
  type PixelArray,
  type PixelImage,
  type PixelKind,
  pixelTypeOf,
  type Progress,
  viewPixels,
} from '../../pixels.js';
import type { SegmentRun } from '../../model/catalogue/segment-names.js';
import { liesOnSharedMemory } from '../../shared-pixels.js';
import { takeShared } from '../../spare-memory.js';
import { PoolCall, type PoolCallRequest } from './pool-call.js';
import type { DoneReply, Pass, PoolPart, TileOrder } from './protocol.js';
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

export interface CallRequest extends PoolCallRequest {
  /** Which weights: threads keep a session for each. */
  readonly weights: string;
  readonly scale: number;
  readonly input: CallInput;
  readonly tiles: readonly PlacedTile[];
  readonly hooks: CallHooks;
  /** How a tile's graph is run where it is cut into segments. */
  readonly segments?: SegmentRun | undefined;
  /** Where the picture is passed over several times: which of the passes this is. */
  readonly pass?: Pass;
  /** Called with what a tile contributes to the pools of the pass. */
  readonly onParts?: (tile: PlacedTile, parts: readonly PoolPart[]) => void;
}

/** One image on its way through a network, in tiles. */
export class Call extends PoolCall<PlacedTile> {
  readonly output: SharedArrayBuffer;
  /** Pixels of its largest tile. */
  readonly largestPiece: number;
  readonly weights: string;
  private donePixels = 0;
  /** Pixels of tiles that threads are at, as far as they are done. */
  private readonly partial = new Map<PlacedTile, number>();
  private reportedPixels = 0;

  constructor(private readonly request: CallRequest) {
    const { input, scale, tiles, pass } = request;
    super(request, tiles);
    this.weights = request.weights;
    // A pass that pools makes no picture.
    const values = pass?.stage ? 0 : input.width * input.height * input.channels * scale * scale;
    this.output = takeShared(values * bytesPerValue(input.type));
    this.largestPiece = tiles.reduce((most, { read }) => Math.max(most, read.width * read.height), 0);
  }

  /** Some of the result is known without computing; it was written already. */
  found(pixels: number): void {
    if (pixels === 0) return;
    this.donePixels += pixels;
    this.report(undefined);
    this.endWhenDone();
  }

  override orderFor(tile: PlacedTile, order: number): TileOrder {
    const { input, scale, weights, pass, segments } = this.request;
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
      segments,
      places: tile.places,
      cancelled: this.cancelled,
    };
  }

  override putBack(tile: PlacedTile): void {
    this.partial.delete(tile);
    super.putBack(tile);
  }

  /** A thread has done a part of a tile. */
  override advanced(tile: PlacedTile, share: number): void {
    if (this.hasEnded) return;
    this.partial.set(tile, Math.floor(share * pixelsOf(tile)));
    this.report(undefined);
  }

  override answered(tile: PlacedTile, { started, ended, parts }: DoneReply, thread: number): void {
    this.completed(tile, { thread, started, ended, pixels: tile.work }, parts);
  }

  completed(tile: PlacedTile, record: TileRecord, parts: readonly PoolPart[] = []): void {
    this.done(() => {
      this.request.onParts?.(tile, parts);
      this.partial.delete(tile);
      this.donePixels += pixelsOf(tile);
      this.report(record);
    });
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
}

/** Pixels of the picture that a tile's result is for. */
const pixelsOf = ({ places }: PlacedTile): number => places.reduce((sum, { width, height }) => sum + width * height, 0);

/** A rectangle as seen from the corner of another. */
const within = (part: Rectangle, whole: Rectangle): Rectangle => ({
  ...part,
  x: part.x - whole.x,
  y: part.y - whole.y,
});
