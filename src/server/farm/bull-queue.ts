import { randomBytes } from 'node:crypto';
import type { Job as Turn, Queue, Worker as Taker } from 'bullmq';
import { messageOf, UpresError } from '../../errors.js';
import type { Client } from '../service/client.js';
import type { JobProgress, WorkReport } from '../jobs/job-progress.js';
import type { Job } from '../jobs/job.js';
import type { JobListener } from '../jobs/listeners.js';
import { suspectAttempts } from '../jobs/local-queue.js';
import { mostAttempts, restBefore, shortestRest } from '../jobs/rest-before.js';
import type { Worker, WorkQueue } from '../jobs/work-queue.js';
import { ClientLines, type Passing } from './client-lines.js';
import { asking, keyPrefix, type Connection } from './connection.js';
import { Fleet, wordMs } from './fleet.js';
import { imageOf, isOpen, nameOf, openImages, queuedOf } from './image-name.js';
import { JobNews } from './job-news.js';
import type { RedisJobStore } from './redis-job-store.js';
import { Suspects } from './suspects.js';

export interface BullQueueOptions {
  readonly connection: Connection;
  readonly store: RedisJobStore;
  /** Images that are computed here at once. */
  readonly atOnce: number;
  readonly warn: (message: string) => void;
  /**
   * Milliseconds after which an image comes back whose worker is silent.
   * @default 30 seconds
   */
  readonly lockMs?: number | undefined;
  /**
   * Milliseconds between two looks for what was lost on its way.
   * @default 15 seconds
   */
  readonly mendMs?: number | undefined;
  /** Milliseconds that an image rests whose workers ended several times while it was computed; see `restBefore`. */
  readonly shortestRest?: number | undefined;
}

const defaultLockMs = 30_000;
const defaultMendMs = 15_000;
/** The queue's own count of silent workers is none of ours: attempts stand in the record. */
const never = 2 ** 31 - 1;
const mendingKey = `${keyPrefix}mending`;

/**
 * Work that many machines share, by BullMQ on Redis: it hands each image to one worker, and to another where that one falls
 * silent. In it stand names of images only; what they are, and whose, stands in the record. `ClientLines` lets them in.
 */
export class BullQueue implements WorkQueue {
  private readonly queue: Queue;
  private readonly news: JobNews;
  private readonly fleet: Fleet;
  private readonly lines: ClientLines;
  private readonly running = new Map<string, AbortController>();
  private readonly suspects = new Suspects();
  private readonly end = new AbortController();
  private readonly own = randomBytes(6).toString('base64url');
  private readonly started = performance.now();
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly tasks = new Set<Promise<unknown>>();
  private taker: Taker | undefined;
  private over: Promise<void> | undefined;

  constructor(private readonly options: BullQueueOptions) {
    const { connection, store, mendMs = defaultMendMs, warn } = options;
    this.queue = new connection.bullmq.Queue('images', {
      connection: connection.redis,
      prefix: `${keyPrefix}bull`,
      defaultJobOptions: {
        removeOnComplete: true,
        removeOnFail: false,
        // A fault of ours, or of Redis, is none of the image's.
        attempts: never,
        backoff: { type: 'fixed', delay: 1000 },
      },
    });
    this.queue.on('error', () => undefined);
    this.news = new JobNews(connection, (id, told) => {
      store.hear(id, told);
    });
    this.fleet = new Fleet(connection.redis);
    this.lines = new ClientLines(connection.redis, () => this.fleet.slotsToFill());
    this.every(mendMs, () =>
      this.mend().catch((error: unknown) => {
        if (!this.closed) warn(`what was lost in the queue can't be looked for: ${messageOf(error)}`);
      }),
    );
  }

  async offer(job: Job, client: Pick<Client, 'id'>): Promise<void> {
    const images = openImages(job);
    if (images.length > 0) await this.pass(client.id, { come: images });
  }

