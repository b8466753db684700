import type { ServerContext } from '../service/context.js';
import { toProblem } from '../http/problem.js';
import { FileJobStore } from './file-job-store.js';
import { JobRunner, type JobRunnerOptions } from './job-runner.js';
import type { JobStore } from './job-store.js';
import { LocalQueue } from './local-queue.js';
import { JobSweeper } from './job-sweeper.js';
import { jobStates, type JobState } from './job.js';

/** This many images more than threads are under way: one is decoded and one encoded while the threads compute. */
const moreThanThreads = 2;
/** This many more, for clients that would wait for others' large ones. */
const beyond = 4;

export interface JobsLog {
  readonly warn: (message: string) => void;
  /** Told about faults of the server's own, of which clients learn nothing. */
  readonly fault: (error: unknown) => void;
}

/** How images of jobs are computed. */
export function workOf(
  images: ServerContext['images'],
  metrics: ServerContext['metrics'],
  log: JobsLog,
): NonNullable<JobRunnerOptions['work']> {
  return {
    compute: (source, variant, options) => images.upscale(source, variant, options),
    problemOf: (error) => {
      const { status, code, message: detail } = toProblem(error);
      if (status === 500) log.fault(error);
      return { status, code, detail };
    },
    warn: log.warn,
    retried: (code) => {
      metrics.jobRetries.inc({ code });
    },
  };
}

/** All that a server needs for jobs: where they are kept, who computes them, who removes them. */
export class Jobs {
  private constructor(
    readonly store: JobStore,
    readonly runner: JobRunner,
    private readonly sweeper: JobSweeper,
  ) {}

  /**
   * Opens the folder and goes on with what is unfinished there. When the server is about to end, what runs is waited for as long
   * as the server waits, unless requests need the threads; the rest is left for the next start.
   * @throws BAD_ARGUMENT while another server uses the folder
   */
  static async open({ settings, images, state, metrics }: ServerContext, log: JobsLog): Promise<Jobs> {
    const { folder, threads, limits } = settings;
    const store = await FileJobStore.open(folder, log.warn);
    const queue = new LocalQueue({ store, atOnce: threads + moreThanThreads, beyond });
    const runner = new JobRunner({ store, queue, warn: log.warn, work: workOf(images, metrics, log) });
    const sweeper = new JobSweeper(store, limits.resultsDays, log.warn);
    state.draining.addEventListener('abort', () => {
      // Jobs survive the end of the server and requests do not: where there are both, requests get all threads.
      const giveUp = state.working ? AbortSignal.abort() : state.stopping;
      const over = state.beginRequest();
      void runner.close(giveUp).finally(over);
    });
    try {
      await runner.start();
    } catch (error) {
      await store.close();
      throw error;
    }
    sweeper.start();
    return new Jobs(store, runner, sweeper);
  }

  /** How many jobs are in each state. */
  async count(): Promise<Readonly<Record<JobState, number>>> {
    const counts = Object.fromEntries(jobStates.map((state) => [state, 0])) as Record<JobState, number>;
    for (const { state } of await this.store.list()) counts[state]++;
    return counts;
  }

  /** Leaves everything as it is for the next start. */
  async close(): Promise<void> {
    await this.runner.close(AbortSignal.abort());
    await this.sweeper.stop();
    await this.store.close();
  }
}
