import { expire } from './job-changes.js';
import type { JobStore } from './job-store.js';
import { hasEnded } from './job.js';
import { messageOf } from '../../errors.js';

const msPerDay = 24 * 60 * 60 * 1000;
const longestInterval = 60 * 60 * 1000;

/** Removes finished jobs when their time is over: first what they hold, and as long again after that what is known of them. */
export class JobSweeper {
  private timer: NodeJS.Timeout | undefined;
  private sweeping: Promise<void> = Promise.resolve();

  /**
   * @param resultsDays days from a job's end on for which its results are kept
   * @param warn told when something can't be removed; it is tried again
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

  async sweep(now: Date): Promise<void> {
    for (const job of await this.store.list()) {
      if (!hasEnded(job) || job.ended === undefined) continue;
      const days = (now.getTime() - Date.parse(job.ended)) / msPerDay;
      if (days >= 2 * this.resultsDays) await this.store.remove(job.id);
      else if (days >= this.resultsDays && (await this.store.update(job.id, expire))) {
        // The other way round, a server that is killed in between would have lost what it promises.
        await this.store.dropResults(job.id);
      }
    }
  }
}
