import type { MessagePort } from 'node:worker_threads';
import { UpresError } from '../errors.js';
import { copyInBands } from '../event-loop.js';
import { check, type Schema } from '../schema.js';
import { approximate, type Approximate } from './approximate.js';
import { AttachedBackend } from './pool/attached-backend.js';
import type { CallHooks } from './pool/call.js';
import type { Device } from './device.js';
import { workingDevice } from './processor.js';
import {
  bytesOptions,
  callOptions,
  fileOptions,
  labelledOptions,
  type CallOptions,
  type NameOption,
  type NetworkOptions,
  type ScaleOption,
} from './network-options.js';
import { statedOnly, type StatedColours } from '../model/catalogue/colours.js';
import type { GpuContextHandle, GpuState } from './gpu/gpu-context.js';
import type { NetworkBackend } from './pool/network-backend.js';
import { NetworkWeights, type WeightsInfo } from './weights/network-weights.js';
import { checkPixels, type ImageTensor, type PixelArray, type PixelImage, pixelTypeOf, viewPixels } from '../pixels.js';
import { inThisThread, type DoRows } from '../row-work.js';
import type { ModelSource } from './pool/protocol.js';
import { defaultThreads } from './pool/thread-count.js';

/** Rows that take fewer steps than this (see `inBands`), half a millisecond, are done where they are asked for. */
const leastSteps = 1 << 19;

/** What another thread needs to use a network. Post it with `port` in the list of transferred objects. It serves one `attach`. */
export interface NetworkHandle {
  /** What the network computes. */
  readonly info: WeightsInfo;
  /** Threads that may compute for it at once. */
  readonly threads: number;
  /** What computes. */
  readonly device: Device;
  /** @internal */
  readonly gpu: GpuContextHandle | undefined;
  /** Where calls go; to be transferred. */
  readonly port: MessagePort;
}

/**
 * A network that any number of callers use at once, on all cores, from one copy of its weights. No lock is held while
 * anything is computed: callers only queue tiles, and each thread has a `ComputeBuffer` of its own.
 *
 * The same input gives the same bytes whatever the number of threads, the size of tiles and the order of work.
 */
export class ThreadSafeNetwork implements AsyncDisposable {
  /** The network's immutable parameters, described. */
  readonly weights: NetworkWeights;
  private constructor(private readonly backend: NetworkBackend) {
    this.weights = new NetworkWeights(backend.info);
  }

  /** The built-in network for photographs. */
  static loadBuiltinNatural(options: NetworkOptions & ScaleOption = {}): Promise<ThreadSafeNetwork> {
    return ThreadSafeNetwork.fromLabel('natural', options);
  }

  /** The built-in network for drawings and manga, `anime`. Clip art, logos and text are what `art` is for. */
  static loadBuiltinAnime(options: NetworkOptions & ScaleOption = {}): Promise<ThreadSafeNetwork> {
    return ThreadSafeNetwork.fromLabel('anime', options);
  }

  /**
   * A built-in network by its label.
   * @throws MODEL_NOT_FOUND for an unknown label, BAD_ARGUMENT for a scale that no chain reaches, NOT_MAIN_THREAD
   */
  static fromLabel(label: string, options: NetworkOptions & ScaleOption = {}): Promise<ThreadSafeNetwork> {
    return load(labelledOptions, ({ scale }) => ({ kind: 'label', label, scale }), options);
  }

  /**
   * A network from a file that takes one image and gives one, a whole number of times as large: ONNX, or a format that is
   * imported (ncnn's `.param`, TensorFlow.js's `model.json`, `.rsr`).
   * @throws MODEL_NOT_FOUND, MODEL_INVALID, MODEL_UNSUPPORTED, NOT_MAIN_THREAD
   */
  static loadFromFile(path: string, options: NetworkOptions & StatedColours = {}): Promise<ThreadSafeNetwork> {
    return load(fileOptions, (checked) => ({ kind: 'file', path, colours: statedOnly(checked) }), options);
  }

