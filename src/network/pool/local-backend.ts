import { throwIfAborted } from '../../abort.js';
import { Call, toCallInput, type CallHooks, type CallRequest } from './call.js';
import type { ProcessorDevice } from '../device.js';
import { locateWeights, type LocatedWeights } from '../weights/locate-weights.js';
import { MainBackend } from './main-backend.js';
import type { CallSettings, RowsRequest } from './network-backend.js';
import { describeWeights } from '../weights/network-weights.js';
import { FlatResults } from '../tiles/flat-results.js';
import { planPicture } from '../tiles/picture-plan.js';
import { approximationOf, defaultMemoryBudget, planPasses, type PlanRequest } from '../tiles/plan.js';
import { PoolTotal } from '../tiles/pool-parts.js';
import { mergeRepeatedTiles, type PlacedTile } from '../tiles/repeated-tiles.js';
import { RowCall } from './row-call.js';
import { resolveModel } from '../weights/resolve-model.js';
import type { ModelSource, WeightsLocation } from './protocol.js';
import { ThreadPool } from './thread-pool.js';
import type { MeasuredGeometry } from '../weights/weights-manifest.js';
import type { ComputingOptions } from '../../model/catalogue/computing.js';
import type { Model } from '../../model/catalogue/model.js';
import type { PixelArray, PixelImage, Progress } from '../../pixels.js';

export interface LocalSettings {
  readonly threads: number;
  /** Bytes of activations for a tile; undefined: what the card says, or what is usual. */
  readonly memoryBudget: number | undefined;
  /** Whether tiles may only come near the whole, where a call does not say; undefined: what the card says. */
  readonly acceptApproximation: boolean | undefined;
  /** Calls that may be unfinished at once; one more is refused. */
  readonly maxQueue: number;
  readonly cacheFolder: string | undefined;
}

/**
 * How much one measured tile changes the notion of a network's speed. A tile is slow when other work keeps the cores busy, and
 * then smaller tiles would only add to the work: slowness is believed slowly, and half the usual speed is the least.
 */
const learningRate = { faster: 0.5, slower: 0.05 };

/** A network on the pool of this process. Lives in the main thread. */
export class LocalBackend extends MainBackend {
  readonly gpu = undefined;
  private readonly weights: string;
  private readonly card: ComputingOptions;
  private pixelsPerMs: number;
  private readonly flatResults: FlatResults;

  private constructor(
    private readonly pool: ThreadPool,
    model: Model,
    { geometry, location }: LocatedWeights,
    readonly device: ProcessorDevice,
    private readonly settings: LocalSettings,
    locate: () => Promise<WeightsLocation>,
  ) {
    super({
      info: describeWeights(model.card, model.key, geometry, location),
      threads: settings.threads,
      maxQueue: settings.maxQueue,
      admission: pool.admission,
    });
    this.pixelsPerMs = geometry.pixelsPerMs;
    this.card = model.card;
    this.flatResults = new FlatResults(this.info.factor);
    // Networks with the same weights share the threads' sessions.
    this.weights = `${device} ${model.key} ${location.kind}`;
    pool.openWeights(this.weights, location, locate);
  }

  /** Loads a network: finds its prepared weights or has a thread prepare them. */
  static async load(source: ModelSource, device: ProcessorDevice, settings: LocalSettings): Promise<LocalBackend> {
    const pool = ThreadPool.get();
    const model = await resolveModel(source);
    const locate = (): Promise<LocatedWeights> => locateWeights(pool, source, model.key, device, settings.cacheFolder);
    const located = await locate().catch(async (error: unknown) => {
      await pool.endUnused();
      throw error;
    });
    return new LocalBackend(pool, model, located, device, settings, async () => (await locate()).location);
  }

  doRows<Given, Found>(
    rows: RowsRequest<Given, Found>,
    priority: number,
    signal: AbortSignal | undefined,
    lane: object = this,
  ): Promise<Found[]> {
    const { threads, pixelsPerMs } = this;
    return this.track(signal, async (abort) => {
      throwIfAborted(abort);
      const call = new RowCall({ ...rows, network: this, lane, priority, threads, pixelsPerMs });
      await this.computeInTurn([call], abort, () => this.pool.compute(call));
      return call.found;
    });
  }

