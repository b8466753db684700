import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { UpresError } from '../errors.js';
import type { MeasuredGeometry } from './weights-manifest.js';
import { Call, toCallInput, type CallHooks, type CallSource } from './call.js';
import type { CallSettings, NetworkBackend } from './network-backend.js';
import { NetworkWeights, type WeightsInfo } from './network-weights.js';
import { planImage } from './plan.js';
import { serve } from './port-server.js';
import { resolveModel } from './prepare.js';
import type { ModelSource, WeightsLocation } from './protocol.js';
import { mergeRepeatedTiles } from './repeated-tiles.js';
import { ThreadPool } from './thread-pool.js';
import { WeightsStore } from './weights-store.js';

export interface LocalSettings {
  readonly threads: number;
  /** Bytes of activations for a tile. */
  readonly memoryBudget: number;
  /** Calls that may be unfinished at once; one more is refused. */
  readonly maxQueue: number;
  readonly cacheFolder: string | undefined;
}

/**
 * How much one measured tile changes the notion of a network's speed. A tile is slow when other work keeps the cores busy, and
 * then smaller tiles would only add to the work: slowness is believed slowly, and half the usual speed is the least.
 */
const learningRate = { faster: 0.5, slower: 0.05 };

let warnedOfCopies = false;

/** A network on the pool of this process. Lives in the main thread. */
export class LocalBackend implements NetworkBackend {
  private readonly unfinished = new Set<Promise<unknown>>();
  /** Calls whose memory threads may still use; an aborted call is finished before it is settled. */
  private readonly unsettled = new Set<Call>();
  private readonly cancelAll = new AbortController();
  private readonly ports = new Set<MessagePort>();
  private disposing: Promise<void> | undefined;
  private pixelsPerMs: number;

  private constructor(
    private readonly pool: ThreadPool,
    private readonly weights: string,
    readonly info: WeightsInfo,
    private readonly settings: LocalSettings,
  ) {
    this.pixelsPerMs = info.geometry.pixelsPerMs;
  }

  /** Loads a network: finds its prepared weights or has a thread prepare them. */
  static async load(source: ModelSource, settings: LocalSettings): Promise<LocalBackend> {
    const pool = ThreadPool.get();
    const model = await resolveModel(source);
    const { geometry, location } = await locateWeights(pool, source, model.key, settings.cacheFolder).catch(
      async (error: unknown) => {
        await pool.endUnused();
        throw error;
      },
    );
    // Networks with the same weights share the threads' sessions.
    const weights = `${model.key} ${location.kind}`;
    pool.openWeights(weights, location);
    return new LocalBackend(
      pool,
      weights,
      NetworkWeights.describe(model.card, model.key, geometry, location),
      settings,
    );
  }

  get threads(): number {
    return this.settings.threads;
  }

  run(
    source: CallSource,
    settings: CallSettings,
    hooks: CallHooks,
    signal: AbortSignal | undefined,
    lane: object = this,
  ): Promise<SharedArrayBuffer> {
    if (this.disposing) return Promise.reject(this.disposedError());
    if (this.unfinished.size >= this.settings.maxQueue) {
      const message = `${this.unfinished.size} calls are waiting for the network ${this.info.label}: maxQueue allows no more`;
      return Promise.reject(new UpresError('QUEUE_FULL', message));
    }
    const signals = signal ? [signal, this.cancelAll.signal] : [this.cancelAll.signal];
    const result = this.compute(source, settings, hooks, signals, lane);
    this.unfinished.add(result);
    const forget = (): void => void this.unfinished.delete(result);
    result.then(forget, forget);
    return result;
  }

  share(): MessagePort {
    if (this.disposing) throw this.disposedError();
    const { port1, port2 } = new MessageChannel();
    this.serve(port1);
    return port2;
  }

  /** Answers the calls that come through a port, for as long as its other end lives. */
  serve(port: MessagePort): void {
    this.ports.add(port);
    serve(this, port, () => this.ports.delete(port));
  }

  dispose(cancel: boolean): Promise<void> {
    if (cancel) this.cancelAll.abort(this.disposedError());
    this.disposing ??= this.end();
    return this.disposing;
  }

  private async end(): Promise<void> {
    await Promise.allSettled([...this.unfinished]);
    await Promise.all([...this.unsettled].map(({ settled }) => settled));
    for (const port of this.ports) port.close();
    await this.pool.closeWeights(this.weights);
  }

  private disposedError(): UpresError {
    return new UpresError('DISPOSED', `the network ${this.info.label} was disposed`);
  }

