import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import type { RowWork } from '../../row-work.js';
import { ComputeBuffer, graphFileName } from '../tiles/compute-buffer.js';
import { toErrorMessage } from './error-message.js';
import type { Order, PieceOrder, PrepareOrder, Reply, RowsOrder, TileOrder, WeightsLocation } from './protocol.js';
import { ThreadState } from './thread-state.js';
import { manifestName } from '../weights/weights-manifest.js';

/** What the pool gives a thread to start with. */
export interface ThreadData {
  readonly state: SharedArrayBuffer;
  /** Sessions that were not used for this many milliseconds are released. */
  readonly releaseAfter: number;
}

/**
 * A thread of the pool: takes one order after another and computes it. Everything that enters the runtime goes through
 * `state.guard`, so that the process never ends in the middle of it.
 */
class PoolThread {
  private readonly state: ThreadState;
  private readonly locations = new Map<string, WeightsLocation>();
  /** By weights, then by the kind of pixels. */
  private readonly buffers = new Map<string, Map<string, ComputeBuffer>>();
  /** Orders are computed one by one, in the order of their arrival. */
  private last: Promise<void> = Promise.resolve();
  private readonly janitor: NodeJS.Timeout;

  constructor(
    private readonly port: NonNullable<typeof parentPort>,
    data: ThreadData,
  ) {
    this.state = new ThreadState(data.state);
    port.on('message', (order: Order) => {
      this.last = this.last.then(() => this.follow(order));
    });
    this.janitor = setInterval(() => {
      this.last = this.last.then(() => this.releaseUnused(data.releaseAfter));
    }, data.releaseAfter / 2);
    this.janitor.unref();
  }

  private async follow(order: Order): Promise<void> {
    switch (order.kind) {
      case 'open':
        this.locations.set(order.weights, order.location);
        return;
      case 'close':
        await this.close(order.weights);
        return;
      case 'end':
        await this.end();
        return;
      case 'tile':
      case 'rows':
      case 'prepare': {
        const reply = await this.answer(order);
        // An order that is not followed because the thread is being stopped stays unanswered: it is done again elsewhere.
        if (reply) this.port.postMessage(reply);
        return;
      }
    }
  }

  private async answer(order: PieceOrder | PrepareOrder): Promise<Reply | undefined> {
    try {
      if (order.kind === 'prepare') {
        // One thread prepares, once: the others are spared the model floor's code, which is 8 MB of memory in each.
        const { prepareWeights } = await import('../weights/prepare.js');
        const prepared = await this.state.guard(() => prepareWeights(order));
        return prepared && { kind: 'prepared', order: order.order, prepared };
      }
      if (Atomics.load(order.cancelled, 0) === 1) return { kind: 'skipped', order: order.order };
      return await this.state.guard(() => (order.kind === 'tile' ? this.computeTile(order) : doRows(order)));
    } catch (error) {
      if (order.kind === 'tile' && this.isSwept(order.weights)) return { kind: 'swept', order: order.order };
      return { kind: 'failed', order: order.order, error: toErrorMessage(error, 'INFERENCE_FAILED') };
    }
  }

  /** @returns undefined where the thread is being stopped */
  private async computeTile(order: TileOrder): Promise<Reply | undefined> {
    const buffer = await this.bufferFor(order);
    const started = processClock();
    const isCancelled = (): boolean => Atomics.load(order.cancelled, 0) === 1;
    const outcome = await buffer.computeTile(order, {
      isUnwanted: () => isCancelled() || this.state.stopping,
      onAdvance: (share) => {
        this.port.postMessage({ kind: 'advanced', order: order.order, share } satisfies Reply);
      },
    });
    if (outcome === 'unwanted') return isCancelled() ? { kind: 'skipped', order: order.order } : undefined;
    return { kind: 'done', order: order.order, started, ended: processClock(), ...(outcome && { parts: outcome }) };
  }

  private async bufferFor({ weights, type, channels, pass }: TileOrder): Promise<ComputeBuffer> {
    const kind = graphFileName(type, channels, pass?.index);
    const ofWeights = this.buffers.get(weights) ?? new Map<string, ComputeBuffer>();
    this.buffers.set(weights, ofWeights);
    let buffer = ofWeights.get(kind);
    if (!buffer) {
      const location = this.locations.get(weights);
      if (!location) throw new Error(`the thread was not told of the weights ${weights}`);
      buffer = await ComputeBuffer.open(location, type, channels, pass?.index);
      ofWeights.set(kind, buffer);
    }
    return buffer;
  }

  /** Whether the folder of its weights is gone. */
  private isSwept(weights: string): boolean {
    const location = this.locations.get(weights);
    return location?.kind === 'mapped' && !existsSync(join(location.folder, manifestName));
  }

  private async close(weights: string): Promise<void> {
    this.locations.delete(weights);
    const ofWeights = this.buffers.get(weights);
    this.buffers.delete(weights);
    for (const buffer of ofWeights?.values() ?? []) await this.state.guard(() => buffer.release());
  }

  private async releaseUnused(releaseAfter: number): Promise<void> {
    const before = performance.now() - releaseAfter;
    for (const ofWeights of this.buffers.values()) {
      for (const [kind, buffer] of ofWeights) {
        if (buffer.lastUsed > before) continue;
        ofWeights.delete(kind);
        await this.state.guard(() => buffer.release());
      }
    }
  }

  private async end(): Promise<void> {
    clearInterval(this.janitor);
    for (const weights of [...this.buffers.keys()]) await this.close(weights);
    this.port.close();
  }
}

async function doRows({ order, module, name, given, from, to, index, begun }: RowsOrder): Promise<Reply> {
  const exports = (await import(module)) as Record<string, RowWork<unknown, unknown>>;
  const started = processClock();
  const doBand = exports[name]!.begin(given);
  Atomics.store(begun, index, 1);
  const found = doBand(from, to);
  return { kind: 'done', order, started, ended: processClock(), found };
}

/** Milliseconds on a clock that is the same in all threads of the process. */
function processClock(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

if (!parentPort) throw new Error('this file is the body of a worker thread');
new PoolThread(parentPort, workerData as ThreadData);
