import type { Colours } from '../../model/catalogue/colours.js';
import type { PixelArray, PixelType } from '../../pixels.js';
import type { ErrorMessage, ModelSource } from '../pool/protocol.js';

/** A network to be made ready. */
export interface OpenOrder {
  readonly kind: 'open';
  readonly order: number;
  /** Identity of the model; it must still be the same when it is read again. */
  readonly network: string;
  readonly source: ModelSource;
  /** What the CPU found a user's network to take and give. */
  readonly colours?: Colours | undefined;
}

/** Tiles of equal shape, to be computed in one run. */
export interface BatchOrder {
  readonly kind: 'batch';
  readonly order: number;
  readonly network: string;
  readonly type: PixelType;
  readonly channels: 1 | 3;
  /** `[count, height, width, channels]` */
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly pixels: PixelArray;
}

/** What the main process tells the device's process. Orders are followed one by one. */
export type GpuOrder =
  OpenOrder | BatchOrder | { readonly kind: 'close'; readonly network: string } | { readonly kind: 'end' };

/** What a network proved to be when it was opened. */
export interface Opened {
  /** Input pixels a millisecond, as first seen. */
  readonly pixelsPerMs: number;
  /** What the device is called, where the system tells. */
  readonly adapter: string | undefined;
}

/** What the device's process answers. */
export type GpuReply =
  | ({ readonly kind: 'opened'; readonly order: number } & Opened)
  | {
      readonly kind: 'computed';
      readonly order: number;
      /** `[count, height * scale, width * scale, channels]` */
      readonly pixels: PixelArray;
      /** Milliseconds of the run. */
      readonly ms: number;
    }
  | { readonly kind: 'failed'; readonly order: number; readonly error: ErrorMessage };
