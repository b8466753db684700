import type { MessagePort } from 'node:worker_threads';
import { UpresError } from '../../errors.js';
import type { CallHooks } from '../pool/call.js';
import { DeviceFailover } from '../device-failover.js';
import type { Device } from '../device.js';
import type { CallSettings, NetworkBackend } from '../pool/network-backend.js';
import type { WeightsInfo } from '../weights/network-weights.js';
import { SharedPorts } from '../pool/shared-ports.js';
import type { GpuContext } from './gpu-context.js';
import type { PixelArray, PixelImage, Progress } from '../../pixels.js';

/** A network that was to choose its device itself: on a graphics processor, and on the CPU when that is lost. */
export class FailoverBackend implements NetworkBackend {
  readonly info: WeightsInfo;
  private readonly ports = new SharedPorts(this);
  private readonly unfinished = new Set<Promise<unknown>>();
  private onCpu: Promise<NetworkBackend> | undefined;
  private readonly failover = new DeviceFailover();
  private disposing: Promise<void> | undefined;

  /**
   * @param device the network on the graphics processor
   * @param loadOnCpu loads the same network on the CPU; called when it is first needed
   */
  constructor(
    private readonly onDevice: NetworkBackend,
    private readonly loadOnCpu: () => Promise<NetworkBackend>,
    private readonly cpuThreads: number,
  ) {
    this.info = onDevice.info;
  }

  get device(): Device {
    return this.failover.givenUp ? 'cpu' : this.onDevice.device;
  }

  get gpu(): GpuContext | undefined {
    return this.failover.givenUp ? undefined : this.onDevice.gpu;
  }

  get threads(): number {
    return this.failover.givenUp ? this.cpuThreads : this.onDevice.threads;
  }

  computeImage(
    source: PixelImage<PixelArray>,
    settings: CallSettings,
    hooks: CallHooks,
    signal: AbortSignal | undefined,
    lane?: object,
  ): Promise<SharedArrayBuffer> {
    const result = this.compute(source, settings, hooks, signal, lane);
    this.unfinished.add(result);
    const forget = (): void => void this.unfinished.delete(result);
    result.then(forget, forget);
    return result;
  }

  share(): MessagePort {
    if (this.disposing) throw this.disposedError();
    return this.ports.create();
  }

  dispose(cancel: boolean): Promise<void> {
    if (cancel) {
      void this.onDevice.dispose(true);
      void this.onCpu?.then((cpu) => cpu.dispose(true)).catch(() => undefined);
    }
    this.disposing ??= this.end(cancel);
    return this.disposing;
  }

  private async compute(
    source: PixelImage<PixelArray>,
    settings: CallSettings,
    hooks: CallHooks,
    signal: AbortSignal | undefined,
    lane: object | undefined,
  ): Promise<SharedArrayBuffer> {
    if (this.disposing) throw this.disposedError();
    const listening = this.failover.givenUp ? hooks : neverBack(hooks);
    return this.failover.run(
      () => this.onDevice.computeImage(source, settings, listening, signal, lane),
      async () => (await this.cpu()).computeImage(source, settings, listening, signal, lane),
      ({ message }, news) => {
        if (news) warnOfFallback(`${message}. Its pictures restart on the CPU`);
      },
    );
  }

  private cpu(): Promise<NetworkBackend> {
    this.onCpu ??= this.loadOnCpu().catch((error: unknown) => {
      // The next call may have more luck.
      this.onCpu = undefined;
      throw error;
    });
    return this.onCpu;
  }

  private async end(cancel: boolean): Promise<void> {
    await Promise.allSettled([...this.unfinished]);
    this.ports.close();
    await this.onDevice.dispose(cancel);
    const cpu = await this.onCpu?.catch(() => undefined);
    await cpu?.dispose(cancel);
  }

  private disposedError(): UpresError {
    return new UpresError('DISPOSED', `the network ${this.info.label} was disposed`);
  }
}

/** A call that restarts on the CPU reports nothing until it is further than it was. */
function neverBack(hooks: CallHooks): CallHooks {
  const { onProgress } = hooks;
  if (!onProgress) return hooks;
  let most = 0;
  return {
    ...hooks,
    onProgress: (progress: Progress) => {
      if (progress.donePixels <= most) return;
      most = progress.donePixels;
      onProgress(progress);
    },
  };
}

let warned = false;

/** Says, once in a process, that the CPU computes where a graphics processor was to. */
export function warnOfFallback(reason: string): void {
  if (warned) return;
  warned = true;
  process.emitWarning(`computing on the CPU: ${reason}`, { type: 'UpresWarning', code: 'UPRES_DEVICE_FALLBACK' });
}
