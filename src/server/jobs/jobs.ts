import { beyond, moreThanThreads } from './at-once.js';
import type { ServerContext } from '../service/context.js';
import { toProblem } from '../http/problem.js';
import { FileJobStore } from './file-job-store.js';
import { JobRunner, type JobRunnerOptions } from './job-runner.js';
import type { JobStore } from './job-store.js';
import { LocalQueue } from './local-queue.js';
import type { WorkQueue } from './work-queue.js';
import { JobSweeper } from './job-sweeper.js';
import { jobStates, waitingPixels, type JobState } from './job.js';

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
    private readonly closeStore: () => Promise<void>,
  ) {}

  /**
   * Opens the folder and goes on with what is unfinished there. When the server is about to end, what runs is waited for as long
   * as the server waits, unless requests need the threads; the rest is left for the next start.
   * @throws BAD_ARGUMENT while another server uses the folder; QUEUE_UNAVAILABLE, STORAGE_UNAVAILABLE
   */
  static async open({ settings, images, state, metrics }: ServerContext, log: JobsLog): Promise<Jobs> {
    const { folder, threads, limits } = settings;
    const atOnce = threads + moreThanThreads;
    const { store, queue, close } =
      settings.queue === undefined || settings.storage === undefined
        ? await openLocal(folder, atOnce, log.warn)
        : await openShared(settings.queue, settings.storage, atOnce, log.warn);
    const work = settings.compute ? workOf(images, metrics, log) : undefined;
    const runner = new JobRunner({ store, queue, warn: log.warn, work });
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
      await close();
      throw error;
    }
    sweeper.start();
    return new Jobs(store, runner, sweeper, close);
  }

  /** How many jobs are in each state, and source pixels that are still to be computed. */
  async count(): Promise<{ readonly states: Readonly<Record<JobState, number>>; readonly waiting: number }> {
    const jobs = await this.store.list();
    const counts = Object.fromEntries(jobStates.map((state) => [state, 0])) as Record<JobState, number>;
    for (const { state } of jobs) counts[state]++;
    return { states: counts, waiting: jobs.reduce((sum, job) => sum + waitingPixels(job), 0) };
  }

  /** Leaves everything as it is for the next start. */
  async close(): Promise<void> {
    await this.runner.close(AbortSignal.abort());
    await this.sweeper.stop();
    await this.closeStore();
  }
}

/** Where jobs are kept, and how work comes to those who do it. */
interface Kept {
  readonly store: JobStore;
  readonly queue: WorkQueue;
  readonly close: () => Promise<void>;
}

async function openLocal(folder: string, atOnce: number, warn: JobsLog['warn']): Promise<Kept> {
  const store = await FileJobStore.open(folder, warn);
  return { store, queue: new LocalQueue({ store, atOnce, beyond }), close: () => store.close() };
}

async function openShared(queue: string, storage: string, atOnce: number, warn: JobsLog['warn']): Promise<Kept> {
  const { openFarm } = await import('../farm/farm.js');
  return openFarm({ queue, storage, atOnce, warn });
}
