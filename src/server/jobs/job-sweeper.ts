import { expire } from './job-changes.js';
import type { JobStore } from './job-store.js';
import { hasEnded, type Job } from './job.js';
import { messageOf } from '../../errors.js';

const msPerDay = 24 * 60 * 60 * 1000;
const longestInterval = 60 * 60 * 1000;
/** A clock is set by less every day. */
const usualCorrection = 5 * 60 * 1000;

/** The time of day, and milliseconds that no one sets. */
interface Moment {
  readonly time: number;
  readonly uptime: number;
}

/**
 * Removes finished jobs when their time is over: first what they hold, and as long again after that what is known of them.
 *
 * A clock may be wrong by years until it is set. Where it has jumped, and where by its word all jobs of a new process are over
 * at once, nothing is removed for a day: that is time to set it right.
 */
export class JobSweeper {
  private timer: NodeJS.Timeout | undefined;
  private sweeping: Promise<void> = Promise.resolve();
  private last: Moment | undefined;
  /** Until then, in milliseconds of uptime, the time of day is not believed. */
  private doubtEnds = -Infinity;

  /**
   * @param resultsDays days from a job's end on for which its results are kept
   * @param warn told when something can't be removed, and when the clock is not believed; it is tried again
   */
  constructor(
    private readonly store: JobStore,
    private readonly resultsDays: number,
    private readonly warn: (message: string) => void,
  ) {}

  /** Sweeps now, and from time to time, without keeping the process alive. */
  start(): void {
    const sweep = (): void => {
      this.sweeping = this.sweep(new Date()).catch((error: unknown) => {
        this.warn(`old jobs can't be removed: ${messageOf(error)}`);
      });
    };
    sweep();
    this.timer = setInterval(sweep, Math.min(longestInterval, Math.max(1000, (this.resultsDays * msPerDay) / 10)));
    this.timer.unref();
  }

  /** Waits for a sweep that is under way; there will be no other. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.sweeping;
  }

  /** @param uptime milliseconds of a clock that is never set */
  async sweep(now: Date, uptime = performance.now()): Promise<void> {
    const jobs = await this.store.list();
    if (this.doubts(jobs, { time: now.getTime(), uptime })) return;
    for (const job of jobs) {
      if (!hasEnded(job) || job.ended === undefined) continue;
      const days = (now.getTime() - Date.parse(job.ended)) / msPerDay;
      if (days >= 2 * this.resultsDays) await this.store.remove(job.id);
      else if (days >= this.resultsDays && (await this.store.update(job.id, expire))) {
        // The other way round, a server that is killed in between would have lost what it promises.
        await this.store.dropResults(job.id);
      }
    }
    await this.store.tidy?.(now);
  }

  private doubts(jobs: readonly Job[], now: Moment): boolean {
    const { last } = this;
    this.last = now;
    const jump = last ? now.time - last.time - (now.uptime - last.uptime) : this.sinceNewest(jobs, now.time);
    if (Math.abs(jump) > (last ? usualCorrection : this.resultsDays * msPerDay)) {
      this.doubtEnds = now.uptime + Math.min(1, this.resultsDays / 7) * msPerDay;
      this.warn(`the clock may have jumped to ${new Date(now.time).toISOString()}: no old jobs are removed for now`);
    }
    return now.uptime < this.doubtEnds;
  }

  /** Milliseconds since a job was last asked for or ended, by the clock; 0 where there is none. */
  private sinceNewest(jobs: readonly Job[], time: number): number {
    const times = jobs.flatMap(({ created, ended }) => [created, ...(ended === undefined ? [] : [ended])]);
    return times.length === 0 ? 0 : time - Math.max(...times.map((text) => Date.parse(text)));
  }
}
