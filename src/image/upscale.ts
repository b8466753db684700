import { totalmem } from 'node:os';
import { UpresError } from '../errors.js';
import { onAbort } from '../on-abort.js';
import { checkDevice, type Device, type DeviceChoice } from '../network/device.js';
import { throwIfAborted } from './abort.js';
import { inColour, withoutColour } from './colourless.js';
import { decode } from './decode.js';
import { encode } from './encode.js';
import { enlargeFrames } from './enlarge.js';
import { decodingOf, Entrance } from './entrance.js';
import type { OutputFormat } from './formats.js';
import { framesAtOnce, inWindow } from './in-window.js';
import { Meter } from './meter.js';
import { Networks } from './networks.js';
import { Failover } from './on-device.js';
import type { OpenedImage } from './opened-image.js';
import { checkOptions, modelOf, type ResizeOptions, type UpscaleOptions } from './options.js';
import { reduceFrame } from './reduce.js';
import { fileOf, type ImageInput } from './source.js';

export type { OutputFormat } from './formats.js';
export type { AlphaMode, ResizeOptions, UpscaleOptions, UpscaleProgress } from './options.js';
export type { ImageInput } from './source.js';
export type { Target } from './target.js';

export interface UpscaleResult {
  /** The encoded image. */
  readonly data: Uint8Array;
  readonly format: OutputFormat;
  /** Pixels. */
  readonly width: number;
  /** Pixels of one frame. */
  readonly height: number;
  readonly frames: number;
  readonly sourceWidth: number;
  readonly sourceHeight: number;
  /** Width of the result in source widths. */
  readonly upscale: number;
  /** The model that was asked for, or the one that `auto` chose; not used where nothing was to be enlarged. */
  readonly model: string;
  /** Why `auto` chose this model, in words for people; only where it chose. */
  readonly modelReason?: string;
  /** What computed the network, all of it; where nothing was to be enlarged, what would have. */
  readonly device: Device;
  /** Milliseconds from the first to the last of this picture's network calls, waiting for threads included. */
  readonly inferenceMs: number;
  /** Milliseconds in decoder, reducer and encoder. */
  readonly codecMs: number;
}

export interface UpscalerOptions {
  /** Threads that compute networks; default: one for each core. */
  readonly threads?: number;
  /** Bytes of pixels that all calls hold together; default: a quarter of the machine's memory, at most 2 GiB. */
  readonly memoryBudget?: number;
  /**
   * What computes networks, unless a call says otherwise. `auto` takes the fastest device that works; should it fail in the
   * middle of a picture, the whole picture starts again on the CPU. Default: `cpu`.
   */
  readonly device?: DeviceChoice;
  /** Where optimised networks are kept; default: the user's cache folder. */
  readonly cacheFolder?: string;
}

/** A quarter of the machine's memory, at most 2 GiB. */
function defaultMemoryBudget(): number {
  return Math.min(totalmem() / 4, 2 * 2 ** 30);
}

/**
 * Upscales images: bytes or paths in, bytes out, any number of calls at once. The networks that it loads stay loaded until
 * it is disposed.
 *
 * The same input and options give the same bytes, whatever else runs.
 */
export class Upscaler implements AsyncDisposable {
  private readonly networks: Networks;
  private readonly entrance: Entrance;
  private readonly device: DeviceChoice;
  private readonly failover = new Failover();
  private readonly calls = new Map<AbortController, Promise<unknown>>();
  private disposed = false;

  /** @throws BAD_ARGUMENT */
  constructor({ memoryBudget = defaultMemoryBudget(), device = 'cpu', ...options }: UpscalerOptions = {}) {
    if (!(memoryBudget > 0)) {
      throw new UpresError('BAD_ARGUMENT', `memoryBudget must be a number of bytes, not ${memoryBudget}`);
    }
    this.device = checkDevice(device);
    this.networks = new Networks(options);
    this.entrance = new Entrance(memoryBudget, this.networks);
  }

