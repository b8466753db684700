import type { Readable } from 'node:stream';
import type { BytePart } from '../../storage/storage.js';
import type { Job } from './job.js';

/** Sources on their way into a job. Either `commit` or `discard` ends it. */
export interface JobDraft {
  /** Takes an image's bytes; they may be released afterwards. Images that have failed already need none. */
  addSource(place: number, bytes: Uint8Array): Promise<void>;
  /**
   * Makes the job of it. When the promise resolves the job outlives the end of the process and of the power.
   * @param admit is shown all jobs that the client has, and throws to refuse this one; two commits at once never see the same
   *   room twice
   * @returns the job; or the client's job of the same `request.key`, should there be one, and this one is discarded
   */
  commit(job: Job, admit?: (kept: readonly Job[]) => void): Promise<Job>;
  /** Lets the sources go; after `commit` it does nothing. */
  discard(): Promise<void>;
}

/** Changes a job; undefined leaves it as it is. Called again with a newer job where another change was faster. */
export type JobChange = (job: Job) => Job | undefined;

/**
 * Where jobs live until their clients have seen them.
 *
 * Small on purpose, and without a word about folders or processes: a store that several servers share (a queue on Redis, say)
 * is to stand alongside the one in a folder. That is why a job is only ever changed by `update`, which compares before it sets:
 * an image is computed by whoever's `begin` went through, and ended by whoever's `finish` did; everyone else's comes back
 * as undefined and is dropped.
 */
export interface JobStore {
  draft(): Promise<JobDraft>;
  get(id: string): Promise<Job | undefined>;
  /** The client's job that was asked for under a key. */
  find(client: string, key: string): Promise<Job | undefined>;
  /** Oldest first; all clients' without one. */
  list(client?: string): Promise<readonly Job[]>;
  /**
   * Changes a job, down to the disk, and counts its version up.
   * @returns the changed job; undefined where there was none, or nothing to change
   */
  update(id: string, change: JobChange): Promise<Job | undefined>;
  /** An image's source. Throws INPUT_NOT_FOUND where it is gone. */
  readSource(id: string, place: number): Promise<Uint8Array>;
  /** Keeps one result of an image, whole or not at all. It counts only once the job says that the image is done. */
  writeResult(id: string, place: number, output: number, bytes: Uint8Array, sha256: string): Promise<void>;
  /**
   * A result's bytes, or a part of them: all of it was compared with what the job says of it, so that what a disk has changed is
   * never taken for the result. The stream goes on when the result is removed, and must be read or destroyed.
   * @param part the first and the last byte, both included
   * @returns undefined where it is gone, `damaged` where it is not what it was
   */
  openResult(id: string, place: number, output: number, part?: BytePart): Promise<Readable | 'damaged' | undefined>;
  /** Removes bytes that are not needed any more: a finished job's sources, a cancelled one's results too. */
  dropSources(id: string): Promise<void>;
  dropResults(id: string): Promise<void>;
  /** Forgets a job and all of its data; false where there was none. */
  remove(id: string): Promise<boolean>;
  /** Removes bytes that belong to no job, where they can come about. */
  tidy?(now: Date): Promise<void>;
  /** Lets the store go; everything in it stays. */
  close(): Promise<void>;
}
