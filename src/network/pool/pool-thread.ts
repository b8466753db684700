import { Worker } from 'node:worker_threads';
import { UpresError } from '../../errors.js';
import type { FinalReply, Order, Reply, WeightsLocation } from './protocol.js';
import type { ThreadData } from './thread.js';
import { ThreadState } from './thread-state.js';

/** Sessions that no call used for so long give their memory back. */
const releaseAfterMs = 30_000;

/** A task that a thread was given and has not answered yet. */
export interface Task {
  /** The network whose tile it is; undefined for other work. */
  readonly network: object | undefined;
  readonly onReply: (reply: FinalReply) => void;
  /** Called with the share of a tile's work that is done, now and then. */
  readonly onAdvance?: (share: number) => void;
  /** The thread ended before it answered. */
  readonly onLost: (error: Error | undefined) => void;
}

/** A thread of the pool, as the main thread sees it. */
export class PoolThread {
  readonly state = new ThreadState();
  /** Resolves when the thread has ended. */
  readonly ended: Promise<void>;
  private readonly worker: Worker;
  private readonly tasks = new Map<number, Task>();
  private readonly known = new Map<string, WeightsLocation>();
  private failure: Error | undefined;

  /**
   * @param number for people and measurements
   * @param onEnd called when the thread has ended, after its tasks were reported lost
   */
  constructor(
    readonly number: number,
    onEnd: (thread: PoolThread) => void,
  ) {
    const data: ThreadData = { state: this.state.buffer, releaseAfter: releaseAfterMs };
    // Flags of the host process (loaders, test runners) are not meant for our thread.
    this.worker = new Worker(new URL('./thread.cjs', import.meta.url), {
      workerData: data,
      name: `upres ${number}`,
      execArgv: [],
    });
    this.worker.unref();
    this.worker.on('message', (reply: Reply) => {
      const task = this.tasks.get(reply.order);
      if (reply.kind === 'advanced') {
        task?.onAdvance?.(reply.share);
        return;
      }
      this.tasks.delete(reply.order);
      task?.onReply(reply);
    });
    this.worker.on('error', (error: Error) => {
      this.failure = error;
    });
    this.ended = new Promise((resolve) => {
      this.worker.on('exit', () => {
        const lost = [...this.tasks.values()];
        this.tasks.clear();
        onEnd(this);
        for (const task of lost) task.onLost(this.failure);
        resolve();
      });
    });
  }

  /** Tasks that it has not answered yet. */
  get load(): number {
    return this.tasks.size;
  }

  /** Whether it can be given work after this many other tasks; a thread that is being killed can't. */
  hasLoad(load: number): boolean {
    return this.load === load && !this.state.stopping;
  }

  worksFor(network: object): boolean {
    for (const task of this.tasks.values()) if (task.network === network) return true;
    return false;
  }

  give(order: Extract<Order, { order: number }>, task: Task): void {
    this.tasks.set(order.order, task);
    this.post(order);
  }

  /** Tells the thread how to get weights, once for each place where they lie. */
  open(weights: string, location: WeightsLocation): void {
    if (this.known.get(weights) === location) return;
    this.known.set(weights, location);
    this.post({ kind: 'open', weights, location });
  }

  close(weights: string): void {
    if (this.known.delete(weights)) this.post({ kind: 'close', weights });
  }

  /** Lets the thread finish its tasks, release everything and end. */
  async end(): Promise<void> {
    this.post({ kind: 'end' });
    // A thread that is released here must still be waited for.
    this.worker.ref();
    await this.ended;
  }

  /** Ends the thread at once without harm: it enters the runtime no more, and is stopped when it is outside. */
  async kill(): Promise<void> {
    this.state.stop();
    while (this.state.computing) await new Promise((resolve) => setTimeout(resolve, 5));
    await this.worker.terminate();
  }

  /** Whether the thread keeps the process alive. */
  hold(alive: boolean): void {
    if (alive) this.worker.ref();
    else this.worker.unref();
  }

  private post(order: Order): void {
    this.worker.postMessage(order);
  }
}

/** What becomes of a task whose thread ended, and then the one that was given it next. */
export function threadDied(cause: Error | undefined): UpresError {
  return new UpresError(
    'THREAD_DIED',
    `a thread ended twice while it computed the same tile${cause ? `: ${cause.message}` : ''}`,
    { cause },
  );
}
