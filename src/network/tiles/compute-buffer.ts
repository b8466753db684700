import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { join } from 'node:path';
import { UpresError } from '../../errors.js';
import { bytesPerValue, viewPixels, type PixelArray, type PixelType } from '../../pixels.js';
import type { PoolPart, TileOrder, WeightsLocation } from '../pool/protocol.js';
import { loadRuntime, mappingOptions, optimisingOptions, type SessionRuntime } from '../pool/runtime.js';
import { runtimeFor } from '../pool/session-runtime.js';
import type { PoolingStage } from '../../model/catalogue/geometry.js';
import { runSegments, type TileWatch } from './segments.js';
import { poolInputs, poolPart } from './pool-parts.js';
import { readTile, writeCore } from './tile-pixels.js';

/**
 * Name of the graph file, in a folder of prepared weights, for pixels of a type and number of channels.
 * @param pass number of one of several passes over the picture; undefined for the whole network at once
 */
export function graphFileName(type: PixelType, channels: 1 | 3, pass?: number): string {
  return `${type}-${channels}${pass === undefined ? '' : `-${pass}`}.onnx`;
}

/**
 * What one thread needs to run one network on one kind of pixels: the runtime's session and the memory for a tile. It belongs
 * to one thread; nothing in it is visible to another.
 */
export class ComputeBuffer {
  /** When it was last used, in milliseconds on `performance.now()`'s clock. */
  lastUsed = performance.now();
  private staging = new ArrayBuffer(0);

  private constructor(
    private readonly runtime: SessionRuntime,
    private readonly session: InferenceSession,
    private readonly type: PixelType,
    private readonly channels: 1 | 3,
  ) {}

  /** Opens a session. Blocks the thread while the runtime reads the graph. */
  static async open(
    weights: WeightsLocation,
    type: PixelType,
    channels: 1 | 3,
    pass: number | undefined,
  ): Promise<ComputeBuffer> {
    if (weights.kind === 'mapped') {
      const runtime = await loadRuntime();
      const graph = join(weights.folder, graphFileName(type, channels, pass));
      const session = await runtime.InferenceSession.create(graph, mappingOptions());
      return new ComputeBuffer(runtime, session, type, channels);
    }
    const runtime = await runtimeFor(weights.wasm);
    const options = optimisingOptions(weights.wasm ? 'wasm' : 'cpu');
    const core = pass === undefined ? weights.core : weights.passes[pass]!;
    const session = await runtime.InferenceSession.create(await wrapped(core, type, channels), options);
    return new ComputeBuffer(runtime, session, type, channels);
  }

  /**
   * Computes one tile: copies it out of the shared input, runs the network, and writes the core's result to every place that
   * it belongs to in the shared output. Blocks the thread while the network runs.
   * @returns what the tile contributes to the pools of its pass, where it has any; 'unwanted' where it was left before its end
   * @throws INFERENCE_FAILED when the runtime refuses, or the result has not the size that the scale promises
   */
  async computeTile(order: TileOrder, watch: TileWatch): Promise<readonly PoolPart[] | 'unwanted' | undefined> {
    const pixels = this.cropInput(order);
    const { pass, segments } = order;
    const results = segments
      ? await runSegments(this.runtime, this.session, { pixels }, segments, watch, segments)
      : await this.session.run({ pixels, ...(pass && poolInputs(this.runtime, this.session, pass.found)) });
    pixels.dispose();
    if (!results) return 'unwanted';
    try {
      this.lastUsed = performance.now();
      if (pass?.stage) return this.partsOf(order, pass.stage, results);
      writeCore(order, upscaledOf(order, results));
      return undefined;
    } finally {
      for (const tensor of Object.values(results)) tensor.dispose();
    }
  }

  /** Closes the session and frees its memory. */
  async release(): Promise<void> {
    await this.session.release();
  }

  private partsOf(order: TileOrder, { pools }: PoolingStage, results: SessionResults): PoolPart[] {
    const { core, places, inputWidth, inputHeight } = order;
    const { x, y } = places[0]!;
    const last = { row: y + core.height >= inputHeight, column: x + core.width >= inputWidth };
    return pools.map((pool, index) => {
      const { data, dims } = results[this.session.outputNames[index]!]!;
      return poolPart(pool, { data: data as Float32Array, dims }, core, last);
    });
  }

  /** A tensor of the tile's pixels `[1, height, width, channels]`. */
  private cropInput(order: TileOrder): Tensor {
    const { channels } = this;
    const { read } = order;
    const values = read.width * read.height * channels;
    // The runtime refuses shared memory on Node 20; a tile has to be cut out of its image anyway.
    const bytes = values * bytesPerValue(this.type);
    if (this.staging.byteLength < bytes) this.staging = new ArrayBuffer(bytes);
    const tile = viewPixels(this.type, this.staging).subarray(0, values);
    readTile(order, tile, 0);
    return new this.runtime.Tensor(this.type, tile, [1, read.height, read.width, channels]);
  }
}

type SessionResults = Awaited<ReturnType<InferenceSession['run']>>;

/** Throws INFERENCE_FAILED where the result has not the size that the scale promises. */
function upscaledOf({ made, scale }: TileOrder, { upscaled }: SessionResults): PixelArray {
  const [, height, width] = upscaled?.dims ?? [];
  if (!upscaled || height !== made.height * scale || width !== made.width * scale) {
    throw new UpresError(
      'INFERENCE_FAILED',
      `the network made ${String(width)}×${String(height)} pixels of ${made.width}×${made.height}: not ×${scale}`,
    );
  }
  return upscaled.data as PixelArray;
}

/** Graphs on disk are wrapped already; what wraps them is only loaded where there are none. */
async function wrapped(core: Uint8Array, type: PixelType, channels: 1 | 3): Promise<Uint8Array> {
  const { wrapPixels } = await import('../../model/graph/pixels.js');
  return wrapPixels(core, type, channels);
}
