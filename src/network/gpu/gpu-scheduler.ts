import { hasCode, messageOf, UpresError } from '../../errors.js';
import { version } from '../../version.js';
import type { Call } from '../pool/call.js';
import type { GpuDevice } from '../device.js';
import { FairQueue } from '../pool/fair-queue.js';
import type { ModelSource } from '../pool/protocol.js';
import type { MeasuredGeometry } from '../weights/weights-manifest.js';
import { GpuBatch } from './gpu-batch.js';
import { GpuClient } from './gpu-client.js';
import type { GpuContext } from './gpu-context.js';
import { GpuMemory, weightBytes } from './gpu-memory.js';
import type { BatchLimits } from './gpu-plan.js';
import type { Opened } from './gpu-protocol.js';
import { firstLine } from './runtime-message.js';
import type { PixelKind } from '../../pixels.js';

/** Batches that are with the device's process: one that it computes and one that it finds when it is done. */
const ahead = 2;

/** A network as the device's process knows it. */
export interface GpuNetwork {
  /** Identity of the model. */
  readonly key: string;
  readonly label: string;
  readonly source: ModelSource;
  readonly geometry: MeasuredGeometry;
  /** Bytes that may be held on the device's behalf. */
  readonly budget: number;
}

interface OpenNetwork {
  readonly network: GpuNetwork;
  users: number;
  pixelsPerMs: number;
  readonly budgets: number[];
  /** Settles when it has proved itself, or not. */
  readonly ready: Promise<void>;
}

/**
 * A graphics processor as all networks of this process share it: whose tiles are next, how many at once, and the process that
 * computes them. One run at a time, whatever the number of networks: two at once crash the runtime.
 */
export class GpuScheduler {
  private readonly memory: GpuMemory;
  private readonly networks = new Map<string, OpenNetwork>();
  private readonly queue = new FairQueue<Call>();
  private readonly calls = new Map<Call, OpenNetwork>();
  /** Calls of each lane. */
  private readonly lanes = new Map<object, number>();
  private client: GpuClient | undefined;
  /** Networks that the present process knows, and what it answers. */
  private readonly told = new Map<string, Promise<Opened>>();
  private inFlight = 0;
  private opening = 0;

  private constructor(readonly device: GpuDevice) {
    this.memory = new GpuMemory(device);
  }

  /** The scheduler of a device in this process, shared by all copies of this version that are installed. */
  static get(device: GpuDevice): GpuScheduler {
    const registry = globalThis as Record<symbol, Map<GpuDevice, GpuScheduler> | undefined>;
    const schedulers = (registry[Symbol.for(`upres.gpu@${version}`)] ??= new Map<GpuDevice, GpuScheduler>());
    let scheduler = schedulers.get(device);
    if (!scheduler) {
      scheduler = new GpuScheduler(device);
      schedulers.set(device, scheduler);
    }
    return scheduler;
  }

  get context(): GpuContext {
    return this.memory.context;
  }

  /** Number of the device's process; undefined while there is none. */
  get pid(): number | undefined {
    return this.client?.pid;
  }

  /**
   * Makes a network ready and proves it on the device; each user closes it once.
   * @throws DEVICE_UNAVAILABLE when the device can't compute it, or there is none; BAD_ARGUMENT when its weights exceed the budget
   */
  async open(network: GpuNetwork): Promise<void> {
    const weights = weightBytes(network.geometry);
    if (weights > network.budget / 2) {
      throw new UpresError(
        'BAD_ARGUMENT',
        `gpuMemoryBudget must be at least twice the weights of ${network.label} (${Math.ceil(weights / 2 ** 20)} MiB), not ${network.budget} bytes`,
      );
    }
    const open = this.networks.get(network.key) ?? this.begin(network);
    open.users++;
    open.budgets.push(network.budget);
    this.setBudget();
    try {
      await open.ready;
    } catch (error) {
      await this.close(network);
      throw unavailable(this.device, network.label, error);
    }
  }