  protected override async planPasses(
    source: PixelImage<PixelArray>,
    settings: CallSettings,
    hooks: CallHooks,
    lane: object,
  ): Promise<readonly Call[]> {
    const { width, height } = source;
    const { geometry } = this.info;
    const others = this.pool.callsFor(this);
    const statedBudget = this.settings.memoryBudget ?? this.card.memoryBudget;
    const request: PlanRequest = {
      width,
      height,
      geometry,
      // Many images at once keep all threads busy without cutting each into pieces for every thread.
      threads: Math.max(1, Math.round(this.threads / (others + 1))),
      memoryBudget: statedBudget ?? defaultMemoryBudget,
      isBudgetStated: statedBudget !== undefined,
      tilePixels: settings.tilePixels,
      acceptApproximation:
        settings.acceptApproximation ?? this.settings.acceptApproximation ?? this.card.acceptApproximation ?? false,
      pixelsPerMs: this.pixelsPerMs,
    };
    const common = {
      weights: this.weights,
      network: this,
      lane,
      priority: settings.priority,
      threads: this.threads,
      scale: this.info.factor,
      input: toCallInput(source),
    };
    const callOf = (
      tiles: readonly PlacedTile[],
      pixelsPerMs: number,
      more: Pick<CallRequest, 'hooks' | 'segments' | 'pass' | 'onParts'>,
    ): Call => {
      const largest = tiles.reduce((most, { work }) => Math.max(most, work), 0);
      return new Call({ ...common, ...more, tiles, pieceMs: largest / pixelsPerMs });
    };
    const learning: CallHooks = {
      onProgress: hooks.onProgress,
      onTile: (record) => {
        this.learn(geometry, record.pixels, record.ended - record.started);
        hooks.onTile?.(record);
      },
    };
    const passes = planPasses(request);
    if (!passes) {
      const approximation = approximationOf(request);
      if (approximation) hooks.onApproximation?.(approximation);
      const segments = geometry.segments && { ...geometry.segments, memoryBudget: request.memoryBudget };
      return [
        await this.planOnce(request, source, (tiles) => callOf(tiles, this.pixelsPerMs, { hooks: learning, segments })),
      ];
    }

    const found: Float32Array[] = [];
    const calls: Call[] = [];
    for (const [index, { plan, stage, pixelsPerMs, before, share }] of passes.entries()) {
      const onProgress = ({ donePixels, totalPixels }: Progress): void => {
        hooks.onProgress?.({ donePixels: Math.round(before * totalPixels + share * donePixels), totalPixels });
      };
      const totals = stage?.pools.map(({ kind }) => new PoolTotal(kind)) ?? [];
      const call = callOf(await mergeRepeatedTiles(plan.tiles, source), pixelsPerMs, {
        // Speed is that of the whole network: stages are faster.
        hooks: { onProgress, onTile: stage ? hooks.onTile : learning.onTile },
        pass: { index, stage, found },
        onParts: ({ places }, parts) => {
          parts.forEach((part, at) => {
            totals[at]!.add(part, places.length);
          });
        },
      });
      call.result.then(
        () => found.push(...totals.map((total) => total.result())),
        () => undefined,
      );
      calls.push(call);
    }
    return calls;
  }

  /** Plans to compute what repeats but once; what is known of areas of one colour is written before anything is computed. */
  private async planOnce(
    request: PlanRequest,
    source: PixelImage<PixelArray>,
    callOf: (tiles: readonly PlacedTile[]) => Call,
  ): Promise<Call> {
    const results = this.flatResults.forPicture(source);
    const { tiles, flat } = await planPicture(request, source, (side, corner) => results.has(side, corner));
    const call = callOf(tiles);
    if (!flat) return call;
    const { side, known, computed } = flat;
    await results.write(side, known, call.output);
    call.found(known.reduce((sum, area) => sum + area.width * area.height, 0));
    call.result.then(
      () => {
        results.learn(side, computed, call.output);
      },
      () => undefined,
    );
    return call;
  }

  protected override computeTiles(call: Call): Promise<void> {
    return this.pool.compute(call);
  }

  protected override close(): Promise<void> {
    return this.pool.closeWeights(this.weights);
  }

  /** Adapts the size of tiles to this machine; bounded, since a machine that sleeps must not make tiles tiny. */
  private learn(geometry: MeasuredGeometry, pixels: number, ms: number): void {
    const seen = pixels / Math.max(0.01, ms);
    const usual = geometry.pixelsPerMs;
    const bounded = Math.min(usual * 4, Math.max(usual / 2, seen));
    const { faster, slower } = learningRate;
    this.pixelsPerMs += (bounded > this.pixelsPerMs ? faster : slower) * (bounded - this.pixelsPerMs);
  }
}
