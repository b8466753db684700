import { totalmem } from 'node:os';
import { onAbort, throwIfAborted } from '../abort.js';
import { UpresError, withFile } from '../errors.js';
import { fileOf as modelFileOf, type ModelChoice as NamedModel } from '../model/catalogue/colours.js';
import type { Approximate } from '../network/approximate.js';
import { deviceChoice, isProcessor, type Device, type DeviceChoice } from '../network/device.js';
import { threadCount } from '../network/pool/thread-count.js';
import { expectedDevice, workingDevice, workingProcessor } from '../network/processor.js';
import { check, defined, number, options, text, type TypeOf } from '../schema.js';
import { AdmissionQueue } from './admission-queue.js';
import type { OutputFormat } from './codec/formats.js';
import { Enlargements } from './enlargements.js';
import { Source } from './image-source.js';
import { Networks } from './networks.js';
import { deviceFor } from './on-device.js';
import {
  checkOptions,
  checkResizeOptions,
  modelOf,
  type Output,
  type ResizeOptions,
  type UpscaleOptions,
} from './options.js';
import { planPicture, type Plan } from './plan.js';
import { fileOf, type ImageInput } from './source.js';

export type { OutputFormat } from './codec/formats.js';
export { Source } from './image-source.js';
export type { AlphaMode, Output, ResizeOptions, UpscaleOptions } from './options.js';
export type { ImageInput } from './source.js';
export type { Target } from './target.js';

/** One encoded image, and how it was made. */
export interface UpscaleResult extends Approximate {
  /** The encoded image. */
  readonly data: Uint8Array;
  /** Of `data`. */
  readonly format: OutputFormat;
  /** Pixels. */
  readonly width: number;
  /** Pixels of one frame. */
  readonly height: number;
  /** More than 1 for an animation. */
  readonly frames: number;
  /** Pixels of the input, after the EXIF orientation. */
  readonly sourceWidth: number;
  /** Pixels of one frame of the input, after the EXIF orientation. */
  readonly sourceHeight: number;
  /** Width of the result in source widths. */
  readonly upscale: number;
  /** The model that was asked for, or the one that `auto` chose; not used where nothing was to be enlarged. */
  readonly model: string;
  /** Why `auto` chose this model, in words for people; only where it chose. */
  readonly modelReason?: string;
  /** What computed the network, all of it; where nothing was to be enlarged, what would have. */
  readonly device: Device;
  /**
   * The kind of machine that computed it: machines of one kind compute the same bytes on the same device. Such as `x64 sse4_1 avx fma
   * avx2`; absent where the result was cached by a version that did not tell.
   */
  readonly machine?: string;
  /** Milliseconds from the first to the last of this picture's network calls, waiting for threads included. */
  readonly inferenceMs: number;
  /** Milliseconds in decoder, reducer and its own encoder. */
  readonly codecMs: number;
  /** What is odd about the source or was left behind, in words for people; absent where there is nothing to say. */
  readonly warnings?: readonly string[];
}

