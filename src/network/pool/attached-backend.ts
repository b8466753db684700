import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { asError, UpresError } from '../../errors.js';
import { abortedBy, onAbort, throwIfAborted } from '../../abort.js';
import { toCallInput, type CallHooks } from './call.js';
import type { Device } from '../device.js';
import { fromErrorMessage } from './error-message.js';
import type { GpuContext } from '../gpu/gpu-context.js';
import type { CallSettings, NetworkBackend } from './network-backend.js';
import type { WeightsInfo } from '../weights/network-weights.js';
import type { PortReply, PortRequest } from './port-server.js';
import type { PixelArray, PixelImage } from '../../pixels.js';

interface Pending {
  readonly hooks: CallHooks;
  readonly resolve: (output: SharedArrayBuffer) => void;
  readonly reject: (error: Error) => void;
}

/** A network of the main thread's, used from another thread. It has no runtime and no weights: it can be ended at any time. */
export class AttachedBackend implements NetworkBackend {
  private readonly pending = new Map<number, Pending>();
  private nextCall = 1;
  private closed: string | undefined;
  private disposing = false;

  constructor(
    private readonly port: MessagePort,
    readonly info: WeightsInfo,
    readonly threads: number,
    readonly device: Device,
    readonly gpu: GpuContext | undefined,
  ) {
    port.on('message', (reply: PortReply) => {
      this.receive(reply);
    });
    port.on('close', () => {
      this.closed ??= 'the network was disposed in the main thread';
      for (const { reject } of this.pending.values()) reject(new UpresError('DISPOSED', this.closed));
      this.pending.clear();
    });
    port.unref();
  }

  async computeImage(
    source: PixelImage<PixelArray>,
    settings: CallSettings,
    hooks: CallHooks,
    signal: AbortSignal | undefined,
  ): Promise<SharedArrayBuffer> {
    if (this.disposing) throw new UpresError('DISPOSED', `the network ${this.info.label} was disposed`);
    if (this.closed !== undefined) throw new UpresError('DISPOSED', this.closed);
    throwIfAborted(signal);
    const call = this.nextCall++;
    const forget =
      signal &&
      onAbort(signal, () => {
        this.post({ kind: 'abort', call });
        this.pending.get(call)?.reject(abortedBy(signal));
      });
    try {
      return await new Promise<SharedArrayBuffer>((resolve, reject) => {
        this.pending.set(call, { hooks, resolve, reject });
        this.port.ref();
        const wants = { progress: hooks.onProgress !== undefined, tiles: hooks.onTile !== undefined };
        this.post({ kind: 'run', call, input: toCallInput(source), settings, wants });
      });
    } finally {
      forget?.();
      this.pending.delete(call);
      if (this.pending.size === 0) this.port.unref();
    }
  }

  share(): MessagePort {
    if (this.disposing || this.closed !== undefined) {
      throw new UpresError('DISPOSED', this.closed ?? `the network ${this.info.label} was disposed`);
    }
    const { port1, port2 } = new MessageChannel();
    this.port.postMessage({ kind: 'share', port: port1 } satisfies PortRequest, [port1]);
    return port2;
  }

  /** Releases the network; it lives on in the main thread. */
  async dispose(cancel: boolean): Promise<void> {
    this.disposing = true;
    const unfinished = [...this.pending];
    if (cancel) for (const [call] of unfinished) this.post({ kind: 'abort', call });
    while (this.pending.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    this.closed = `the network ${this.info.label} was disposed`;
    this.port.close();
  }

  private receive(reply: PortReply): void {
    const pending = this.pending.get(reply.call);
    switch (reply.kind) {
      case 'result':
        pending?.resolve(reply.output);
        return;
      case 'error':
        pending?.reject(fromErrorMessage(reply.error));
        return;
      case 'approximation':
        this.tell(reply.call, (hooks) => hooks.onApproximation?.(reply.approximation));
        return;
      case 'progress':
        this.tell(reply.call, (hooks) => hooks.onProgress?.(reply.progress));
        return;
      case 'tile':
        this.tell(reply.call, (hooks) => hooks.onTile?.(reply.record));
        return;
    }
  }

  /** Tells the caller; what the caller's own functions throw is the call's failure. */
  private tell(call: number, news: (hooks: CallHooks) => void): void {
    const pending = this.pending.get(call);
    if (!pending) return;
    try {
      news(pending.hooks);
    } catch (error) {
      this.post({ kind: 'abort', call });
      pending.reject(asError(error));
    }
  }

  private post(request: PortRequest): void {
    this.port.postMessage(request);
  }
}
