import { UpresError } from '../../errors.js';
import { check } from '../../schema.js';
import { jobRecord, type Job } from './job.js';
import { stateOf } from './job-changes.js';

/** A job as a file's text. */
export function printJob(job: Job): string {
  return JSON.stringify(job);
}

/**
 * Reads what `printJob` wrote, in this version or before.
 * @throws SyntaxError, BAD_ARGUMENT where that is damaged
 */
export function readJob(stored: string): Job {
  const job = check(jobRecord, renewed(JSON.parse(stored)), '', 'field');
  if (job.state !== stateOf(job.images)) {
    throw new UpresError('BAD_ARGUMENT', 'its state is not that of its images');
  }
  if (job.images.some((image) => image.state === 'done' && image.results.length !== image.variants.length)) {
    throw new UpresError('BAD_ARGUMENT', 'an image has not as many results as were asked for');
  }
  return job;
}

/** In 0.1.0 an image became one file. */
function renewed(job: unknown): unknown {
  if (typeof job !== 'object' || job === null || !('images' in job) || !Array.isArray(job.images)) return job;
  const images = job.images.map((image: unknown) => {
    if (typeof image !== 'object' || image === null || !('variant' in image)) return image;
    const { variant, ...others } = image;
    if (!('result' in others)) return { ...others, variants: [variant] };
    const { result, ...facts } = others;
    return { ...facts, variants: [variant], results: [result] };
  });
  return { ...job, images };
}