const upscalerOptions = options({
  /**
   * Threads that compute networks, 1 to 256.
   * @default one for each core
   */
  threads: threadCount,
  /**
   * Bytes of pixels that all calls hold together.
   * @default a quarter of the machine's memory, at most 2 GiB
   */
  memoryBudget: number({ above: 0, of: 'bytes' }),
  /**
   * What computes networks, unless a call says otherwise. `auto` takes the fastest device that works; should it fail in the
   * middle of a picture, the whole picture starts again on the CPU.
   * @default `cpu`, or `wasm` where native code can't be loaded; `UPRES_DEVICE`
   */
  device: deviceChoice,
  /**
   * Folder in which optimised networks are kept.
   * @default the user's cache folder, or `UPRES_CACHE_FOLDER`
   */
  cacheFolder: text('a folder'),
});
/** Options of an `Upscaler`. */
export interface UpscalerOptions extends TypeOf<typeof upscalerOptions> {}

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
  private readonly admissions: AdmissionQueue;
  private readonly device: DeviceChoice | undefined;
  private readonly enlargements: Enlargements;
  private readonly calls = new Map<AbortController, Promise<unknown>>();
  private disposed = false;

  /** @throws BAD_ARGUMENT */
  constructor(given: UpscalerOptions = {}) {
    const { memoryBudget = defaultMemoryBudget(), device, ...options } = check(upscalerOptions, given);
    this.device = device;
    this.networks = new Networks(options);
    this.admissions = new AdmissionQueue(memoryBudget, this.networks);
    this.enlargements = new Enlargements(this.admissions);
  }

  /**
   * Upscales one image.
   *
   * EXIF orientation is applied and all metadata left behind. Grey stays grey (colours that are grey in every pixel, too), 16 bits
   * stay 16 in PNG and TIFF, an animation stays one in GIF, WebP and PNG (elsewhere its first frame is used), and for JPEG transparent
   * pictures are laid on white.
   *
   * With `outputs`, the results in their order: the image is read, decoded and enlarged once for all of them. So are calls at the
   * same time with the same `Source`, whoever makes them, and each of them can be aborted without the others.
   *
   * @throws UpresError with the file's name: ABORTED, BAD_ARGUMENT, DEVICE_LOST and DEVICE_UNAVAILABLE where a device was
   *   named, DISPOSED, INFERENCE_FAILED, INPUT_*, MODEL_*, OUTPUT_TOO_LARGE, UNSUPPORTED_FORMAT. Where one of several outputs
   *   fails, all are given up.
   */
  upscale(
    input: ImageInput | Source,
    options: Omit<UpscaleOptions, keyof Output> & { readonly outputs: readonly Output[] },
  ): Promise<UpscaleResult[]>;
  upscale(input: ImageInput | Source, options?: UpscaleOptions): Promise<UpscaleResult>;
  async upscale(
    input: ImageInput | Source,
    given: UpscaleOptions & { readonly outputs?: readonly Output[] } = {},
  ): Promise<UpscaleResult | UpscaleResult[]> {
    const source = Source.of(input);
    const file = fileOf(input);
    try {
      checkOptions(given);
    } catch (error) {
      throw withFile(error, file);
    }
    const { outputs, ...options } = given;
    const results = await this.track(file, options.signal, (controller) =>
      this.upscaleTo(source, options, outputs ?? [options], controller),
    );
    return outputs ? results : results[0]!;
  }

  /**
   * The same size by centred bicubic and reduction: no learned network. The processor computes it, `cpu` or `wasm` as named, whatever
   * else is. Throws as `upscale`.
   */
  async resize(input: ImageInput | Source, options: ResizeOptions = {}): Promise<UpscaleResult> {
    checkResizeOptions(options);
    const named = options.device ?? this.device;
    const device = named !== undefined && isProcessor(named) ? named : await workingProcessor();
    return this.upscale(input, { ...options, model: 'bicubic', alpha: 'network', device });
  }

  /**
   * Whether a network is one of the user's own that changes pictures without enlarging them, and is run where the size stays.
   * @throws MODEL_NOT_FOUND, MODEL_INVALID, MODEL_UNSUPPORTED
   */
  async restores(model: NamedModel, named?: DeviceChoice): Promise<boolean> {
    const device = named ?? this.device ?? (await workingDevice());
    return (await this.networks.restorer(model, await deviceFor(device))) !== undefined;
  }

  /** Waits for the calls in flight (or gives them up, with `cancel`: ABORTED) and releases the networks. */
  async dispose({ cancel = false }: { cancel?: boolean } = {}): Promise<void> {
    this.disposed = true;
    if (cancel) {
      const reason = new UpresError('ABORTED', 'the upscaler was disposed');
      for (const controller of this.calls.keys()) controller.abort(reason);
    }
    await Promise.allSettled(this.calls.values());
    await this.networks.dispose({ cancel });
  }

  /** Waits for the calls in flight and releases the networks. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  private async upscaleTo(
    source: Source,
    options: UpscaleOptions,
    outputs: readonly Output[],
    controller: AbortController,
  ): Promise<UpscaleResult[]> {
    const { signal } = controller;
    const wanted = outputs.map(({ format, quality, lossless }) => ({
      ...options,
      ...defined({ format, quality, lossless }),
    }));
    throwIfAborted(signal);
    const letNextIn = await this.admissions.waitForTurn(source, options.client, signal);
    const making = wanted.map((each) => this.encodeOutput(source, each, signal, letNextIn));
    try {
      return await Promise.all(making);
    } catch (error) {
      controller.abort(error);
      await Promise.allSettled(making);
      throw error;
    } finally {
      letNextIn();
    }
  }

  /** One result: hangs an encoding on the enlargement that it needs, which may be under way. */
  private async encodeOutput(
    source: Source,
    options: UpscaleOptions,
    signal: AbortSignal,
    letNextIn: () => void,
  ): Promise<UpscaleResult> {
    const plan = planPicture(await source.header(), options, undefined);
    const { header, target, format, frames } = plan;
    const { quality, client, priority, onProgress } = options;
    const device = options.device ?? this.device ?? (await defaultDevice(plan));
    const encoding = this.enlargements.of(source, plan, { ...options, device }, letNextIn);
    const turn = { client, priority, signal, onProgress };
    const { data, codecMs, facts } = await encoding.encode({ format, quality, lossless: plan.lossless }, turn);
    const { choice, timer } = facts;
    const { machineClass } = await import('../network/machine-class.js');
    const warnings = [...source.warnings, ...plan.warnings];
    return {
      data,
      format,
      width: target.width,
      height: target.height,
      frames,
      sourceWidth: header.width,
      sourceHeight: header.height,
      upscale: target.width / header.width,
      model: choice?.model ?? modelFileOf(modelOf(options)),
      ...(choice && { modelReason: choice.reason }),
      device: facts.device,
      machine: await machineClass(),
      inferenceMs: timer.inferenceMs,
      codecMs: timer.codecMs + codecMs,
      ...facts.told,
      ...(warnings.length > 0 && { warnings }),
    };
  }

  /** Links the caller's signal to one of our own, remembers the call until it ends, and names the file in its errors. */
  private track(
    file: string | undefined,
    signal: AbortSignal | undefined,
    work: (controller: AbortController) => Promise<UpscaleResult[]>,
  ): Promise<UpscaleResult[]> {
    if (this.disposed) return Promise.reject(new UpresError('DISPOSED', 'this upscaler was disposed: make a new one'));
    const controller = new AbortController();
    const forget =
      signal &&
      onAbort(signal, () => {
        controller.abort(signal.reason);
      });
    const call = work(controller)
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

/** Where no network is needed, no runtime is loaded to find out. */
const defaultDevice = async ({ target }: Plan): Promise<DeviceChoice> =>
  target.factor > 1 ? workingDevice() : expectedDevice();
