import { Problem } from '../http/problem.js';
import type { ServerLimits } from '../service/limits.js';
import { hasEnded, storedBytes, plannedBytes, waitingFiles, waitingPixels, type Job } from './job.js';

/** Seconds after which a client that has too many jobs may try again. */
const retrySeconds = 5;
/** Pixels that a client's jobs may wait with, in images of the largest size. */
const largestWaiting = 400;
/** Files that a client's jobs may wait with, however small. */
const mostWaiting = 10_000;

/**
 * Checks whether a client may have one more job.
 * @param others all that it has
 * @throws Problem 429: there will be room when jobs are finished, or removed; 422 for several files of each image that are too
 *   much together
 */
export function admitJob(job: Job, others: readonly Job[], limits: ServerLimits): void {
  const alive = others.filter(({ expired }) => !expired);
  if (alive.length >= limits.jobsPerClient) {
    const unfinished = alive.some((other) => !hasEnded(other));
    throw full(
      `${limits.jobsPerClient} jobs are kept for you already: ${unfinished ? 'wait for them, or ' : ''}remove some`,
    );
  }
  const kept = alive.reduce((sum, other) => sum + storedBytes(other), storedBytes(job));
  if (kept > limits.storedBytesPerClient) {
    throw full(`your jobs would hold more than ${limits.storedBytesPerClient} bytes: remove some that are finished`);
  }
  // What one file of each image may become is bounded by its own limits; it must not be refused for ever.
  if (plannedBytes(job) > limits.storedBytesPerClient && waitingFiles(job) > job.images.length) {
    const detail = `the files of this job would probably hold more than ${limits.storedBytesPerClient} bytes: ask for fewer`;
    throw new Problem(422, 'OUTPUT_TOO_LARGE', detail);
  }
  const planned = alive.reduce((sum, other) => sum + plannedBytes(other), plannedBytes(job));
  if (alive.length > 0 && kept + planned > limits.storedBytesPerClient) {
    throw full(
      `your jobs would probably hold more than ${limits.storedBytesPerClient} bytes: wait for them, or remove some`,
    );
  }
  const waiting = alive.reduce((sum, other) => sum + waitingPixels(other), 0);
  if (waiting > 0 && waiting + waitingPixels(job) > largestWaiting * limits.inputPixels) {
    throw full('your jobs that are not finished have too many pixels: wait for them');
  }
  const files = alive.reduce((sum, other) => sum + waitingFiles(other), 0);
  if (files > 0 && files + waitingFiles(job) > mostWaiting) {
    throw full(`your jobs that are not finished would make more than ${mostWaiting} files: wait for them`);
  }
}

function full(detail: string): Problem {
  return new Problem(429, 'BUSY', detail, { retryAfter: retrySeconds });
}