  async take(worker: Worker): Promise<void> {
    const { connection, atOnce, lockMs = defaultLockMs, warn } = this.options;
    await this.news.onStop((id) => {
      this.stop(id);
    });
    const say = (): Promise<void> => this.fleet.say(this.own, atOnce);
    this.every(wordMs, say);
    await say();
    this.taker = new connection.bullmq.Worker('images', (turn, token) => this.compute(worker, turn, token!), {
      connection: connection.patient(),
      prefix: `${keyPrefix}bull`,
      concurrency: atOnce,
      lockDuration: lockMs,
      stalledInterval: lockMs,
      maxStalledCount: never,
      drainDelay: 5,
    });
    this.taker.on('error', (error) => {
      // A lock that was lost, or an image that another has ended, is another's; the record says whose result counts.
      if (!this.closed && !/lock|Missing key|Connection|ECONN|EPIPE/i.test(error.message))
        warn(`the queue: ${error.message}`);
    });
    // News of a cancelled job may have been lost.
    this.every(lockMs / 6, () => this.lookForCancelled());
    await this.mend();
  }

  async withdraw(id: string): Promise<void> {
    const job = await this.options.store.get(id);
    if (job) {
      const places = [...job.images.keys()];
      // What is computed stays until its worker hears of it.
      await asking(Promise.all(places.map((place) => this.queue.remove(nameOf(id, place)))));
      await this.leave(job, places);
    }
    await this.news.tellToStop(id);
  }

  report(job: Job, place: number, report?: WorkReport): void {
    this.news.report(job, place, report);
  }

  tell(job: Pick<Job, 'id' | 'state'>): void {
    this.news.tell(job);
  }

  listen(id: string, listener: JobListener): () => void {
    return this.news.listen(id, listener);
  }

  progress(job: Job): Promise<JobProgress> {
    return this.news.progress(job);
  }

  get closed(): boolean {
    return this.closing.aborted;
  }

  get closing(): AbortSignal {
    return this.end.signal;
  }

  close(giveUp: AbortSignal): Promise<void> {
    this.end.abort();
    this.news.tellAll();
    for (const timer of this.timers) clearInterval(timer);
    const stop = (): void => {
      for (const { abort } of this.stops()) abort(new UpresError('ABORTED', 'the worker ends'));
    };
    if (giveUp.aborted) stop();
    else giveUp.addEventListener('abort', stop, { once: true });
    this.over ??= this.finish();
    return this.over;
  }

  /** Images that were given up, oldest first. */
  async dead(): Promise<readonly { readonly id: string; readonly place: number; readonly since: Date }[]> {
    const turns = (await asking(this.queue.getFailed())) as Turn[];
    return turns.flatMap(({ id = '', finishedOn = 0 }) => {
      const image = imageOf(id);
      return image ? [{ ...image, since: new Date(finishedOn) }] : [];
    });
  }

  /** Takes an image off the list of those that were given up. */
  async bury(id: string, place: number): Promise<void> {
    await asking(this.queue.remove(nameOf(id, place)));
  }

  /** How many images are in the queue and before it, and how many workers take them. */
  async counts(): Promise<Readonly<Record<string, number>>> {
    return asking(this.queue.getJobCounts('wait', 'active', 'delayed', 'failed'));
  }

  /** Images that all workers compute at once, now. */
  workerSlots(): Promise<number> {
    return this.fleet.size();
  }

  /** Offers again what stands in no queue, though its record says that it waits: whoever was to put it there has ended. */
  async mend(): Promise<void> {
    const { connection, store, mendMs = defaultMendMs } = this.options;
    const turn = await asking(connection.redis.set(mendingKey, this.own, 'PX', Math.ceil(mendMs * 0.9), 'NX'));
    if (turn !== 'OK') return;
    const clients = new Set<string>();
    for (const job of await store.listOpen()) {
      clients.add(job.client);
      const images = openImages(job);
      // It has ended meanwhile.
      if (images.length === 0) continue;
      await this.pass(job.client, { come: images });
      for (const { name } of await this.lines.areInside(job.client, images)) {
        // Adding what is there already does nothing.
        if (!(await asking(this.queue.getJob(name)))) await this.add([name]);
      }
    }
    await this.forgetEnded(clients);
  }