  private async compute(
    source: CallSource,
    settings: CallSettings,
    hooks: CallHooks,
    signals: readonly AbortSignal[],
    lane: object,
  ): Promise<SharedArrayBuffer> {
    const aborted = firstAborted(signals);
    if (aborted) throw abortedError(aborted.reason);
    const abort = AbortSignal.any([...signals]);
    const { info, pool } = this;
    const bytes = source.data.byteLength * (1 + info.factor ** 2);
    const leave = await pool.admission.enter(bytes, settings.priority, abort).catch((reason: unknown) => {
      throw abortedError(reason);
    });
    let call: Call | undefined;
    try {
      // Between being admitted and being told so there is time to change one's mind.
      if (abort.aborted) throw abortedError(abort.reason);
      call = this.plan(source, settings, hooks, lane);
      const running = call;
      this.unsettled.add(running);
      const cancel = (): void => {
        running.cancel(abort.reason);
      };
      abort.addEventListener('abort', cancel, { once: true });
      try {
        await pool.run(call);
      } finally {
        abort.removeEventListener('abort', cancel);
      }
      return call.output;
    } finally {
      // A cancelled call's last tiles still use its memory.
      if (call) {
        const running = call;
        void running.settled.then(() => {
          this.unsettled.delete(running);
          leave();
        });
      } else {
        leave();
      }
    }
  }

  private plan(source: CallSource, settings: CallSettings, hooks: CallHooks, lane: object): Call {
    const { width, height } = source;
    const { geometry } = this.info;
    const others = this.pool.callsFor(this);
    const plan = planImage({
      width,
      height,
      geometry,
      // Many images at once keep all threads busy without cutting each into pieces for every thread.
      threads: Math.max(1, Math.round(this.threads / (others + 1))),
      memoryBudget: this.settings.memoryBudget,
      tilePixels: settings.tilePixels,
      acceptApproximation: settings.acceptApproximation,
      pixelsPerMs: this.pixelsPerMs,
    });
    const tiles = mergeRepeatedTiles(plan.tiles, source);
    const learning: CallHooks = {
      onProgress: hooks.onProgress,
      onTile: (record) => {
        this.learn(geometry, record.pixels, record.ended - record.started);
        hooks.onTile?.(record);
      },
    };
    return new Call({
      weights: this.weights,
      network: this,
      lane,
      priority: settings.priority,
      threads: this.threads,
      scale: this.info.factor,
      input: toCallInput(source),
      tiles,
      hooks: learning,
    });
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

function firstAborted(signals: readonly AbortSignal[]): AbortSignal | undefined {
  return signals.find(({ aborted }) => aborted);
}

function abortedError(reason: unknown): UpresError {
  return new UpresError('ABORTED', 'upscaling was aborted', { cause: reason });
}

/**
 * Finds a network's prepared weights, or has them prepared. Where that fails for the folder's sake (not writable, full,
 * swept away meanwhile), threads get copies; where it fails for the network's own, so does the second try.
 */
async function locateWeights(
  pool: ThreadPool,
  source: ModelSource,
  key: string,
  cacheFolder: string | undefined,
): Promise<{ geometry: MeasuredGeometry; location: WeightsLocation }> {
  const store = new WeightsStore(cacheFolder);
  const found = await store.find(key);
  if (found) return mapped(found);

  let trouble: unknown;
  try {
    const draft = await store.createDraft();
    try {
      await pool.prepare({ kind: 'prepare', source, key, folder: draft });
      await store.publish(draft, key);
    } catch (error) {
      await store.discard(draft);
      throw error;
    }
    const published = await store.find(key);
    if (published) return mapped(published);
    trouble = new Error('what was written there is gone or damaged');
  } catch (error) {
    trouble = error;
  }
  const { geometry, core } = await pool.prepare({ kind: 'prepare', source, key, folder: undefined });
  warnOfCopies(trouble);
  return { geometry, location: { kind: 'copied', core: core! } };
}

function mapped(found: NonNullable<Awaited<ReturnType<WeightsStore['find']>>>): {
  geometry: MeasuredGeometry;
  location: WeightsLocation;
} {
  return { geometry: found.manifest.geometry, location: { kind: 'mapped', folder: found.folder } };
}

function warnOfCopies(error: unknown): void {
  if (warnedOfCopies) return;
  warnedOfCopies = true;
  const reason = error instanceof Error ? error.message : String(error);
  process.emitWarning(
    `each thread loads its own copy of the weights, because the cache folder can't be used: ${reason}`,
    {
      type: 'UpresWarning',
      code: 'UPRES_WEIGHTS_COPIED',
    },
  );
}
