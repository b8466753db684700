import { randomBytes } from 'node:crypto';
import type { Job as Turn, Queue, Worker as Taker } from 'bullmq';
import type { Redis } from 'ioredis';
import { messageOf, UpresError } from '../../errors.js';
import type { Client } from '../service/client.js';
import { ProgressBook, type JobProgress, type WorkReport } from '../jobs/job-progress.js';
import { hasEnded, workPixels, type Job, type JobImage } from '../jobs/job.js';
import { Listeners } from '../jobs/listeners.js';
import { suspectAttempts } from '../jobs/local-queue.js';
import { mostAttempts, restBefore, shortestRest } from '../jobs/rest-before.js';
import type { Worker, WorkQueue } from '../jobs/work-queue.js';
import { asking, keyPrefix, type Connection } from './connection.js';
import { newsOf, type RedisJobStore } from './redis-job-store.js';
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
/** Milliseconds between two words of an image's progress: each costs Redis a few commands. */
const calm = 500;
/** Seconds for which progress is kept of an image that no one computes any more. */
const progressSeconds = 24 * 60 * 60;
/** What an image costs besides its pixels, in pixels: reading, decoding, encoding, writing. */
const costOfAny = 100_000;
/** Pixels that each client may have in the queue for each image that the farm computes at once. */
const pixelsPerSlot = 4_000_000;
/** A farm is not taken to be smaller, so that work is there when it grows. */
const leastSlots = 16;
/** Workers that were silent for so many milliseconds are gone. */
const workerMs = 30_000;

const stopChannel = `${keyPrefix}stop`;
const workersKey = `${keyPrefix}workers`;
const mendingKey = `${keyPrefix}mending`;
const turnsKey = `${keyPrefix}turns`;
const progressKey = (id: string): string => `${keyPrefix}progress:${id}`;
/** A client's images that wait for room in the queue, by the order in which they came; and those that are in it. */
const lineKey = (client: string): string => `${keyPrefix}line:${client}`;
const insideKey = (client: string): string => `${keyPrefix}inside:${client}`;

/** KEYS line, inside, turns; ARGV pixels and images that may be inside, and names and pixels of images that come: lets them in. */
const enterScript = `
for at = 3, #ARGV, 2 do
  local member = ARGV[at] .. ':' .. ARGV[at + 1]
  if redis.call('HEXISTS', KEYS[2], ARGV[at]) == 0 and not redis.call('ZSCORE', KEYS[1], member) then
    redis.call('ZADD', KEYS[1], redis.call('INCR', KEYS[3]), member)
  end
end
local entered = {}
local pixels = tonumber(redis.call('HGET', KEYS[2], '') or '0')
local images = redis.call('HLEN', KEYS[2]) - 1
while pixels < tonumber(ARGV[1]) or images < tonumber(ARGV[2]) do
  local first = redis.call('ZPOPMIN', KEYS[1])[1]
  if not first then break end
  local name, size = string.match(first, '^(.*):(%d+)$')
  redis.call('HSET', KEYS[2], name, size)
  pixels = redis.call('HINCRBY', KEYS[2], '', size)
  images = images + 1
  entered[#entered + 1] = name
end
return entered`;

/** KEYS line, inside; ARGV names and pixels: they leave. */
const leaveScript = `
for at = 1, #ARGV, 2 do
  redis.call('ZREM', KEYS[1], ARGV[at] .. ':' .. ARGV[at + 1])
  local size = redis.call('HGET', KEYS[2], ARGV[at])
  if size then
    redis.call('HDEL', KEYS[2], ARGV[at])
    redis.call('HINCRBY', KEYS[2], '', -tonumber(size))
  end
end
if redis.call('HLEN', KEYS[2]) == 1 then redis.call('DEL', KEYS[2]) end`;

/** What the queue calls an image; it takes no `:`. */
const nameOf = (id: string, place: number): string => `${id}_${place}`;

/** @returns undefined for a name that is none of ours */
export function imageOf(name: string): { readonly id: string; readonly place: number } | undefined {
  const [, id, place] = /^([\w-]{22})_(\d+)$/.exec(name) ?? [];
  return id === undefined ? undefined : { id, place: Number(place) };
}

const costOf = (image: JobImage): number => costOfAny + workPixels(image);
const isOpen = ({ state }: JobImage): boolean => state === 'queued' || state === 'running';

