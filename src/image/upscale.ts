import { availableParallelism, totalmem } from 'node:os';
import { UpresError } from '../errors.js';
import { Admission } from '../network/admission.js';
import { abortedError, throwIfAborted } from './abort.js';
import { chooseForFile } from './choose-for-file.js';
import { autoModel, type ModelChoice } from './choose-model.js';
import { decode } from './decode.js';
import { encode } from './encode.js';
import { enlargeFrames, type Enlargers } from './enlarge.js';
import type { OutputFormat } from './formats.js';
import { Meter } from './meter.js';
import { Networks } from './networks.js';
import { checkOptions, type ResizeOptions, type UpscaleOptions } from './options.js';
import { checkIntermediate, estimateBytes, planPicture, type Plan } from './plan.js';
import { readHeader } from './probe.js';
import { reduceFrame } from './reduce.js';
import { fileOf, readInput, type ImageInput } from './source.js';

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
  /** Where optimised networks are kept; default: the user's cache folder. */
  readonly cacheFolder?: string;
}

/** A quarter of the machine's memory, at most 2 GiB. */
function defaultMemoryBudget(): number {
  return Math.min(totalmem() / 4, 2 * 2 ** 30);
}

/** Pictures in flight at once, however small they are: with more than this no thread is busier, and all hold memory. */
const mostInFlight = 8 * availableParallelism();

interface Admitted {
  readonly bytes: Uint8Array;
  readonly plan: Plan;
  readonly enlargers: Enlargers | undefined;
  /** What `auto` chose. */
  readonly choice: ModelChoice | undefined;
  readonly leave: () => void;
}

/**
 * Upscales images: bytes or paths in, bytes out, any number of calls at once. The networks that it loads stay loaded until
 * it is disposed.
 *
 * The same input and options give the same bytes, whatever else runs.
 */
export class Upscaler implements AsyncDisposable {
  private readonly networks: Networks;
  private readonly admission: Admission;
  /** Bytes that a picture counts for at least. */
  private readonly leastShare: number;
  private readonly calls = new Map<AbortController, Promise<unknown>>();
  /** Ends when the last call that came has been let in. */
  private lastEntered: Promise<unknown> = Promise.resolve();
  private disposed = false;

  constructor({ memoryBudget = defaultMemoryBudget(), ...options }: UpscalerOptions = {}) {
    if (!(memoryBudget > 0)) {
      throw new UpresError('BAD_ARGUMENT', `memoryBudget must be a number of bytes, not ${memoryBudget}`);
    }
    this.admission = new Admission(memoryBudget);
    this.leastShare = memoryBudget / mostInFlight;
    this.networks = new Networks(options);
  }

  /**
   * Upscales one image.
   *
   * EXIF orientation is applied and all metadata left behind. Grey stays grey, 16 bits stay 16 in PNG and TIFF, an animation
   * stays one in GIF and WebP (elsewhere its first frame is used), and for JPEG transparent pictures are laid on white.
   *
   * @throws UpresError with the file's name: ABORTED, BAD_ARGUMENT, DISPOSED, INFERENCE_FAILED, INPUT_*, MODEL_*,
   *   OUTPUT_TOO_LARGE, UNSUPPORTED_FORMAT
   */
  upscale(input: ImageInput, options: UpscaleOptions = {}): Promise<UpscaleResult> {
    return this.track(fileOf(input), options.signal, (signal) => this.run(input, options, signal));
  }

  /** The same size by centred bicubic and reduction: no learned network. Throws as `upscale`. */
  resize(input: ImageInput, options: ResizeOptions = {}): Promise<UpscaleResult> {
    return this.upscale(input, { ...options, model: 'bicubic', alpha: 'network' });
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

  private async run(input: ImageInput, options: UpscaleOptions, signal: AbortSignal): Promise<UpscaleResult> {
    checkOptions(options);
    throwIfAborted(signal);
    const meter = new Meter();
    const { bytes, plan, enlargers, choice, leave } = await this.enter(input, options, signal, meter);
    try {
      const { header, format, target, frames, profile } = plan;
      const colour = profile ? 'keep' : 'srgb';
      const decoded = await decode(bytes, header, { frames, colour, file: fileOf(input), meter });
      throwIfAborted(signal);
      const enlarged = enlargers ? await enlargeFrames(decoded, enlargers, { ...options, signal }, meter) : decoded;
      throwIfAborted(signal);
      const reduced = await Promise.all(enlarged.map((frame) => reduceFrame(frame, target, meter)));
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
        inferenceMs: meter.inferenceMs,
        codecMs: meter.codecMs,
      };
    } finally {
      leave();
    }
  }