  /**
   * A network from the bytes of an ONNX file.
   * @throws MODEL_INVALID, MODEL_UNSUPPORTED, NOT_MAIN_THREAD
   */
  static fromBytes(
    bytes: Uint8Array,
    options: NetworkOptions & NameOption & StatedColours = {},
  ): Promise<ThreadSafeNetwork> {
    return load(
      bytesOptions,
      (checked) => ({ kind: 'bytes', bytes, name: checked.name, colours: statedOnly(checked) }),
      options,
    );
  }

  /**
   * Uses, in a worker thread, a network of the main thread. Terminating the worker harms no other.
   * @param handle what `share()` gave, posted with its port transferred
   */
  static async attach(handle: NetworkHandle): Promise<ThreadSafeNetwork> {
    const { port, info, threads, device, gpu } = handle;
    const context = gpu && new (await import('./gpu/index.js')).GpuContext(gpu);
    return new ThreadSafeNetwork(new AttachedBackend(port, info, threads, device, context));
  }

  /** @internal */
  static over(backend: NetworkBackend): ThreadSafeNetwork {
    return new ThreadSafeNetwork(backend);
  }

  /** Output pixels for each input pixel, along each axis. */
  get factor(): number {
    return this.weights.factor;
  }

  /** The label of a built-in, or the name of the file. */
  get label(): string {
    return this.weights.label;
  }

  /** A line for people. */
  get display(): string {
    return this.weights.display;
  }

  /** What computes. With `auto` a network that lost its graphics processor twice in a row says `cpu` from then on. */
  get device(): Device {
    return this.backend.device;
  }

  /** The graphics processor and what is held for it now; undefined where the CPU computes. */
  get gpu(): GpuState | undefined {
    return this.backend.gpu?.state;
  }

  /** Threads that may compute for this network at once; 1 where a graphics processor computes. */
  get threads(): number {
    return this.backend.threads;
  }

  /**
   * Runs the network on floating point numbers.
   * @param tensor `[1, height, width, 3]`, R G B, 0 to 1; must not change before the promise settles
   * @returns `[1, height * factor, width * factor, 3]`, clipped to 0 to 1; `approximate` is 1 where tiles only come near the whole
   * @throws BAD_ARGUMENT for another shape; ABORTED, DISPOSED, QUEUE_FULL, INPUT_TOO_LARGE, INFERENCE_FAILED, THREAD_DIED, DEVICE_LOST
   */
  async process(tensor: ImageTensor, options: CallOptions = {}): Promise<ImageTensor<ArrayBuffer> & Approximate> {
    const dims: readonly number[] = tensor.dims;
    const [batch, height, width, channels] = dims;
    if (dims.length !== 4 || batch !== 1 || channels !== 3 || !((tensor.data as unknown) instanceof Float32Array)) {
      throw new UpresError(
        'BAD_ARGUMENT',
        `a tensor is float32 [1, height, width, 3], not [${tensor.dims.join(', ')}]`,
      );
    }
    const { output, ...told } = await this.compute(width!, height!, 3, tensor.data, options);
    // Shared memory stays inside: the caller may post or transfer the result like any array.
    const data = new Float32Array(output.byteLength / Float32Array.BYTES_PER_ELEMENT);
    await copyInBands(new Float32Array(output), data);
    return { data, dims: [1, height! * this.factor, width! * this.factor, 3], ...told };
  }