  /** Gives a network back; after the last one the device's process ends. */
  async close({ key, budget }: GpuNetwork): Promise<void> {
    const open = this.networks.get(key);
    if (!open) return;
    open.budgets.splice(open.budgets.indexOf(budget), 1);
    if (--open.users === 0) {
      this.networks.delete(key);
      this.untell(open.network);
    }
    this.setBudget();
    if (this.networks.size > 0) return;
    const { client } = this;
    this.forgetProcess();
    this.memory.releaseStaging();
    await client?.end();
  }

  /** What a batch of a network may be now. */
  limits(network: GpuNetwork, kind: PixelKind): BatchLimits {
    return this.memory.limits(network, kind, this.networks.get(network.key)?.pixelsPerMs ?? 1);
  }

  /** Computes a call's tiles, which are all of one shape; the call's own promises tell how it went. */
  async computeTiles(call: Call, { key }: GpuNetwork): Promise<void> {
    const open = this.networks.get(key);
    if (!open) throw new Error(`the network ${key} is not open`);
    this.calls.set(call, open);
    this.lanes.set(call.lane, (this.lanes.get(call.lane) ?? 0) + 1);
    this.queue.add(call);
    void call.settled.then(() => {
      this.queue.remove(call);
      this.calls.delete(call);
      this.leaveLane(call.lane);
      this.dispatch();
    });
    this.dispatch();
    await call.result;
  }

  private leaveLane(lane: object): void {
    const others = this.lanes.get(lane)! - 1;
    this.lanes.set(lane, others);
    if (others > 0) return;
    this.lanes.delete(lane);
    this.memory.idle(lane);
  }

  private begin(network: GpuNetwork): OpenNetwork {
    this.opening++;
    const opened = this.tell(network);
    const ready = opened.then(({ pixelsPerMs, adapter }) => {
      open.pixelsPerMs = pixelsPerMs;
      this.memory.name(adapter);
    });
    const open: OpenNetwork = { network, users: 0, pixelsPerMs: 1, budgets: [], ready };
    this.networks.set(network.key, open);
    const done = (): void => {
      this.opening--;
      this.holdProcess();
    };
    ready.then(done, done);
    return open;
  }

  private dispatch(): void {
    while (this.inFlight < ahead) {
      const call = this.queue.next();
      if (!call) break;
      if (call.pendingPieces === 0) {
        // Cancelled just now.
        this.queue.remove(call);
        continue;
      }
      const open = this.calls.get(call)!;
      void this.give(this.takeBatch(call, open), open);
    }
    this.holdProcess();
  }

  private takeBatch(call: Call, { network }: OpenNetwork): GpuBatch {
    const tile = call.take();
    const order = call.orderFor(tile, 0);
    const tilePixels = order.read.width * order.read.height;
    const { byMemory, byTime } = this.limits(network, order);
    const most = Math.max(1, Math.floor(Math.min(byMemory, byTime) / tilePixels));
    // The last tiles of the only call are halved, so that there is something to send while the first half is computed.
    const rest = call.pendingPieces + 1;
    const alone = this.inFlight === 0 && this.calls.size === 1;
    const count = alone && rest <= most ? Math.ceil(rest / 2) : Math.min(rest, most);
    const batch = new GpuBatch(call, [tile, ...Array.from({ length: count - 1 }, () => call.take())]);
    this.queue.charge(call, batch.pixels);
    if (call.pendingPieces === 0) this.queue.remove(call);
    return batch;
  }

