import type { MessagePort } from 'node:worker_threads';
import { asError, UpresError } from '../../errors.js';
import type { Admission } from './admission.js';
import { onSharedMemory } from '../../shared-pixels.js';
import type { Call, CallHooks } from './call.js';
import type { Device } from '../device.js';
import type { GpuContext } from '../gpu/gpu-context.js';
import type { PoolCall } from './pool-call.js';
import type { CallSettings, NetworkBackend } from './network-backend.js';
import type { WeightsInfo } from '../weights/network-weights.js';
import { SharedPorts } from './shared-ports.js';
import { abortedBy, onAbort, throwIfAborted } from '../../abort.js';
import type { PixelArray, PixelImage } from '../../pixels.js';

export interface MainBackendOptions {
  readonly info: WeightsInfo;
  readonly threads: number;
  /** Calls that may be unfinished at once; one more is refused. */
  readonly maxQueue: number;
  /** Bounds the memory of all calls in flight. */
  readonly admission: Admission;
}

/**
 * What all networks of the main thread have in common, whatever computes: calls enter when there is memory (those of a caller that
 * counts it itself at once), can be aborted,
 * come from this thread or through ports, and are finished before the network ends.
 */
export abstract class MainBackend implements NetworkBackend {
  abstract readonly device: Device;
  abstract readonly gpu: GpuContext | undefined;
  readonly info: WeightsInfo;
  readonly threads: number;
  private readonly unfinished = new Set<Promise<unknown>>();
  /** Calls whose memory may still be used by what computes; an aborted call is finished before it is settled. */
  private readonly unsettled = new Set<PoolCall>();
  /** One for each unfinished call. */
  private readonly aborts = new Set<AbortController>();
  private readonly ports = new SharedPorts(this);
  private disposing: Promise<void> | undefined;

  protected constructor(private readonly options: MainBackendOptions) {
    this.info = options.info;
    this.threads = options.threads;
  }

  computeImage(
    source: PixelImage<PixelArray>,
    settings: CallSettings,
    hooks: CallHooks,
    signal: AbortSignal | undefined,
    lane: object = this,
  ): Promise<SharedArrayBuffer> {
    if (this.disposing) return Promise.reject(this.disposedError());
    if (this.unfinished.size >= this.options.maxQueue) {
      const message = `${this.unfinished.size} calls are waiting for the network ${this.info.label}: maxQueue allows no more`;
      return Promise.reject(new UpresError('QUEUE_FULL', message));
    }
    return this.track(signal, (abort) => this.compute(source, settings, hooks, abort, lane));
  }

  share(): MessagePort {
    if (this.disposing) throw this.disposedError();
    return this.ports.create();
  }

  dispose(cancel: boolean): Promise<void> {
    if (cancel) for (const abort of this.aborts) abort.abort(new UpresError('ABORTED', this.disposedError().message));
    this.disposing ??= this.end();
    return this.disposing;
  }

  /** Cuts an image, which lies on shared memory, into tiles: for each pass over it, one after another; the last one makes the result. */
  protected abstract planPasses(
    source: PixelImage<PixelArray>,
    settings: CallSettings,
    hooks: CallHooks,
    lane: object,
  ): Promise<readonly Call[]>;
  /** Computes a call's tiles. */
  protected abstract computeTiles(call: Call): Promise<void>;
  /** Gives back what the network holds; called once, when no call is left. */
  protected abstract close(): Promise<void>;

  /** Remembers something until it ends, and gives it up when the caller or `dispose` says so. */
  protected track<T>(signal: AbortSignal | undefined, work: (abort: AbortSignal) => Promise<T>): Promise<T> {
    if (this.disposing) return Promise.reject(this.disposedError());
    const abort = new AbortController();
    const unfollow =
      signal &&
      onAbort(signal, () => {
        abort.abort(signal.reason);
      });
    const result = work(abort.signal);
    this.aborts.add(abort);
    this.unfinished.add(result);
    const forget = (): void => {
      unfollow?.();
      this.aborts.delete(abort);
      this.unfinished.delete(result);
    };
    result.then(forget, forget);
    return result;
  }

  /** Computes calls one after another, or gives them all up. */
  protected async computeInTurn<C extends PoolCall>(
    calls: readonly C[],
    abort: AbortSignal,
    compute: (call: C) => Promise<void>,
  ): Promise<void> {
    for (const call of calls) this.unsettled.add(call);
    const cancel = (error: Error): void => {
      for (const call of calls) call.cancel(error);
    };
    const forget = onAbort(abort, () => {
      cancel(abortedBy(abort));
    });
    try {
      for (const call of calls) await compute(call);
    } catch (error) {
      // Those that failed before their first piece was begun would never settle.
      cancel(asError(error));
      throw error;
    } finally {
      forget();
      for (const call of calls) void call.settled.then(() => this.unsettled.delete(call));
    }
  }

  private async end(): Promise<void> {
    await Promise.allSettled([...this.unfinished]);
    await Promise.all([...this.unsettled].map(({ settled }) => settled));
    this.ports.close();
    await this.close();
  }

  private disposedError(): UpresError {
    return new UpresError('DISPOSED', `the network ${this.info.label} was disposed`);
  }

  private admit(
    { data }: PixelImage<PixelArray>,
    { priority }: CallSettings,
    abort: AbortSignal,
    lane: object,
  ): Promise<() => void> {
    return this.options.admission.admit(data.byteLength * (1 + this.info.factor ** 2), priority, abort, lane);
  }

  private async compute(
    source: PixelImage<PixelArray>,
    settings: CallSettings,
    hooks: CallHooks,
    abort: AbortSignal,
    lane: object,
  ): Promise<SharedArrayBuffer> {
    throwIfAborted(abort);
    const release = settings.admitted ? () => undefined : await this.admit(source, settings, abort, lane);
    let calls: readonly Call[] = [];
    try {
      // Between being admitted and being told so there is time to change one's mind.
      throwIfAborted(abort);
      const shared = await onSharedMemory(source);
      calls = await this.planPasses(shared, settings, hooks, lane);
      await this.computeInTurn(calls, abort, (call) => this.computeTiles(call));
      return calls.at(-1)!.output;
    } finally {
      // A cancelled call's last tiles still use its memory.
      void Promise.all(calls.map(({ settled }) => settled)).then(() => {
        release();
      });
    }
  }
}
