import type { MessagePort } from 'node:worker_threads';
import type { CallHooks } from './call.js';
import type { Device } from '../device.js';
import type { GpuContext } from '../gpu/gpu-context.js';
import type { WeightsInfo } from '../weights/network-weights.js';
import type { PixelArray, PixelImage } from '../../pixels.js';
import type { RowWork } from '../../row-work.js';

/** How one call wants to be computed. */
export interface CallSettings {
  /** Higher goes first; 0 is usual. */
  readonly priority: number;
  /** Upper bound of a tile in input pixels; undefined leaves it to the plan. */
  readonly tilePixels: number | undefined;
  /** Whether a network that looks at the whole image may be cut into tiles all the same; undefined: as it was loaded with. */
  readonly acceptApproximation: boolean | undefined;
  /** Whether the caller has counted the memory of the image and of its result already: the call does not wait for it. */
  readonly admitted: boolean;
}

/** Rows to be done: what `DoRows` is asked for. */
export interface RowsRequest<Given, Found> {
  readonly work: RowWork<Given, Found>;
  readonly given: Given;
  readonly rows: number;
  readonly stepsPerRow: number;
}

/** Where a network computes, seen from `ThreadSafeNetwork`: a pool of threads, a graphics processor, or the main thread's through a port. */
export interface NetworkBackend {
  /** What computes now. */
  readonly device: Device;
  /** The graphics processor's memory; undefined when there is none. */
  readonly gpu: GpuContext | undefined;
  readonly info: WeightsInfo;
  /** Threads that may compute for this network at once. */
  readonly threads: number;
  /**
   * Computes an image.
   * @returns the result, of the input's type, `factor` times as wide and as high
   * @param lane whose turn it takes; default: the network's own
   * @throws ABORTED when the signal says so, INFERENCE_FAILED, THREAD_DIED, DEVICE_LOST, INPUT_TOO_LARGE, QUEUE_FULL
   */
  computeImage(
    source: PixelImage<PixelArray>,
    settings: CallSettings,
    hooks: CallHooks,
    signal: AbortSignal | undefined,
    lane?: object,
  ): Promise<SharedArrayBuffer>;
  /**
   * Does rows on the threads that compute for the network, by the same turns; absent where there are none.
   * @returns what was found in each band
   * @throws ABORTED when the signal says so, DISPOSED, THREAD_DIED
   */
  doRows?<Given, Found>(
    rows: RowsRequest<Given, Found>,
    priority: number,
    signal: AbortSignal | undefined,
    lane: object | undefined,
  ): Promise<Found[]>;
  /** A port through which another thread of this process can use the network. */
  share(): MessagePort;
  /** Ends the network; with `cancel`, calls in flight are aborted instead of finished. */
  dispose(cancel: boolean): Promise<void>;
}
