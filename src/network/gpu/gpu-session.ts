import type { InferenceSession } from 'onnxruntime-node';
import { UpresError } from '../../errors.js';
import { freeBatch, wrapPixels } from '../../model/graph/pixels.js';
import type { Geometry } from '../../model/catalogue/geometry.js';
import type { GpuDevice } from '../device.js';
import { viewPixels, type PixelArray, type PixelType } from '../../pixels.js';
import { optimisingOptions, type Runtime } from '../pool/runtime.js';
import { largestDifference, testPattern, white } from '../proving.js';
import type { BatchOrder } from './gpu-protocol.js';

/** How far the device's results may lie from the CPU's, as a share of the whole range; a step of an integer is always allowed. */
const tolerance = 1e-3;

/** Size of the pictures that a network proves itself on. Odd, so that kernels have an edge to deal with. */
const trial = { width: 25, height: 18 };

/** A network on the device, for one kind of pixels. */
export class GpuSession {
  private constructor(
    private readonly runtime: Runtime,
    private readonly session: InferenceSession,
    /** Whether it takes several tiles in one run, with the bytes that each has alone. */
    private readonly batches: boolean,
    /** Input pixels a millisecond, as first seen. */
    readonly pixelsPerMs: number,
  ) {}

  /**
   * Opens a session and compares what it computes with the CPU.
   * @param core the network without rewrites for speed: they help the CPU's kernels only
   * @throws DEVICE_UNAVAILABLE when the results differ
   */
  static async open(
    runtime: Runtime,
    device: GpuDevice,
    core: Uint8Array,
    geometry: Geometry,
    type: PixelType,
    channels: 1 | 3,
  ): Promise<GpuSession> {
    const graph = freeBatch(wrapPixels(core, type, channels));
    const options = optimisingOptions('cpu');
    const session = await runtime.InferenceSession.create(graph, { ...options, executionProviders: [device] });
    const reference = await runtime.InferenceSession.create(graph, options);
    try {
      const { batches, pixelsPerMs } = await prove(runtime, session, reference, { type, channels, geometry });
      return new GpuSession(runtime, session, batches, pixelsPerMs);
    } catch (error) {
      await session.release();
      throw error;
    } finally {
      await reference.release();
    }
  }

  /** Computes a batch. Blocks the thread while the device computes. */
  async compute({ type, count, height, width, channels, pixels }: BatchOrder): Promise<PixelArray> {
    const { runtime, session } = this;
    if (count === 1 || this.batches) return run(runtime, session, type, pixels, [count, height, width, channels]);
    const values = pixels.length / count;
    let all: PixelArray | undefined;
    for (let index = 0; index < count; index++) {
      const tile = pixels.subarray(index * values, (index + 1) * values);
      const result = await run(runtime, session, type, tile, [1, height, width, channels]);
      all ??= viewPixels(type, new ArrayBuffer(count * result.byteLength));
      all.set(result, index * result.length);
    }
    return all!;
  }

  async release(): Promise<void> {
    await this.session.release();
  }
}

type Shape = readonly [count: number, height: number, width: number, channels: 1 | 3];

interface Kind {
  readonly type: PixelType;
  readonly channels: 1 | 3;
  readonly geometry: Geometry;
}

async function prove(
  runtime: Runtime,
  session: InferenceSession,
  reference: InferenceSession,
  { type, channels, geometry: { multipleOf, fixedSize = trial } }: Kind,
): Promise<{ batches: boolean; pixelsPerMs: number }> {
  const roundUp = (length: number): number => Math.ceil(length / multipleOf) * multipleOf;
  const height = roundUp(fixedSize.height);
  const width = roundUp(fixedSize.width);
  const values = width * height * channels;
  const both = testPattern(type, 2 * values);
  const [first, second] = [both.subarray(0, values), both.subarray(values)];
  const one: Shape = [1, height, width, channels];

  const expected = await run(runtime, reference, type, first, one);
  const alone = await run(runtime, session, type, first, one);
  const difference = largestDifference(alone, expected) / white[type];
  if (!(difference <= Math.max(tolerance, type === 'float32' ? 0 : 1.01 / white[type]))) {
    throw new UpresError('DEVICE_UNAVAILABLE', `its results are wrong: they differ by ${difference} from the CPU's`);
  }

  // Graphs may hold a batch of one inside, where it is invisible: then they refuse two, or mix them up.
  const started = performance.now();
  const together = await run(runtime, session, type, both, [2, height, width, channels]).catch(() => undefined);
  const ms = performance.now() - started;
  const other = await run(runtime, session, type, second, one);
  const batches =
    together?.length === alone.length + other.length &&
    largestDifference(together.subarray(0, alone.length), alone) === 0 &&
    largestDifference(together.subarray(alone.length), other) === 0;
  return { batches, pixelsPerMs: (2 * width * height) / Math.max(ms, 0.01) };
}

async function run(
  runtime: Runtime,
  session: InferenceSession,
  type: PixelType,
  pixels: PixelArray,
  shape: Shape,
): Promise<PixelArray> {
  const input = new runtime.Tensor(type, pixels, shape);
  const { upscaled } = await session.run({ pixels: input });
  input.dispose();
  if (!upscaled) throw new UpresError('INFERENCE_FAILED', 'the network gave no result');
  return upscaled.data as PixelArray;
}