/** Names and costs of those images of a job that have not ended, as scripts take them. */
function openImages({ id, images }: Job): string[] {
  return images.flatMap((image, place) => (isOpen(image) ? [nameOf(id, place), String(costOf(image))] : []));
}

/**
 * Work that many machines share, by BullMQ on Redis: it hands each image to one worker, and to another where that one falls
 * silent. In it stand names of images only; what they are, and whose, stands in the record.
 *
 * Clients take turns by having equally much in the queue: an image enters when there is room for its client. So a client that
 * comes finds at most that much of each other's before it, however much they have asked for.
 */
export class BullQueue implements WorkQueue {
  private readonly queue: Queue;
  private readonly listener: Redis;
  private readonly listeners = new Listeners();
  private readonly heard = new Map<string, number>();
  private readonly book = new ProgressBook();
  private readonly said = new Map<string, { at: number; timer?: NodeJS.Timeout; report: WorkReport }>();
  private readonly running = new Map<string, AbortController>();
  private readonly suspects = new Suspects();
  private readonly end = new AbortController();
  private readonly own = randomBytes(6).toString('base64url');
  private readonly started = performance.now();
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly tasks = new Set<Promise<unknown>>();
  private taker: Taker | undefined;
  private slots = { known: -Infinity, count: leastSlots };
  private over: Promise<void> | undefined;

  constructor(private readonly options: BullQueueOptions) {
    const { connection, mendMs = defaultMendMs, warn } = options;
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
    this.listener = connection.subscriber();
    this.listener.on('message', (channel: string, message: string) => {
      if (channel === stopChannel) this.stop(message);
      else this.listeners.tell(channel.slice(newsOf('').length));
    });
    this.listener.on('ready', () => {
      this.listeners.tellAll();
    });
    this.every(mendMs, () =>
      this.mend().catch((error: unknown) => {
        if (!this.closed) warn(`what was lost in the queue can't be looked for: ${messageOf(error)}`);
      }),
    );
  }

  async offer(job: Job, client: Pick<Client, 'id'>): Promise<void> {
    const images = openImages(job);
    if (images.length > 0) await this.enter(client.id, images);
  }

  async take(worker: Worker): Promise<void> {
    const { connection, atOnce, lockMs = defaultLockMs, warn } = this.options;
    await asking(this.listener.subscribe(stopChannel));
    this.every(workerMs / 3, () => this.sayThatItIsHere());
    await this.sayThatItIsHere();
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
    if (job) await this.leave(job, [...job.images.keys()]);
    await asking(this.options.connection.redis.publish(stopChannel, id));
  }

  report(job: Job, place: number, report?: WorkReport): void {
    const name = nameOf(job.id, place);
    const { redis } = this.options.connection;
    const last = this.said.get(name) ?? { at: -Infinity, report: {} };
    clearTimeout(last.timer);
    if (!report) {
      this.said.delete(name);
      void redis.hdel(progressKey(job.id), String(place)).catch(() => undefined);
      return;
    }
    const next = { ...last, report: { ...last.report, ...report } };
    this.said.set(name, next);
    const say = (): void => {
      next.at = performance.now();
      const words = redis.pipeline().hset(progressKey(job.id), String(place), JSON.stringify(next.report));
      words.expire(progressKey(job.id), progressSeconds).publish(newsOf(job.id), '');
      void words.exec().catch(() => undefined);
    };
    const wait = next.at + calm - performance.now();
    if (wait <= 0) say();
    else next.timer = setTimeout(say, wait).unref();
  }

  /** The store has told everyone already. */
  tell({ id, state }: Pick<Job, 'id' | 'state'>): void {
    if (!hasEnded({ state })) return;
    this.book.forget(id);
    void this.options.connection.redis.del(progressKey(id)).catch(() => undefined);
  }

  listen(id: string, listener: () => void): () => void {
    const unlisten = this.listeners.add(id, listener);
    const count = this.heard.get(id) ?? 0;
    this.heard.set(id, count + 1);
    if (count === 0) {
      // What happened until then is asked for once more.
      this.listener.subscribe(newsOf(id)).then(listener, () => undefined);
    }
    return () => {
      unlisten();
      const left = (this.heard.get(id) ?? 1) - 1;
      if (left > 0) this.heard.set(id, left);
      else {
        this.heard.delete(id);
        void this.listener.unsubscribe(newsOf(id)).catch(() => undefined);
      }
    };
  }

