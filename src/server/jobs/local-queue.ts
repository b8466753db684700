import { setTimeout as delay } from 'node:timers/promises';
import { UpresError } from '../../errors.js';
import type { Client } from '../service/client.js';
import { requeue } from './job-changes.js';
import { ProgressBook, type JobProgress, type WorkReport } from './job-progress.js';
import { JobQueue, type QueuedImage, type QueuedTurn } from './job-queue.js';
import type { JobStore } from './job-store.js';
import { hasEnded, type Job } from './job.js';
import { Listeners } from './listeners.js';
import { restBefore, shortestRest } from './rest-before.js';
import type { Worker, WorkQueue } from './work-queue.js';

export interface Slots {
  /** Images that are computed at once. */
  readonly atOnce: number;
  /** This many more are, each for a client that has no other: its small image need not wait until a large one has ended. */
  readonly beyond: number;
}

export interface LocalQueueOptions extends Slots {
  readonly store: JobStore;
  /** Milliseconds that an image rests whose servers ended several times while it was computed; see `restBefore`. */
  readonly shortestRest?: number | undefined;
}

/** An image that is being computed. */
interface Running {
  readonly image: QueuedImage;
  readonly stop: AbortController;
}

/** Work of one process: what waits is in memory, and at the next start comes from the store. */
export class LocalQueue implements WorkQueue {
  private readonly queue = new JobQueue();
  private readonly book = new ProgressBook();
  private readonly running = new Map<Promise<void>, Running>();
  private readonly listeners = new Listeners();
  /** Turns in the queue, by client: one for each, however often it comes. */
  private readonly lanes = new Map<string, Client>();
  /** By id, as they asked last: the objects that stand for their turns elsewhere. */
  private readonly clients = new Map<string, Client>();
  private readonly end = new AbortController();
  private readonly started = performance.now();
  private worker: Worker | undefined;

  constructor(private readonly options: LocalQueueOptions) {}

  offer(job: Job, client: Client): Promise<void> {
    this.clients.set(client.id, client);
    this.add(job);
    return Promise.resolve();
  }

  async take(worker: Worker): Promise<void> {
    const { store } = this.options;
    this.worker = worker;
    for (const job of await store.list()) {
      if (hasEnded(job)) continue;
      const waiting = (await store.update(job.id, requeue)) ?? job;
      this.queue.add(waiting, this.laneOf(job.client));
      for (const rest of new Set(waiting.images.map((image) => this.restBefore(image)))) {
        if (rest > 0) this.fillAfter(rest);
      }
    }
    this.fill();
  }

  withdraw(id: string): Promise<void> {
    this.queue.remove(id);
    const reason = new UpresError('ABORTED', 'the job was cancelled');
    for (const work of this.running.values()) if (work.image.id === id) work.stop.abort(reason);
    return Promise.resolve();
  }

  report(job: Job, place: number, report?: WorkReport): void {
    this.book.note(job, place, report);
    this.listeners.tell(job.id);
  }

  tell(job: Pick<Job, 'id' | 'state'>): void {
    this.listeners.tell(job.id);
    if (hasEnded(job)) this.book.forget(job.id);
  }

  listen(id: string, listener: () => void): () => void {
    return this.listeners.add(id, listener);
  }

  progress(job: Job): Promise<JobProgress> {
    return Promise.resolve(this.book.of(job));
  }

  get closed(): boolean {
    return this.closing.aborted;
  }

  get closing(): AbortSignal {
    return this.end.signal;
  }

  async close(giveUp: AbortSignal): Promise<void> {
    this.end.abort();
    this.listeners.tellAll();
    const stop = (): void => {
      for (const work of this.running.values()) work.stop.abort(new UpresError('ABORTED', 'the server ends'));
    };
    if (giveUp.aborted) stop();
    giveUp.addEventListener('abort', stop, { once: true });
    await Promise.allSettled(this.running.keys());
    giveUp.removeEventListener('abort', stop);
  }

  private add(job: Job): void {
    this.queue.add(job, this.laneOf(job.client));
    this.fill();
  }

  private restBefore({ attempts }: { readonly attempts: number }): number {
    return restBefore(attempts, this.options.shortestRest ?? shortestRest);
  }

  /** Milliseconds of a rest that are still to come. */
  private restLeft(rest: number): number {
    return rest - (performance.now() - this.started);
  }

  /** Looks for work once a rest is over by the clock that counts it: timers go by another, and may be early by a millisecond. */
  private fillAfter(rest: number): void {
    setTimeout(
      () => {
        if (this.closed) return;
        if (this.restLeft(rest) > 0) this.fillAfter(rest);
        else this.fill();
      },
      Math.max(1, Math.ceil(this.restLeft(rest))),
    ).unref();
  }

  private laneOf(id: string): Client {
    const lane = this.lanes.get(id) ?? { id };
    this.lanes.set(id, lane);
    return lane;
  }

  private fill(): void {
    while (this.worker && !this.closed) {
      const running = [...this.running.values()].map(({ image }) => image);
      const image = this.queue.next(
        (turn) => this.restLeft(this.restBefore(turn)) <= 0 && mayBegin(turn, running, this.options),
      );
      if (!image) return;
      const stop = new AbortController();
      const work = this.compute(this.worker, image, stop.signal).finally(() => {
        this.running.delete(work);
        this.fill();
      });
      this.running.set(work, { image, stop });
    }
  }

  private async compute(worker: Worker, { id, place, lane }: QueuedImage, signal: AbortSignal): Promise<void> {
    const pause = await worker({ id, place, client: this.clients.get(lane.id) ?? lane }, signal);
    if (pause !== undefined && !this.closed) void this.later(id, pause);
  }

  private async later(id: string, pause: number): Promise<void> {
    await delay(pause, undefined, { ref: false, signal: this.closing }).catch(() => undefined);
    const job = await this.options.store.get(id);
    if (job && !this.closed) this.add(job);
  }
}

/** An image that was begun so often without an end runs alone: if it ends the server again, no other is suspected for it. */
export const suspectAttempts = 2;

/** Whether an image may begin besides those that are computed. */
function mayBegin(next: QueuedTurn, running: readonly QueuedTurn[], { atOnce, beyond }: Slots): boolean {
  if (running.length === 0) return true;
  if ([next, ...running].some(({ attempts }) => attempts >= suspectAttempts)) return false;
  if (running.length < atOnce) return true;
  return running.length < atOnce + beyond && running.every(({ lane }) => lane !== next.lane);
}