  /** Sends a batch to the device's process and waits for what comes back; never rejects. */
  private async give(batch: GpuBatch, open: OpenNetwork): Promise<void> {
    const { network } = open;
    let client: GpuClient | undefined;
    let ready: Promise<Opened> | undefined;
    let cameBack = (): void => undefined;
    this.inFlight++;
    try {
      // After a loss the new process has to learn of it first. Orders are followed in turn, so the answer is not waited for.
      ready = this.told.get(network.key) ?? this.tell(network);
      client = this.client!;
      const { read, type, channels } = batch.first;
      this.memory.openSession(network, batch.first);
      const pixels = this.memory.staging(batch.call.lane, type, batch.pixels * channels);
      batch.readInto(pixels);
      cameBack = this.memory.send(network, batch.first, batch.pixels);
      const { count } = batch;
      const { width, height } = read;
      const result = client.compute({ network: network.key, type, channels, count, height, width, pixels });
      const [computed] = await Promise.all([result, ready]);
      this.learn(open, batch.pixels, computed.ms);
      batch.finish(computed.pixels, computed.ms);
    } catch (error) {
      const reason = asFailure(this.device, network.label, error);
      batch.fail(reason);
      // A device that refused once is not to be trusted with the next batch: a new process begins anew.
      if (reason.code === 'DEVICE_LOST') client?.retire(reason);
      else if (reason.code === 'DEVICE_UNAVAILABLE') client?.retire(lossThrough(this.device, reason));
      // What is wrong with one network is no other's business.
      else if (this.told.get(network.key) === ready) this.untell(network);
    } finally {
      this.inFlight--;
      cameBack();
      this.dispatch();
    }
  }

  /** Has the device's process make a network ready; there is one from then on. */
  private tell(network: GpuNetwork): Promise<Opened> {
    if (!this.client) {
      const client: GpuClient = new GpuClient(this.device, () => {
        if (client === this.client) this.forgetProcess();
      });
      this.client = client;
    }
    this.memory.openSession(network, { type: 'uint8', channels: 3 });
    this.holdProcess();
    const opened = this.client.open({
      network: network.key,
      source: network.source,
      colours: network.geometry.colours,
    });
    this.told.set(network.key, opened);
    return opened;
  }

  /** Has the device's process release a network. */
  private untell(network: GpuNetwork): void {
    if (this.told.delete(network.key)) this.client?.close(network.key);
    this.memory.closeSessions(network);
  }

  private forgetProcess(): void {
    this.client = undefined;
    this.told.clear();
    this.memory.forgetProcess();
  }

  private learn(open: OpenNetwork, pixels: number, ms: number): void {
    const seen = pixels / Math.max(0.01, ms);
    // Kernels that are compiled on the way make a run slow; only slowness that lasts is believed.
    open.pixelsPerMs = seen > open.pixelsPerMs ? seen : 0.7 * open.pixelsPerMs + 0.3 * seen;
  }

  private setBudget(): void {
    this.memory.setBudget([...this.networks.values()].flatMap(({ budgets }) => budgets));
  }

  private holdProcess(): void {
    this.client?.hold(this.calls.size > 0 || this.opening > 0);
  }
}

/** What a batch that did not come back means for its call. */
function asFailure(device: GpuDevice, label: string, error: unknown): UpresError {
  if (!(error instanceof UpresError)) return new UpresError('DEVICE_LOST', String(error), { cause: error });
  return error.code === 'DEVICE_UNAVAILABLE' ? unavailable(device, label, error) : error;
}

/** What the failure of one network means for all others: they lost their process. */
function lossThrough(device: GpuDevice, cause: UpresError): UpresError {
  return new UpresError('DEVICE_LOST', `the process that computes on ${device} was given up`, { cause });
}

function unavailable(device: GpuDevice, label: string, error: unknown): UpresError {
  if (error instanceof UpresError && !hasCode(error, 'DEVICE_LOST', 'DEVICE_UNAVAILABLE')) return error;
  const reason = firstLine(messageOf(error));
  return new UpresError(
    'DEVICE_UNAVAILABLE',
    `${device} can't compute the network ${label} on this machine: ${reason}. Use the device "cpu" or "auto"; "upres doctor" tries all devices`,
    { cause: error },
  );
}
