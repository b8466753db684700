import { randomBytes } from 'node:crypto';
import { outputFormats } from '../../image/codec/formats.js';
import { choice, either, list, literal, number, object, text, whole, type Schema, type TypeOf } from '../../schema.js';
import { problemStatuses, type ProblemCode } from '../http/problem.js';
import { countSizes, variant } from '../service/variant.js';

/**
 * `queued`: nothing was begun; `running`: some of it was; `done`: all images have ended and at least one has a result;
 * `failed`: all have failed; `cancelled`: by its client.
 */
export const jobStates = ['queued', 'running', 'done', 'failed', 'cancelled'] as const;
export type JobState = (typeof jobStates)[number];

const count = whole({ from: 0 });
const side = whole({ from: 1 });
const words = text('a text');
const sha256 = text('a SHA-256 in base64url', { pattern: /^[\w-]{43}$/ });
const time = text('a time as of ISO 8601', { pattern: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/ });

/** What looks like a job's id: nothing else ever becomes part of a path. */
export const jobIdPattern = /^[A-Za-z0-9_-]{22}$/;

const problem = object(
  {
    // Codes come and go with versions; what was said is said.
    code: text('a code', { pattern: /^[A-Z_]+$/ }) as Schema<ProblemCode>,
    /** Status that the image would have had if it had been sent for an answer at once. */
    status: literal(...problemStatuses),
    detail: words,
  },
  {},
);

/** Why an image has no result, in the words of the server's error responses. */
export interface JobProblem extends TypeOf<typeof problem> {}

/** Of an image whose data a disk has lost. */
export const lostProblem: JobProblem = {
  code: 'INTERNAL',
  status: 500,
  detail: 'its data was lost on the server: send it again',
};

const result = object(
  {
    width: side,
    height: side,
    format: choice(outputFormats),
    frames: side,
    model: words,
    bytes: count,
    /** Of the bytes, in base64url: two results that a client could tell apart have two of them. */
    sha256,
    /** What computed it. */
    device: words,
  },
  {
    /** Where its network looks too far for tiles that equal the whole. */
    approximate: literal(1),
    /** How far they are from it, in levels of 255. */
    approximateBy: number({ from: 0 }),
    /** The kind of machine that computed it: others may differ in the last bit. */
    machine: words,
    /** Why `auto` chose the model, in words for people. */
    modelReason: words,
    /** What is odd about the source or was left behind, in words for people. */
    warnings: list(words),
    inferenceMs: number({ from: 0 }),
    codecMs: number({ from: 0 }),
  },
);

/** A result as the client sees it; its bytes lie in the store. */
export interface JobResult extends TypeOf<typeof result> {}

const imageFacts = {
  /** The files that it becomes. */
  variants: list(variant, { least: 1 }),
  source: object({ bytes: count, sha256 }, {}),
  /** Of the source, all frames: the measure of work. 0 where it is unknown. */
  pixels: count,
  /** Of all results, all frames: the measure of their bytes while there are none. 0 where it is unknown. */
  resultPixels: count,
  /** How often it was begun by servers that ended before it did. */
  attempts: count,
};
const label = {
  /** As the client calls it: a label for people, never a path. */
  name: words,
};

const image = either(
  'an image of a job',
  object({ ...imageFacts, state: choice(['queued', 'cancelled']) }, label),
  /** Where several processes compute, only whoever's lease it is may end it. */
  object({ ...imageFacts, state: choice(['running']) }, { ...label, lease: words }),
  /** Results in the order of the variants. */
  object({ ...imageFacts, state: choice(['done']), results: list(result) }, label),
  object({ ...imageFacts, state: choice(['failed']), problem }, label),
);

export type JobImage = TypeOf<typeof image>;

export const jobRecord = object(
  {
    /** 128 random bits in base64url: knowing it is not enough, and guessing it is hopeless. */
    id: text('the id of a job', { pattern: jobIdPattern }),
    /** Whose it is: a client's id. */
    client: words,
    /** ISO 8601. */
    created: time,
    /** Counts the job's changes, so that a client that was away knows whether it missed one. */
    version: count,
    state: choice(jobStates),
    images: list(image, { least: 1 }),
  },
  {
    /** ISO 8601; there when the job has ended. */
    ended: time,
    /** Results were removed when their time was over; the job stays a while to say so. */
    expired: literal(true),
    /** What the client called its request, and a hash of what the request said. */
    request: object({ key: words, content: words }, {}),
  },
);

/** Images that a client wants upscaled, and how far that is. Plain data: it is stored and sent as JSON. */
export interface Job extends TypeOf<typeof jobRecord> {}

/** A job that has ended never changes its images again. */
export function hasEnded({ state }: Pick<Job, 'state'>): boolean {
  return state === 'done' || state === 'failed' || state === 'cancelled';
}

/** The version of the last change that is news to a follower. That its results have expired, a client sees when it asks. */
export function newsVersion({ version, expired }: Pick<Job, 'version' | 'expired'>): number {
  return expired ? version - 1 : version;
}

/** A new job's id. None begins with `-`: commands that are given it would take it for an option. */
export function newJobId(): string {
  const id = randomBytes(16).toString('base64url');
  return id.startsWith('-') ? newJobId() : id;
}

/** Source pixels that go through a network for an image: once for each size, whatever the formats. */
export function workPixels({ pixels, variants }: Pick<JobImage, 'pixels' | 'variants'>): number {
  return pixels * countSizes(variants);
}

/** What is to be summed over the images of a job that are still to be computed. */
function sumOfWaiting(job: Job, of: (image: JobImage) => number): number {
  return job.images.reduce((sum, image) => (isWaiting(image) ? sum + of(image) : sum), 0);
}

const isWaiting = ({ state }: JobImage): boolean => state === 'queued' || state === 'running';

/** Source pixels of a job that are still to be computed. */
export function waitingPixels(job: Job): number {
  return sumOfWaiting(job, workPixels);
}

/** Files of a job that are still to be made. */
export function waitingFiles(job: Job): number {
  return sumOfWaiting(job, ({ variants }) => variants.length);
}

/** Bytes that a job's results are reckoned with before there are any: photographs take one for each pixel as PNG, and less else. */
export function plannedBytes(job: Job): number {
  return sumOfWaiting(job, ({ resultPixels }) => resultPixels);
}

/** Bytes of a job's sources and results that are kept. */
export function storedBytes(job: Job): number {
  if (job.expired || job.state === 'cancelled') return 0;
  return job.images.reduce((sum, image) => {
    // Sources go when the job has ended.
    const source = hasEnded(job) ? 0 : image.source.bytes;
    const results = image.state === 'done' ? image.results : [];
    return results.reduce((total, { bytes }) => total + bytes, sum + source);
  }, 0);
}
