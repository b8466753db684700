import * as v from 'valibot';
import { outputFormats } from '../../image/codec/formats.js';
import { deviceChoices } from '../../network/device.js';
import { problemStatuses, type ProblemCode } from '../http/problem.js';
import { jobIdPattern, jobStates, type Job, type JobImage } from './job.js';
import { stateOf } from './job-changes.js';

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Side = v.pipe(Count, v.minValue(1));
const Sha256 = v.pipe(v.string(), v.regex(/^[\w-]{43}$/));
const Time = v.pipe(v.string(), v.isoTimestamp());

const Variant = v.strictObject({
  upscale: v.exactOptional(v.number()),
  width: v.exactOptional(Side),
  minWidth: v.exactOptional(Side),
  model: v.string(),
  format: v.exactOptional(v.picklist(outputFormats)),
  quality: v.exactOptional(Side),
  lossless: v.exactOptional(v.boolean()),
  animation: v.exactOptional(v.picklist(['keep', 'first-frame'])),
  device: v.exactOptional(v.picklist(deviceChoices)),
});

const imageFacts = {
  name: v.exactOptional(v.string()),
  variant: Variant,
  source: v.strictObject({ bytes: Count, sha256: Sha256 }),
  pixels: Count,
  resultPixels: Count,
  attempts: Count,
};

const Result = v.strictObject({
  width: Side,
  height: Side,
  format: v.picklist(outputFormats),
  frames: Side,
  model: v.string(),
  bytes: Count,
  sha256: Sha256,
  device: v.string(),
});

const Problem = v.strictObject({
  // Codes come and go with versions; what was said is said.
  code: v.custom<ProblemCode>((code) => typeof code === 'string' && /^[A-Z_]+$/.test(code)),
  status: v.picklist(problemStatuses),
  detail: v.string(),
});

const Image: v.GenericSchema<unknown, JobImage> = v.variant('state', [
  v.strictObject({ ...imageFacts, state: v.picklist(['queued', 'running', 'cancelled']) }),
  v.strictObject({ ...imageFacts, state: v.literal('done'), result: Result }),
  v.strictObject({ ...imageFacts, state: v.literal('failed'), problem: Problem }),
]);

const StoredJob: v.GenericSchema<unknown, Job> = v.pipe(
  v.strictObject({
    id: v.pipe(v.string(), v.regex(jobIdPattern)),
    client: v.string(),
    created: Time,
    ended: v.exactOptional(Time),
    version: Count,
    state: v.picklist(jobStates),
    expired: v.exactOptional(v.literal(true)),
    request: v.exactOptional(v.strictObject({ key: v.string(), content: v.string() })),
    images: v.pipe(v.array(Image), v.minLength(1)),
  }),
  v.check(({ state, images }) => state === stateOf(images), 'its state is not that of its images'),
);

/** A job as a file's text. */
export function printJob(job: Job): string {
  return JSON.stringify(job);
}

/** Reads what `printJob` wrote. Throws where that is damaged, or of another version. */
export function readJob(text: string): Job {
  return v.parse(StoredJob, JSON.parse(text));
}
