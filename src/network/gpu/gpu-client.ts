import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { UpresError } from '../../errors.js';
import type { GpuDevice } from '../device.js';
import { fromErrorMessage } from '../pool/error-message.js';
import type { PixelArray } from '../../pixels.js';
import { gpuEnvironment } from './gpu-environment.js';
import type { BatchOrder, GpuOrder, GpuReply, Opened, OpenOrder } from './gpu-protocol.js';

/** How long the oldest order may take before the process counts as hung: many times the longest, first compilation included. */
const timeoutMs = 120_000;

/** How long the process may take to release everything before it is killed. */
const farewellMs = 5_000;

export interface ComputedBatch {
  readonly pixels: PixelArray;
  readonly ms: number;
}

interface Pending {
  readonly resolve: (reply: GpuReply) => void;
  readonly reject: (error: Error) => void;
}

const script = fileURLToPath(new URL('./gpu-process.js', import.meta.url));

/** The process that computes on a device, as its parent sees it. It ends with its parent, however that ends. */
export class GpuClient {
  private readonly child: ChildProcess;
  private readonly pending = new Map<number, Pending>();
  private readonly ended: Promise<void>;
  private lost: UpresError | undefined;
  private ending = false;
  private nextOrder = 1;
  private watchdog: NodeJS.Timeout | undefined;
  /** The end of what it wrote to standard error: drivers say there why they crash. */
  private exitError = '';
  private readonly killAtExit = (): void => void this.child.kill('SIGKILL');

  /**
   * @param onLost called once when the process has ended by itself, crashed or been killed, after its orders were rejected
   * @param timeout milliseconds that an order may take
   */
  constructor(
    private readonly device: GpuDevice,
    private readonly onLost: () => void,
    private readonly timeout: number = timeoutMs,
  ) {
    this.child = fork(script, [device], {
      serialization: 'advanced',
      // Flags of the host process (loaders, test runners) are not meant for ours.
      execArgv: [],
      env: gpuEnvironment(),
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.exitError = (this.exitError + text).slice(-2000);
    });
    this.child.on('message', (reply: GpuReply) => {
      this.receive(reply);
    });
    this.child.on('error', (error) => {
      this.lose(this.lossFor(error.message));
    });
    this.ended = new Promise((resolve) => {
      // Not 'exit': by then its last error may not have been read.
      this.child.on('close', (code, signal) => {
        this.lose(this.lossFor(signal ? `it was ended by ${signal}` : `it ended with code ${code}`));
        resolve();
      });
    });
    process.on('exit', this.killAtExit);
    this.hold(false);
  }

  /** Number of the process; undefined when none could be started. */
  get pid(): number | undefined {
    return this.child.pid;
  }

  /**
   * Makes a network ready.
   * @throws DEVICE_UNAVAILABLE, MODEL_INVALID, DEVICE_LOST
   */
  async open(order: Omit<OpenOrder, 'kind' | 'order'>): Promise<Opened> {
    const reply = await this.ask((number) => ({ kind: 'open', order: number, ...order }));
    if (reply.kind !== 'opened') throw unexpected(reply);
    return reply;
  }

  /**
   * Computes a batch of a network that was opened. The pixels are copied before this returns.
   * @throws DEVICE_LOST
   */
  async compute(batch: Omit<BatchOrder, 'kind' | 'order'>): Promise<ComputedBatch> {
    const reply = await this.ask((number) => ({ kind: 'batch', order: number, ...batch }));
    if (reply.kind !== 'computed') throw unexpected(reply);
    return reply;
  }

  close(network: string): void {
    this.send({ kind: 'close', network });
  }

  /** Lets the process finish, release everything and end. */
  async end(): Promise<void> {
    this.ending = true;
    this.send({ kind: 'end' });
    // A process that is released here must still be waited for.
    this.hold(true);
    const killer = setTimeout(() => this.child.kill('SIGKILL'), farewellMs);
    await this.ended;
    clearTimeout(killer);
  }

  /** Ends the process at once; its orders are rejected with this error. */
  retire(error: UpresError): void {
    this.lose(error);
    this.child.kill('SIGKILL');
  }

  /** Whether the process keeps this one alive. */
  hold(alive: boolean): void {
    // All three hold on their own: the process, the channel to it, and what it writes.
    const { child } = this;
    const stderr = child.stderr as (NodeJS.ReadableStream & { ref?(): void; unref?(): void }) | null;
    if (alive) {
      child.ref();
      child.channel?.ref();
      stderr?.ref?.();
    } else {
      child.unref();
      child.channel?.unref();
      stderr?.unref?.();
    }
  }

  private ask(order: (number: number) => GpuOrder): Promise<GpuReply> {
    if (this.lost) return Promise.reject(this.lost);
    const number = this.nextOrder++;
    return new Promise((resolve, reject) => {
      this.pending.set(number, { resolve, reject });
      this.watch();
      this.send(order(number));
    });
  }

  private send(order: GpuOrder): void {
    // A message that can't be delivered is one to a process that has ended, of which 'close' tells.
    this.child.send(order, undefined, {}, () => undefined);
  }

  private receive(reply: GpuReply): void {
    const pending = this.pending.get(reply.order);
    this.pending.delete(reply.order);
    clearTimeout(this.watchdog);
    this.watchdog = undefined;
    this.watch();
    if (reply.kind === 'failed') pending?.reject(fromErrorMessage(reply.error));
    else pending?.resolve(reply);
  }

  /** Gives the oldest order its time, from the moment when the one before it was answered. */
  private watch(): void {
    if (this.watchdog !== undefined || this.pending.size === 0) return;
    this.watchdog = setTimeout(() => {
      this.retire(this.lossFor(`it did not answer for ${this.timeout / 1000} s`));
    }, this.timeout);
    this.watchdog.unref();
  }

  private lossFor(reason: string): UpresError {
    const error = lastLine(this.exitError);
    const message = `the process that computes on ${this.device} was lost: ${reason}${error ? ` (${error})` : ''}`;
    return new UpresError('DEVICE_LOST', message);
  }

  /** All orders are rejected with one and the same error, by which one loss can be told from the next. */
  private lose(error: UpresError): void {
    if (this.lost) return;
    this.lost = error;
    clearTimeout(this.watchdog);
    process.off('exit', this.killAtExit);
    for (const { reject } of this.pending.values()) reject(error);
    this.pending.clear();
    if (!this.ending) this.onLost();
  }
}

function unexpected(reply: GpuReply): Error {
  return new Error(`the device's process answered with ${reply.kind}`);
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
