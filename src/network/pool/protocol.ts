import type { UpresErrorCode } from '../../errors.js';
import type { StatedColours } from '../../model/catalogue/colours.js';
import type { PoolingStage } from '../../model/catalogue/geometry.js';
import type { SegmentRun } from '../../model/catalogue/segment-names.js';
import type { MeasuredGeometry } from '../weights/weights-manifest.js';
import type { Place } from '../tiles/repeated-tiles.js';
import type { Rectangle } from '../tiles/tiles.js';
import type { PixelKind } from '../../pixels.js';
import type { WasmModule } from './web-assembly.js';

/** Where a network comes from, in words that a thread can act on. */
export type ModelSource =
  | { readonly kind: 'label'; readonly label: string; readonly scale: number | undefined }
  | { readonly kind: 'file'; readonly path: string; readonly colours?: StatedColours }
  | {
      readonly kind: 'bytes';
      readonly bytes: Uint8Array;
      readonly name: string | undefined;
      readonly colours?: StatedColours;
    };

/** How a thread gets the weights of a network. */
export type WeightsLocation =
  /** Files optimised for this processor, to be mapped: all threads of all processes share the pages. */
  | { readonly kind: 'mapped'; readonly folder: string }
  /** The core graph as bytes: where no folder can be written, and in WebAssembly, each thread holds a copy. */
  | {
      readonly kind: 'copied';
      readonly core: Uint8Array;
      /** And those of its passes, where it pools over the whole picture. */
      readonly passes: readonly Uint8Array[];
      /** The runtime in WebAssembly, compiled; undefined for the native one. */
      readonly wasm: WasmModule | undefined;
    };

/** One of the passes over a picture of a network that pools over the whole of it. */
export interface Pass {
  readonly index: number;
  /** What is to be pooled; undefined for the last pass, which makes the picture. */
  readonly stage: PoolingStage | undefined;
  /** What earlier passes found, by the number of the pool. */
  readonly found: readonly Float32Array[];
}

/** What a tile contributes to a pool. */
export interface PoolPart {
  /** For each channel: the sum in units of 2^-20, or the largest value. */
  readonly values: Float64Array;
  /** Values that were pooled of each channel. */
  readonly count: number;
}

/** One tile of one call: all that a thread needs to know. */
export interface TileOrder extends PixelKind {
  readonly kind: 'tile';
  readonly order: number;
  readonly weights: string;
  readonly scale: number;
  readonly input: SharedArrayBuffer;
  readonly inputWidth: number;
  readonly inputHeight: number;
  readonly output: SharedArrayBuffer;
  /** What to read; it may reach beyond the borders, where the image is mirrored. */
  readonly read: Rectangle;
  /** What the network's result shows of `read`. */
  readonly made: Rectangle;
  /** The tile's core within `made`. */
  readonly core: Rectangle;
  /** The pass that it belongs to, where there are several. */
  readonly pass: Pass | undefined;
  /** How its graph is run where it is cut into segments; undefined where it is computed at once. */
  readonly segments: SegmentRun | undefined;
  /** Where the core's result goes: several places when parts of the picture look alike. */
  readonly places: readonly Place[];
  /** Set to 1 when the call was aborted. */
  readonly cancelled: Int32Array;
}

/** Rows of a picture, to be worked on by what a module exports (see `RowWork`). */
export interface RowsOrder {
  readonly kind: 'rows';
  readonly order: number;
  readonly module: string;
  readonly name: string;
  readonly given: unknown;
  readonly from: number;
  readonly to: number;
  /** Which of the call's bands it is. */
  readonly index: number;
  /** For each band, on shared memory: set to 1 when a thread begins it. */
  readonly begun: Int32Array;
  /** Set to 1 when the call was aborted. */
  readonly cancelled: Int32Array;
}

/** A piece of a call. */
export type PieceOrder = TileOrder | RowsOrder;

export interface PrepareOrder {
  readonly kind: 'prepare';
  readonly order: number;
  readonly source: ModelSource;
  readonly key: string;
  /** An empty folder to write to; undefined where none can be had. */
  readonly folder: string | undefined;
  /** The runtime in WebAssembly, compiled; undefined for the native one. */
  readonly wasm: WasmModule | undefined;
}

/** What the pool tells a thread. */
export type Order =
  | PieceOrder
  | PrepareOrder
  | { readonly kind: 'open'; readonly weights: string; readonly location: WeightsLocation }
  | { readonly kind: 'close'; readonly weights: string }
  | { readonly kind: 'end' };

/** A piece is done. */
export interface DoneReply {
  readonly kind: 'done';
  readonly order: number;
  /** Milliseconds on the clock that all threads of the process share; zero length when nothing ran. */
  readonly started: number;
  readonly ended: number;
  /** Of a tile in a pass that pools. */
  readonly parts?: readonly PoolPart[];
  /** What was found in rows. */
  readonly found?: unknown;
}

/** What a thread answers. */
export type Reply =
  | DoneReply
  /** Some of a tile's graph is done. */
  | {
      readonly kind: 'advanced';
      readonly order: number;
      /** Of the tile's work. */
      readonly share: number;
    }
  /** Not computed to its end, because the call has ended. */
  | { readonly kind: 'skipped'; readonly order: number }
  /** Not computed, because the files of its weights are gone. */
  | { readonly kind: 'swept'; readonly order: number }
  | { readonly kind: 'failed'; readonly order: number; readonly error: ErrorMessage }
  | { readonly kind: 'prepared'; readonly order: number; readonly prepared: Prepared };

/** What settles an order. */
export type FinalReply = Exclude<Reply, { kind: 'advanced' }>;

/** What preparing a network found out. */
export interface Prepared {
  readonly geometry: MeasuredGeometry;
  /** The core graph, where there was no folder to write to, and in WebAssembly. */
  readonly core: Uint8Array | undefined;
  /** With it, the graphs of its passes. */
  readonly passes?: readonly Uint8Array[];
}

/** An error in a form that can be posted. */
export interface ErrorMessage {
  readonly code: UpresErrorCode;
  readonly message: string;
  readonly file: string | undefined;
}
