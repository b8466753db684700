import { Problem } from '../problem.js';
import type { ServerLimits } from '../limits.js';
import { hasEnded, keptBytes, waitingPixels, type Job } from './job.js';

/** Seconds after which a client that has too many jobs may try again. */
const retrySeconds = 5;
/** Pixels that a client's jobs may wait with, in images of the largest size. */
const waitingImages = 400;

/**
 * Checks whether a client may have one more job.
 * @param kept all that it has
 * @throws Problem 429: there will be room when jobs are finished, or removed
 */
export function admitJob(job: Job, kept: readonly Job[], limits: ServerLimits): void {
  const alive = kept.filter(({ expired }) => !expired);
  if (alive.length >= limits.jobsPerClient) {
    const unfinished = alive.some((other) => !hasEnded(other));
    throw full(
      `${limits.jobsPerClient} jobs are kept for you already: ${unfinished ? 'wait for them, or ' : ''}remove some`,
    );
  }
  const bytes = alive.reduce((sum, other) => sum + keptBytes(other), keptBytes(job));
  if (bytes > limits.storedBytesPerClient) {
    throw full(`your jobs would hold more than ${limits.storedBytesPerClient} bytes: remove some that are finished`);
  }
  const waiting = alive.reduce((sum, other) => sum + waitingPixels(other), 0);
  if (waiting > 0 && waiting + waitingPixels(job) > waitingImages * limits.inputPixels) {
    throw full('your jobs that are not finished have too many pixels: wait for them');
  }
}

function full(detail: string): Problem {
  return new Problem(429, 'BUSY', detail, { retryAfter: retrySeconds });
}
