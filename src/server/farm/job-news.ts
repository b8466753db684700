import type { Redis } from 'ioredis';
import { ProgressBook, type JobProgress, type WorkReport } from '../jobs/job-progress.js';
import { hasEnded, type Job } from '../jobs/job.js';
import { Listeners, type JobListener } from '../jobs/listeners.js';
import { asking, keyPrefix, type Connection } from './connection.js';
import { nameOf } from './image-name.js';
import { newsOf, progressOf, stillOpen } from './redis-job-store.js';
import { Script } from './script.js';

/** Milliseconds between two words of an image's progress: each costs Redis a few commands. */
const calm = 500;
/** Seconds for which progress is kept of an image that no one computes any more. */
const progressSeconds = 24 * 60 * 60;
/** Jobs that no one listens for any more are let go of together: so many at most, and after so many milliseconds. */
const [mostUnheard, unheardMs] = [64, 1000];

const stopChannel = `${keyPrefix}stop`;

/** KEYS progress; ARGV image, its progress, seconds that it is kept, channel. */
const sayScript = new Script(`
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('PUBLISH', ARGV[4], '${stillOpen}')`);

/** What an image's progress is, and when it was told. */
interface Said {
  report: WorkReport;
  at: number;
  told: boolean;
  timer?: NodeJS.Timeout;
}

/** Word of jobs between processes: that one has changed, how far it is, and that it is wanted no more. Some of it may be lost. */
export class JobNews {
  private readonly redis: Redis;
  private readonly listener: Redis;
  private readonly listeners = new Listeners();
  private readonly heard = new Map<string, { count: number; readonly begun: Promise<unknown> }>();
  /** Jobs whose news still comes though no one listens. */
  private readonly unheard = new Set<string>();
  private unhearing: NodeJS.Timeout | undefined;
  private readonly book = new ProgressBook();
  private readonly said = new Map<string, Said>();
  private stop: (id: string) => void = () => undefined;

  /** @param hear told what is said of a job, before anyone is called back for it */
  constructor(connection: Connection, hear: (id: string, told: string) => void) {
    this.redis = connection.redis;
    this.listener = connection.subscriber();
    this.listener.on('message', (channel: string, message: string) => {
      if (channel === stopChannel) {
        this.stop(message);
        return;
      }
      const id = channel.slice(newsOf('').length);
      if (message !== stillOpen) hear(id, message);
      this.listeners.tell(id, message === stillOpen || undefined);
    });
    this.listener.on('ready', () => {
      this.tellAll();
    });
  }

  /** Calls back for each job that is wanted no more. */
  async onStop(stop: (id: string) => void): Promise<void> {
    this.stop = stop;
    await asking(this.listener.subscribe(stopChannel));
  }

  /** A job is wanted no more. */
  async tellToStop(id: string): Promise<void> {
    await asking(this.redis.publish(stopChannel, id));
  }

  report(job: Job, place: number, report?: WorkReport): void {
    const name = nameOf(job.id, place);
    // That it has begun stands in its record. What others said of it before, though, is true no more.
    const since = job.images[place]!.attempts > 1 ? -Infinity : performance.now();
    const last = this.said.get(name) ?? { at: since, told: false, report: {} };
    clearTimeout(last.timer);
    if (!report) {
      this.said.delete(name);
      // With its job all of it goes.
      if (last.told && !hasEnded(job)) {
        void this.redis.hdel(progressOf(job.id), String(place)).catch(() => undefined);
      }
      return;
    }
    const next: Said = { ...last, report: { ...last.report, ...report } };
    this.said.set(name, next);
    const say = (): void => {
      next.at = performance.now();
      next.told = true;
      const words = [place, JSON.stringify(next.report), progressSeconds, newsOf(job.id)];
      void sayScript.run(this.redis, [progressOf(job.id)], words).catch(() => undefined);
    };
    const wait = next.at + calm - performance.now();
    if (wait <= 0) say();
    else next.timer = setTimeout(say, wait).unref();
  }

  /** The store has told everyone already. */
  tell({ id, state }: Pick<Job, 'id' | 'state'>): void {
    if (hasEnded({ state })) this.book.forget(id);
  }

  /** Has all who listen look again. */
  tellAll(): void {
    this.listeners.tellAll();
  }

  listen(id: string, listener: JobListener): () => void {
    const unlisten = this.listeners.add(id, listener);
    this.unheard.delete(id);
    const heard = this.heard.get(id) ?? { count: 0, begun: this.listener.subscribe(newsOf(id)) };
    heard.count++;
    this.heard.set(id, heard);
    let listens = true;
    // What happened until then is asked for once more.
    heard.begun.then(
      () => {
        if (listens) listener();
      },
      () => undefined,
    );
    return () => {
      if (!listens) return;
      listens = false;
      unlisten();
      if (--heard.count === 0) {
        this.heard.delete(id);
        this.unheard.add(id);
        if (this.unheard.size >= mostUnheard) this.unhear();
        else
          this.unhearing ??= setTimeout(() => {
            this.unhear();
          }, unheardMs).unref();
      }
    };
  }

  private unhear(): void {
    clearTimeout(this.unhearing);
    this.unhearing = undefined;
    const channels = [...this.unheard].map(newsOf);
    this.unheard.clear();
    if (channels.length > 0) void this.listener.unsubscribe(...channels).catch(() => undefined);
  }

  async progress(job: Job): Promise<JobProgress> {
    if (hasEnded(job)) {
      this.book.forget(job.id);
      return this.book.of(job);
    }
    const said = await asking(this.redis.hgetall(progressOf(job.id)));
    this.book.clear(job.id);
    for (const [place, text] of Object.entries(said))
      this.book.note(job, Number(place), JSON.parse(text) as WorkReport);
    return this.book.of(job);
  }
}