  /** Reads one input after the other, so that of a thousand that wait only one is in memory. */
  private async enter(
    input: ImageInput,
    options: UpscaleOptions,
    signal: AbortSignal,
    meter: Meter,
  ): Promise<Admitted> {
    const previous = this.lastEntered;
    const entering = previous.then(async (): Promise<Admitted> => {
      throwIfAborted(signal);
      const file = fileOf(input);
      const bytes = await readInput(input);
      const plan = planPicture(await readHeader(bytes, file), options, file);
      const { factor } = plan.target;
      // Decoded here for itself, and let go: how much memory the picture needs depends on the network's scale.
      const chooses = factor > 1 && modelOf(options) === autoModel;
      const choice = chooses ? await chooseForFile(bytes, plan.header, { file, meter }) : undefined;
      const enlargers = factor > 1 ? await this.enlargersFor(factor, { ...options, ...choice }) : undefined;
      const scale = enlargers?.colour.scale ?? 1;
      checkIntermediate(plan, scale, options, file);
      const leave = await this.admission
        .enter(Math.max(this.leastShare, bytes.length + estimateBytes(plan, scale)), options.priority ?? 0, signal)
        .catch(() => {
          throw abortedError(signal);
        });
      return { bytes, plan, enlargers, choice, leave };
    });
    this.lastEntered = entering.catch(() => undefined);
    return unlessAborted(entering, signal);
  }

  private async enlargersFor(factor: number, options: UpscaleOptions): Promise<Enlargers> {
    const colour = await this.networks.enlarger(modelOf(options), factor);
    return { colour, alpha: options.alpha === 'bicubic' ? await this.networks.bicubic(colour.scale) : colour };
  }

  /** Links the caller's signal to one of our own, remembers the call until it ends, and names the file in its errors. */
  private track(
    file: string | undefined,
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<UpscaleResult>,
  ): Promise<UpscaleResult> {
    if (this.disposed) return Promise.reject(new UpresError('DISPOSED', 'this upscaler was disposed: make a new one'));
    const controller = new AbortController();
    const abort = (): void => {
      controller.abort(signal?.reason);
    };
    signal?.addEventListener('abort', abort);
    if (signal?.aborted) abort();
    const call = work(controller.signal)
      .catch((error: unknown) => {
        throw withFile(error, file);
      })
      .finally(() => {
        signal?.removeEventListener('abort', abort);
        this.calls.delete(controller);
      });
    this.calls.set(controller, call);
    return call;
  }
}

/** Does not wait for those in front when the signal fires; should this one be let in later, it leaves at once. */
async function unlessAborted(entering: Promise<Admitted>, signal: AbortSignal): Promise<Admitted> {
  let abort = (): void => undefined;
  const aborted = new Promise<'aborted'>((resolve) => {
    abort = () => {
      resolve('aborted');
    };
    signal.addEventListener('abort', abort);
  });
  const first = await Promise.race([entering, aborted]);
  signal.removeEventListener('abort', abort);
  if (first !== 'aborted') return first;
  void entering.then(
    ({ leave }) => {
      leave();
    },
    () => undefined,
  );
  throw abortedError(signal);
}

const modelOf = ({ model = 'natural' }: UpscaleOptions): string => model;

/** Errors of the floors below know nothing of files. */
function withFile(error: unknown, file: string | undefined): unknown {
  if (!(error instanceof UpresError) || error.file !== undefined || file === undefined) return error;
  return new UpresError(error.code, error.message, { file, cause: error });
}