  /**
   * Runs the network on pixels.
   * @param image 1 or 3 channels of 8 or 16 bit; must not change before the promise settles
   * @returns an image `factor` times as wide and as high, of the same type and channels; its data lies on shared memory; `approximate`
   *   is 1 where tiles only come near the whole
   * @throws BAD_ARGUMENT for another shape; ABORTED, DISPOSED, QUEUE_FULL, INPUT_TOO_LARGE, INFERENCE_FAILED, THREAD_DIED, DEVICE_LOST
   */
  upscaleImage(image: PixelImage, options?: CallOptions): Promise<PixelImage & Approximate>;
  /**
   * For a caller that bounds the memory of its images and their results itself.
   * @internal
   */
  // eslint-disable-next-line @typescript-eslint/unified-signatures -- the published types do not have this one
  upscaleImage(image: PixelImage, options: CallOptions, memory: 'admitted'): Promise<PixelImage & Approximate>;
  async upscaleImage(
    image: PixelImage,
    options: CallOptions = {},
    memory?: 'admitted',
  ): Promise<PixelImage & Approximate> {
    const { width, height, channels, data } = image;
    if (!(data instanceof Uint8Array) && !(data instanceof Uint16Array)) {
      throw new UpresError(
        'BAD_ARGUMENT',
        'upscaleImage takes a Uint8Array or a Uint16Array of pixels; process takes floating point numbers',
      );
    }
    const { output, ...told } = await this.compute(width, height, channels, data, options, memory === 'admitted');
    const size = { width: width * this.factor, height: height * this.factor, channels };
    return { ...size, data: viewPixels(pixelTypeOf(data), output) as Uint8Array | Uint16Array, ...told };
  }

  /**
   * Does rows on the threads that compute the network, by the call's turn; in this thread where there are none, and where there
   * is so little to do that a thread would hardly be told of it sooner.
   * @internal
   */
  doRows({ priority = 0, signal, lane }: CallOptions = {}): DoRows {
    const { backend } = this;
    return (work, given, rows, stepsPerRow) =>
      backend.doRows && rows * stepsPerRow >= leastSteps
        ? backend.doRows({ work, given, rows, stepsPerRow }, priority, signal, lane)
        : inThisThread(work, given, rows, stepsPerRow);
  }

  /** A handle with which another worker thread of this process uses the network: one handle for one `attach`. */
  share(): NetworkHandle {
    const { info, threads, device, gpu } = this.backend;
    return { info, threads, device, gpu: gpu?.share(), port: this.backend.share() };
  }

  /**
   * Ends the network: refuses new calls, finishes those that are under way (with `cancel`, aborts them within a tile), and
   * releases its memory. The last network to be disposed ends the threads.
   */
  async dispose(options: { readonly cancel?: boolean } = {}): Promise<void> {
    await this.backend.dispose(options.cancel ?? false);
  }

  /** Waits for the calls in flight and ends the network. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  private async compute(
    width: number,
    height: number,
    channels: 1 | 3,
    data: PixelArray,
    options: CallOptions,
    admitted = false,
  ): Promise<{ readonly output: SharedArrayBuffer } & Approximate> {
    check(callOptions, options);
    checkPixels(width, height, channels, data);
    let told: Approximate = {};
    const hooks: CallHooks = {
      onProgress: options.onProgress,
      onTile: options.onTile,
      onApproximation: (approximation) => (told = approximate(approximation)),
    };
    const settings = {
      priority: options.priority ?? 0,
      tilePixels: options.tilePixels,
      acceptApproximation: options.acceptApproximation,
      admitted,
    };
    const image = { width, height, channels, data };
    const output = await this.backend.computeImage(image, settings, hooks, options.signal, options.lane);
    return { output, ...told };
  }
}

async function load<T extends NetworkOptions>(
  schema: Schema<T>,
  sourceOf: (options: T) => ModelSource,
  given: T,
): Promise<ThreadSafeNetwork> {
  const options = check(schema, given);
  const { memoryBudget, acceptApproximation, gpuMemoryBudget, maxQueue = Infinity } = options;
  const { device, threads = defaultThreads(), cacheFolder } = options;
  // What only those need who load a network: the pool, tiles, the store of prepared weights.
  const { loadBackend } = await import('./pool/load-backend.js');
  const backend = await loadBackend(sourceOf(options), device ?? (await workingDevice()), {
    threads,
    memoryBudget,
    acceptApproximation,
    gpuMemoryBudget,
    maxQueue,
    cacheFolder,
  });
  return ThreadSafeNetwork.over(backend);
}
