import type { Client } from '../service/client.js';
import { dropWhatEnded } from './drop-ended.js';
import { ImageWorker, type ImageWorkerOptions } from './image-worker.js';
import { cancel, lose } from './job-changes.js';
import type { JobProgress } from './job-progress.js';
import type { JobStore } from './job-store.js';
import { lostProblem, type Job } from './job.js';
import type { JobListener } from './listeners.js';
import type { WorkQueue } from './work-queue.js';

export interface JobRunnerOptions {
  readonly store: JobStore;
  /** How work comes to those who do it. */
  readonly queue: WorkQueue;
  /** How images are computed here; absent where that is left to others. */
  readonly work?: Omit<ImageWorkerOptions, 'store' | 'queue'> | undefined;
  readonly warn: (message: string) => void;
}

/** What clients may do with jobs: ask for them, follow them, cancel them, have them forgotten. */
export class JobRunner {
  constructor(private readonly options: JobRunnerOptions) {}

  /** Goes on with all jobs that have not ended. */
  async start(): Promise<void> {
    const { store, queue, work } = this.options;
    if (!work) return;
    const worker = new ImageWorker({ store, queue, ...work });
    await queue.take((image, signal) => worker.work(image, signal));
  }

  /** Takes a job that is in the store; one that is known or has ended already does no harm. */
  add(job: Job, client: Client): Promise<void> {
    return this.options.queue.offer(job, client);
  }

  progress(job: Job): Promise<JobProgress> {
    return this.options.queue.progress(job);
  }

  /**
   * Ends a job for its client: what is computed stops within a tile, and its data goes.
   * @returns undefined where there was nothing to cancel
   */
  async cancel(id: string): Promise<Job | undefined> {
    const { store, queue } = this.options;
    const cancelled = await store.update(id, (job) => cancel(job, new Date()));
    if (!cancelled) return undefined;
    await queue.withdraw(id);
    queue.tell(cancelled);
    await dropWhatEnded(store, cancelled);
    return cancelled;
  }

  /** Forgets a job that has ended. */
  async remove(job: Job): Promise<void> {
    await this.options.store.remove(job.id);
    this.options.queue.tell(job);
  }

  /** Notes that an image's results are not what they were: it has failed after all, for whoever asks from now on. */
  async lose(id: string, place: number): Promise<void> {
    const { store, queue, warn } = this.options;
    warn(`a result of image ${place} of job ${id} was damaged on the disk`);
    const ended = (job: Job): Job | undefined =>
      job.images[place]?.state === 'done' ? lose(job, place, lostProblem, new Date()) : undefined;
    const lost = await store.update(id, ended);
    if (lost) queue.tell(lost);
  }

  /**
   * Calls back whenever a job has changed or come further; also when the runner closes.
   * @returns a function that ends it
   */
  listen(id: string, listener: JobListener): () => void {
    return this.options.queue.listen(id, listener);
  }

  get closed(): boolean {
    return this.options.queue.closed;
  }

  /**
   * Begins nothing any more, and waits for what runs.
   * @param giveUp then what still runs is left for the next start, or for others
   */
  close(giveUp: AbortSignal): Promise<void> {
    return this.options.queue.close(giveUp);
  }
}
