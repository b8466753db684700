import { parentPort, workerData } from 'node:worker_threads';
import { UpresError } from '../../errors.js';
import type { BuiltModel } from '../../model/catalogue/model-parts.js';
import type { GpuDevice } from '../device.js';
import { toErrorMessage } from '../pool/error-message.js';
import type { PixelType } from '../../pixels.js';
import { resolveModel } from '../weights/resolve-model.js';
import { loadRuntime } from '../pool/runtime.js';
import { describeAdapter, type Adapter } from './adapter.js';
import type { BatchOrder, GpuOrder, GpuReply, OpenOrder } from './gpu-protocol.js';
import { GpuSession } from './gpu-session.js';

export interface GpuWorkerData {
  readonly device: GpuDevice;
}

interface OpenNetwork {
  readonly built: BuiltModel;
  /** By type and channels of the pixels. */
  readonly sessions: Map<string, GpuSession>;
}

/**
 * The thread of the device's process that computes, one order after another: two sessions that run at once crash the
 * runtime. Its process's main thread takes the next order in meanwhile.
 */
class GpuWorker {
  private readonly networks = new Map<string, OpenNetwork>();
  private last: Promise<void> = Promise.resolve();
  private adapter: Promise<Adapter> | undefined;

  constructor(
    private readonly port: NonNullable<typeof parentPort>,
    private readonly device: GpuDevice,
  ) {
    port.on('message', (order: GpuOrder) => {
      this.last = this.last.then(() => this.follow(order));
    });
  }

  private async follow(order: GpuOrder): Promise<void> {
    switch (order.kind) {
      case 'open':
        await this.answer(order, 'DEVICE_UNAVAILABLE', () => this.open(order));
        return;
      case 'batch':
        await this.answer(order, 'DEVICE_LOST', () => this.compute(order));
        return;
      case 'close':
        await this.close(order.network);
        return;
      case 'end':
        for (const network of [...this.networks.keys()]) await this.close(network);
        this.port.close();
        return;
    }
  }

  private async answer(
    { order }: OpenOrder | BatchOrder,
    otherwise: 'DEVICE_UNAVAILABLE' | 'DEVICE_LOST',
    work: () => Promise<GpuReply>,
  ): Promise<void> {
    try {
      const reply = await work();
      this.port.postMessage(reply, reply.kind === 'computed' ? [reply.pixels.buffer as ArrayBuffer] : []);
    } catch (error) {
      this.port.postMessage({ kind: 'failed', order, error: toErrorMessage(error, otherwise) } satisfies GpuReply);
    }
  }

  private async open({ order, network, source, colours }: OpenOrder): Promise<GpuReply> {
    const model = await resolveModel(source);
    if (model.key !== network) {
      throw new UpresError('MODEL_INVALID', 'the model file changed while it was in use: load the network again');
    }
    this.networks.set(network, { built: await model.build(colours), sessions: new Map() });
    const { pixelsPerMs } = await this.session(network, 'uint8', 3);
    this.adapter ??= describeAdapter();
    return { kind: 'opened', order, pixelsPerMs, adapter: (await this.adapter).name };
  }

  private async compute(batch: BatchOrder): Promise<GpuReply> {
    const session = await this.session(batch.network, batch.type, batch.channels);
    const started = performance.now();
    const pixels = await session.compute(batch);
    return { kind: 'computed', order: batch.order, pixels, ms: performance.now() - started };
  }

  private async session(network: string, type: PixelType, channels: 1 | 3): Promise<GpuSession> {
    const open = this.networks.get(network);
    if (!open) throw new Error('the network is not open');
    const kind = `${type}-${channels}`;
    let session = open.sessions.get(kind);
    if (!session) {
      const { reference, geometry } = open.built;
      const runtime = await loadRuntime();
      session = await GpuSession.open(runtime, this.device, reference, geometry, type, channels);
      open.sessions.set(kind, session);
    }
    return session;
  }

  private async close(network: string): Promise<void> {
    const open = this.networks.get(network);
    this.networks.delete(network);
    for (const session of open?.sessions.values() ?? []) await session.release();
  }
}

if (!parentPort) throw new Error('this file is the body of a worker thread');
new GpuWorker(parentPort, (workerData as GpuWorkerData).device);