  /**
   * Upscales one image.
   *
   * EXIF orientation is applied and all metadata left behind. Grey stays grey (colours that are grey in every pixel, too), 16 bits stay 16 in PNG and TIFF, an animation
   * stays one in GIF and WebP (elsewhere its first frame is used), and for JPEG transparent pictures are laid on white.
   *
   * @throws UpresError with the file's name: ABORTED, BAD_ARGUMENT, DEVICE_LOST and DEVICE_UNAVAILABLE where a device was
   *   named, DISPOSED, INFERENCE_FAILED, INPUT_*, MODEL_*, OUTPUT_TOO_LARGE, UNSUPPORTED_FORMAT
   */
  upscale(input: ImageInput | OpenedImage, options: UpscaleOptions = {}): Promise<UpscaleResult> {
    return this.track(fileOf(input), options.signal, (signal) => this.run(input, options, signal));
  }

  /** The same size by centred bicubic and reduction, on the CPU: no learned network. Throws as `upscale`. */
  resize(input: ImageInput, options: ResizeOptions = {}): Promise<UpscaleResult> {
    return this.upscale(input, { ...options, model: 'bicubic', alpha: 'network', device: 'cpu' });
  }

  /** Waits for the calls in flight (or gives them up, with `cancel`: ABORTED) and lets the networks go. */
  async dispose({ cancel = false }: { cancel?: boolean } = {}): Promise<void> {
    this.disposed = true;
    if (cancel) {
      const reason = new UpresError('ABORTED', 'the upscaler was disposed');
      for (const controller of this.calls.keys()) controller.abort(reason);
    }
    await Promise.allSettled(this.calls.values());
    await this.networks.dispose({ cancel });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  private async run(
    input: ImageInput | OpenedImage,
    options: UpscaleOptions,
    signal: AbortSignal,
  ): Promise<UpscaleResult> {
    checkOptions(options);
    throwIfAborted(signal);
    return this.failover.run(options.device ?? this.device, fileOf(input), (device) =>
      this.runOn(device, input, options, signal),
    );
  }

  private async runOn(
    device: Device,
    input: ImageInput | OpenedImage,
    options: UpscaleOptions,
    signal: AbortSignal,
  ): Promise<UpscaleResult> {
    const meter = new Meter({ client: options.client, priority: options.priority, signal });
    const visit = { input, options, device, signal, meter };
    const { bytes, plan, enlargers, choice, decoded, leave } = await this.entrance.enter(visit);
    try {
      const { header, format, target, frames, profile } = plan;
      const source = decoded ?? (await decode(bytes, header, decodingOf(plan, fileOf(input), meter)));
      throwIfAborted(signal);
      const plain = await withoutColour(source);
      const enlarged = enlargers ? await enlargeFrames(plain, enlargers, { ...options, signal }, meter) : plain;
      throwIfAborted(signal);
      const reduced = await inWindow(enlarged, framesAtOnce, async (frame) => {
        const result = await reduceFrame(frame, target, meter);
        return profile && !header.grey ? inColour(result) : result;
      });
      throwIfAborted(signal);
      const { delay, loop, subsampled } = header;
      const settings = { format, quality: options.quality, delay, loop, subsampled, profile };
      const data = await encode(reduced, settings, meter);
      throwIfAborted(signal);
      return {
        data,
        format,
        width: target.width,
        height: target.height,
        frames,
        sourceWidth: header.width,
        sourceHeight: header.height,
        upscale: target.width / header.width,
        model: choice?.model ?? modelOf(options),
        ...(choice && { modelReason: choice.reason }),
        device,
        inferenceMs: meter.inferenceMs,
        codecMs: meter.codecMs,
      };
    } finally {
      leave();
    }
  }

  /** Links the caller's signal to one of our own, remembers the call until it ends, and names the file in its errors. */
  private track(
    file: string | undefined,
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<UpscaleResult>,
  ): Promise<UpscaleResult> {
    if (this.disposed) return Promise.reject(new UpresError('DISPOSED', 'this upscaler was disposed: make a new one'));
    const controller = new AbortController();
    const forget =
      signal &&
      onAbort(signal, () => {
        controller.abort(signal.reason);
      });
    const call = work(controller.signal)
      .catch((error: unknown) => {
        throw withFile(error, file);
      })
      .finally(() => {
        forget?.();
        this.calls.delete(controller);
      });
    this.calls.set(controller, call);
    return call;
  }
}

/** Errors of the floors below know nothing of files. */
function withFile(error: unknown, file: string | undefined): unknown {
  if (!(error instanceof UpresError) || error.file !== undefined || file === undefined) return error;
  return new UpresError(error.code, error.message, { file, cause: error });
}