  private async compute(worker: Worker, turn: Turn, token: string): Promise<void> {
    const { connection, store } = this.options;
    const { DelayedError, UnrecoverableError, WaitingError } = connection.bullmq;
    const image = imageOf(turn.id ?? '');
    const job = image && (await store.get(image.id));
    const wanted = image && job?.images[image.place];
    if (!job || !wanted || !isOpen(wanted)) {
      if (job) await this.leave(job, [image.place]);
      return;
    }
    const rest =
      restBefore(wanted.attempts, this.options.shortestRest ?? shortestRest) - (performance.now() - this.started);
    if (rest > 0) {
      await turn.moveToDelayed(Date.now() + rest, token);
      throw new DelayedError();
    }
    const leave = await this.suspects.enter(wanted.attempts >= suspectAttempts);
    const stop = new AbortController();
    // Two turns of one image may be here at once, where this process was silent for long.
    const lease = `${this.own}-${randomBytes(6).toString('base64url')}`;
    this.running.set(`${lease} ${image.id}`, stop);
    let again: number | undefined;
    try {
      if (this.closed) again = 0;
      else again = await worker({ ...image, client: { id: job.client }, lease }, stop.signal);
    } finally {
      this.running.delete(`${lease} ${image.id}`);
      leave();
    }
    if (again !== undefined) {
      if (this.closed) {
        await turn.moveToWait(token);
        throw new WaitingError();
      }
      await turn.moveToDelayed(Date.now() + again, token);
      throw new DelayedError();
    }
    const now = (await store.getEnded(image.id, image.place))?.images[image.place];
    // Another has it, and lets it leave.
    if (now && isOpen(now)) return;
    await this.leave(job, [image.place]);
    if (now?.state === 'failed' && now.attempts > mostAttempts) {
      throw new UnrecoverableError(`it was begun ${now.attempts} times without an end`);
    }
  }

  private async pass(client: string, passing: Passing): Promise<void> {
    await this.add(await this.lines.pass(client, passing));
  }

  private async add(names: readonly string[]): Promise<void> {
    const [first, ...others] = names;
    if (first === undefined) return;
    // Several go out in one piece; for one that would be dear.
    if (others.length === 0) await asking(this.queue.add('image', {}, { jobId: first }));
    else await asking(this.queue.addBulk(names.map((jobId) => ({ name: 'image', data: {}, opts: { jobId } }))));
  }

  /** Takes images out of their client's share, and lets others in. */
  private async leave(job: Job, places: readonly number[]): Promise<void> {
    await this.pass(job.client, { leave: places.map((place) => queuedOf(job, place)) });
  }

  /** Images of jobs that have ended, or are gone, take no one's room. */
  private async forgetEnded(clients: ReadonlySet<string>): Promise<void> {
    for (const client of clients) {
      for (const name of await this.lines.inside(client)) {
        const image = imageOf(name);
        const wanted = image && (await this.options.store.get(image.id))?.images[image.place];
        if (!wanted || !isOpen(wanted)) await this.pass(client, { leave: [{ name, cost: 0 }] });
      }
    }
  }

  private async lookForCancelled(): Promise<void> {
    for (const id of new Set(this.stops().map((stop) => stop.id))) {
      const job = await this.options.store.get(id).catch(() => 'unknown' as const);
      if (job === undefined || (job !== 'unknown' && job.state === 'cancelled')) this.stop(id);
    }
  }

  private stop(id: string): void {
    for (const stop of this.stops()) if (stop.id === id) stop.abort(new UpresError('ABORTED', 'the job was cancelled'));
  }

  private stops(): { readonly id: string; readonly abort: (reason: unknown) => void }[] {
    return [...this.running].map(([name, controller]) => ({
      id: name.split(' ')[1]!,
      abort: (reason) => {
        controller.abort(reason);
      },
    }));
  }

  private every(ms: number, work: () => Promise<unknown>): void {
    const timer = setInterval(() => {
      const task = work().finally(() => this.tasks.delete(task));
      this.tasks.add(task);
    }, ms);
    this.timers.push(timer.unref());
  }

  private async finish(): Promise<void> {
    // It waits for what is computed.
    await this.taker?.close();
    await Promise.allSettled(this.tasks);
    if (this.taker) await this.fleet.leave(this.own, this.options.atOnce);
  }

  /** Lets the queue's own library go; to be called when nothing is offered any more. */
  dispose(): Promise<void> {
    return this.queue.close();
  }
}
