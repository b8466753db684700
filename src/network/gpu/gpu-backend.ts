import { Call, toCallInput, type CallHooks } from '../pool/call.js';
import type { GpuDevice } from '../device.js';
import { locateWeights, type LocatedWeights } from '../weights/locate-weights.js';
import { MainBackend } from '../pool/main-backend.js';
import type { CallSettings } from '../pool/network-backend.js';
import { describeWeights } from '../weights/network-weights.js';
import { type PixelArray, type PixelImage, pixelTypeOf } from '../../pixels.js';
import { resolveModel } from '../weights/resolve-model.js';
import type { ModelSource } from '../pool/protocol.js';
import { approximationFor } from '../tiles/plan.js';
import { mergeRepeatedTiles } from '../tiles/repeated-tiles.js';
import { ThreadPool } from '../pool/thread-pool.js';
import type { ComputingOptions } from '../../model/catalogue/computing.js';
import type { Model } from '../../model/catalogue/model.js';
import type { GpuContext } from './gpu-context.js';
import { defaultGpuMemoryBudget, planGpuTiles } from './gpu-plan.js';
import { GpuScheduler, type GpuNetwork } from './gpu-scheduler.js';

export interface GpuSettings {
  /** Bytes that may be held on the device's behalf. */
  readonly gpuMemoryBudget: number | undefined;
  /** Whether tiles may only come near the whole, where a call does not say; undefined: what the card says. */
  readonly acceptApproximation: boolean | undefined;
  /** Calls that may be unfinished at once; one more is refused. */
  readonly maxQueue: number;
  readonly cacheFolder: string | undefined;
}

/** A network on a graphics processor. Lives in the main thread. */
export class GpuBackend extends MainBackend {
  readonly gpu: GpuContext;
  readonly device: GpuDevice;

  private constructor(
    private readonly scheduler: GpuScheduler,
    private readonly network: GpuNetwork,
    model: Model,
    { geometry, location }: LocatedWeights,
    private readonly settings: GpuSettings,
    private readonly card: ComputingOptions,
    admission: ThreadPool['admission'],
  ) {
    super({
      info: describeWeights(model.card, model.key, geometry, location),
      // What it shares with other networks is one device.
      threads: 1,
      maxQueue: settings.maxQueue,
      admission,
    });
    this.device = scheduler.device;
    this.gpu = scheduler.context;
  }

  /**
   * Loads a network and proves that the device computes it as the CPU does.
   * @throws DEVICE_UNAVAILABLE when it doesn't, and whatever loading on the CPU throws
   */
  static async load(source: ModelSource, device: GpuDevice, settings: GpuSettings): Promise<GpuBackend> {
    const pool = ThreadPool.get();
    const model = await resolveModel(source);
    // The CPU finds out what the network is: how it scales and its receptive field.
    const located = await locateWeights(pool, source, model.key, 'cpu', settings.cacheFolder).finally(() =>
      pool.endUnused(),
    );
    const scheduler = GpuScheduler.get(device);
    const network: GpuNetwork = {
      key: model.key,
      label: model.card.label,
      source,
      geometry: located.geometry,
      budget: settings.gpuMemoryBudget ?? defaultGpuMemoryBudget,
    };
    await scheduler.open(network);
    return new GpuBackend(scheduler, network, model, located, settings, model.card, pool.admission);
  }

  protected override async planPasses(
    source: PixelImage<PixelArray>,
    settings: CallSettings,
    hooks: CallHooks,
    lane: object,
  ): Promise<readonly Call[]> {
    const { width, height, channels, data } = source;
    const { geometry } = this.info;
    const limits = this.scheduler.limits(this.network, { type: pixelTypeOf(data), channels });
    const acceptApproximation =
      settings.acceptApproximation ?? this.settings.acceptApproximation ?? this.card.acceptApproximation ?? false;
    const request = { width, height, tilePixels: settings.tilePixels, acceptApproximation };
    const tiles = planGpuTiles({ ...request, geometry, limits, budget: this.gpu.state.budget });
    const approximation = approximationFor(geometry, request, limits.byMemory);
    if (approximation) hooks.onApproximation?.(approximation);
    const call = new Call({
      weights: this.network.key,
      network: this,
      lane,
      priority: settings.priority,
      threads: this.threads,
      scale: this.info.factor,
      pieceMs: 0,
      input: toCallInput(source),
      tiles: await mergeRepeatedTiles(tiles, source),
      hooks,
    });
    return [call];
  }

  protected override computeTiles(call: Call): Promise<void> {
    return this.scheduler.computeTiles(call, this.network);
  }

  protected override close(): Promise<void> {
    return this.scheduler.close(this.network);
  }
}