  async progress(job: Job): Promise<JobProgress> {
    if (hasEnded(job)) {
      this.book.forget(job.id);
      return this.book.of(job);
    }
    const said = await asking(this.options.connection.redis.hgetall(progressKey(job.id)));
    this.book.clear(job.id);
    for (const [place, text] of Object.entries(said))
      this.book.note(job, Number(place), JSON.parse(text) as WorkReport);
    return this.book.of(job);
  }

  get closed(): boolean {
    return this.closing.aborted;
  }

  get closing(): AbortSignal {
    return this.end.signal;
  }

  close(giveUp: AbortSignal): Promise<void> {
    this.end.abort();
    this.listeners.tellAll();
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
  async workerSlots(): Promise<number> {
    const workers = await asking(this.options.connection.redis.zrangebyscore(workersKey, Date.now(), '+inf'));
    return workers.reduce((sum, worker) => sum + Number(worker.split(':')[1]), 0);
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
      await this.enter(job.client, images);
      const inside = await asking(
        connection.redis.hmget(insideKey(job.client), ...images.filter((_, at) => at % 2 === 0)),
      );
      for (const [at, size] of inside.entries()) {
        const name = images[2 * at]!;
        // Adding what is there already does nothing.
        if (size !== null && !(await asking(this.queue.getJob(name)))) await this.add([name]);
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
    const now = (await store.get(image.id))?.images[image.place];
    // Another has it, and lets it leave.
    if (now && isOpen(now)) return;
    await this.leave(job, [image.place]);
    if (now?.state === 'failed' && now.attempts > mostAttempts) {
      throw new UnrecoverableError(`it was begun ${now.attempts} times without an end`);
    }
  }

  private async enter(client: string, images: readonly string[] = []): Promise<void> {
    const slots = await this.slotsOfFarm();
    const names = await asking(
      this.options.connection.redis.eval(
        enterScript,
        3,
        ...[lineKey(client), insideKey(client), turnsKey, String(slots * pixelsPerSlot), String(slots), ...images],
      ),
    );
    await this.add(names as string[]);
  }

  private async add(names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    await asking(this.queue.addBulk(names.map((jobId) => ({ name: 'image', data: {}, opts: { jobId } }))));
  }

  /** Takes images out of their client's share, and lets others in. */
  private async leave(job: Job, places: readonly number[]): Promise<void> {
    const { client, id, images } = job;
    const names = places.flatMap((place) => [nameOf(id, place), String(costOf(images[place]!))]);
    await asking(this.options.connection.redis.eval(leaveScript, 2, lineKey(client), insideKey(client), ...names));
    await this.enter(client);
  }

  /** Images of jobs that have ended, or are gone, take no one's room. */
  private async forgetEnded(clients: ReadonlySet<string>): Promise<void> {
    const { connection, store } = this.options;
    for (const client of clients) {
      for (const name of await asking(connection.redis.hkeys(insideKey(client)))) {
        const image = imageOf(name);
        const wanted = image && (await store.get(image.id))?.images[image.place];
        if (name === '' || (wanted && isOpen(wanted))) continue;
        await asking(connection.redis.eval(leaveScript, 2, lineKey(client), insideKey(client), name, '0'));
      }
    }
  }

  private async slotsOfFarm(): Promise<number> {
    const now = performance.now();
    if (now - this.slots.known < workerMs / 6) return this.slots.count;
    this.slots = { known: now, count: Math.max(leastSlots, await this.workerSlots()) };
    return this.slots.count;
  }

  private async sayThatItIsHere(): Promise<void> {
    const now = Date.now();
    const words = this.options.connection.redis.pipeline();
    words.zadd(workersKey, now + workerMs, `${this.own}:${this.options.atOnce}`).zremrangebyscore(workersKey, 0, now);
    await words.exec().catch(() => undefined);
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
    if (this.taker) {
      await this.options.connection.redis.zrem(workersKey, `${this.own}:${this.options.atOnce}`).catch(() => undefined);
    }
  }

  /** Lets the queue's own library go; to be called when nothing is offered any more. */
  dispose(): Promise<void> {
    return this.queue.close();
  }
}
