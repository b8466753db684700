import { hasEnded, type Job, type JobImage, type JobProblem, type JobResult, type JobState } from './job.js';

/** How an image ended. */
export type Outcome = { readonly results: readonly JobResult[] } | { readonly problem: JobProblem };

/**
 * The changes that a job can go through. Each gives the changed job, or undefined where the change has come too late: the job
 * was cancelled in the meantime, or the image has ended. So an image ends once, whoever else was computing it.
 */

/**
 * An image is being computed now.
 * @param lease whose it is from now on, where there are several processes: whoever had it before has lost it
 */
export function begin(job: Job, place: number, lease?: string): Job | undefined {
  const image = job.images[place];
  // What it asked for may have come about though no one answered.
  if (image?.state === 'running' && lease !== undefined && image.lease === lease) return job;
  const lost = lease !== undefined && image?.state === 'running';
  if (!image || !(image.state === 'queued' || lost)) return undefined;
  const attempts = image.attempts + 1;
  return withImage(job, place, {
    ...facts(job, place),
    attempts,
    state: 'running',
    ...(lease !== undefined && { lease }),
  });
}

/** An image has ended; with the last one the job has. */
export function finish(job: Job, place: number, outcome: Outcome, now: Date, lease?: string): Job | undefined {
  const image = job.images[place];
  if (image?.state !== 'running' || image.lease !== lease) return undefined;
  const ended: JobImage =
    'results' in outcome
      ? { ...facts(job, place), state: 'done', results: outcome.results }
      : { ...facts(job, place), state: 'failed', problem: outcome.problem };
  return endedAt(withImage(job, place, ended), now);
}

/** An image that could not be computed now, for a reason that is not its own, waits again: that was no attempt. */
export function putBack(job: Job, place: number, lease?: string): Job | undefined {
  const image = job.images[place];
  if (image?.state !== 'running' || image.lease !== lease) return undefined;
  return withImage(job, place, { ...facts(job, place), state: 'queued', attempts: image.attempts - 1 });
}

/** Images that were running when their server ended wait again. */
export function requeue(job: Job): Job | undefined {
  if (!job.images.some(({ state }) => state === 'running')) return undefined;
  return withImages(
    job,
    job.images.map((image, place) => (image.state === 'running' ? { ...facts(job, place), state: 'queued' } : image)),
  );
}

/** An image that was given up is to be computed after all. */
export function revive(job: Job, place: number): Job | undefined {
  if (job.images[place]?.state !== 'failed' || job.expired) return undefined;
  const open: Job = { ...job };
  delete (open as { ended?: string }).ended;
  return withImage(open, place, { ...facts(job, place), attempts: 0, state: 'queued' });
}

/** The client wants no more of it. */
export function cancel(job: Job, now: Date): Job | undefined {
  if (hasEnded(job)) return undefined;
  const images = job.images.map((image, place): JobImage =>
    image.state === 'queued' || image.state === 'running' ? { ...facts(job, place), state: 'cancelled' } : image,
  );
  return endedAt(withImages(job, images), now);
}

/** The results of a finished job are removed. */
export function expire(job: Job): Job | undefined {
  return hasEnded(job) && !job.expired ? { ...job, expired: true } : undefined;
}

/** An image's result was lost before its job has ended: it is made again, and is the same. For damaged disks only. */
export function again(job: Job, place: number): Job {
  return withImage(job, place, { ...facts(job, place), state: 'queued' });
}

/** An image's data was lost: whatever it was, it has failed. For damaged disks only; elsewhere an end is an end. */
export function lose(job: Job, place: number, problem: JobProblem, now: Date): Job {
  return endedAt(withImage(job, place, { ...facts(job, place), state: 'failed', problem }), now);
}

/** An image without its end. */
function facts(
  job: Job,
  place: number,
): Pick<JobImage, 'name' | 'variants' | 'source' | 'pixels' | 'resultPixels' | 'attempts'> {
  const { name, variants, source, pixels, resultPixels, attempts } = job.images[place]!;
  return { ...(name !== undefined && { name }), variants, source, pixels, resultPixels, attempts };
}

function withImage(job: Job, place: number, image: JobImage): Job {
  return withImages(job, job.images.with(place, image));
}

function withImages(job: Job, images: readonly JobImage[]): Job {
  return { ...job, images, state: stateOf(images) };
}

function endedAt(job: Job, now: Date): Job {
  return hasEnded(job) && job.ended === undefined ? { ...job, ended: now.toISOString() } : job;
}

/** A job's state follows from its images'. */
export function stateOf(images: readonly JobImage[]): JobState {
  const states = new Set(images.map(({ state }) => state));
  if (states.has('cancelled')) return 'cancelled';
  if (states.has('running')) return 'running';
  if (states.has('queued')) return states.size === 1 ? 'queued' : 'running';
  return states.has('done') ? 'done' : 'failed';
}
