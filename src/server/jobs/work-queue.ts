import type { Client } from '../service/client.js';
import type { JobProgress, WorkReport } from './job-progress.js';
import type { Job } from './job.js';
import type { JobListener } from './listeners.js';

/** An image whose turn has come. */
export interface Work {
  readonly id: string;
  readonly place: number;
  /** Whose turn it takes. */
  readonly client: Client;
  /** Whoever computes it by right says so in the record: see `begin`. Absent where there is only one process. */
  readonly lease?: string;
}

/**
 * Computes an image, and brings it to its end in the job's record. It never throws.
 * @returns milliseconds after which it is to be taken again; undefined where that is not needed
 */
export type Worker = (work: Work, signal: AbortSignal) => Promise<number | undefined>;

/**
 * How work comes to those who do it, and word of it to those who asked: in one process, or between many. What is true stands in
 * the store. A queue may forget everything: work that is offered again is taken again, and an image that has ended stays so.
 */
export interface WorkQueue {
  /** Offers those images of a job that wait. Some that are known, or have ended already, do no harm. */
  offer(job: Job, client: Client): Promise<void>;
  /** Takes images from now on, as many at once as are of use here, and begins with what others left. */
  take(worker: Worker): Promise<void>;
  /** A job was cancelled: nothing of it is taken any more, and what is computed stops, wherever that is. */
  withdraw(id: string): Promise<void>;
  /** Says how far an image is; with nothing, that it has ended. */
  report(job: Job, place: number, report?: WorkReport): void;
  /** Says that a job's record has changed. */
  tell(job: Pick<Job, 'id' | 'state'>): void;
  /**
   * Calls back whenever a job has changed or come further; also when the queue closes.
   * @returns a function that ends it
   */
  listen(id: string, listener: JobListener): () => void;
  progress(job: Job): Promise<JobProgress>;
  /** Whether nothing is taken any more. */
  readonly closed: boolean;
  /** Fires when nothing is taken any more. */
  readonly closing: AbortSignal;
  /**
   * Takes nothing any more, and waits for what is computed here.
   * @param giveUp then what still is, is left for others
   */
  close(giveUp: AbortSignal): Promise<void>;
}
