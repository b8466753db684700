import { randomBytes } from 'node:crypto';
import type { ResultFacts } from '../../asset/cached-upscaler.js';
import type { ProblemCode, ProblemStatus } from '../http/problem.js';
import type { Variant } from '../service/variant.js';

/**
 * `queued`: nothing was begun; `running`: some of it was; `done`: all images have ended and at least one has a result;
 * `failed`: all have failed; `cancelled`: by its client.
 */
export const jobStates = ['queued', 'running', 'done', 'failed', 'cancelled'] as const;
export type JobState = (typeof jobStates)[number];

/** Why an image has no result, in the words of the server's error responses. */
export interface JobProblem {
  readonly code: ProblemCode;
  /** Status that the image would have had if it had been sent for an answer at once. */
  readonly status: ProblemStatus;
  readonly detail: string;
}

/** A result as the client sees it; its bytes lie in the store. */
export interface JobResult extends Pick<ResultFacts, 'width' | 'height' | 'format' | 'frames' | 'model'> {
  readonly bytes: number;
  /** Of the bytes, in base64url: two results that a client could tell apart have two of them. */
  readonly sha256: string;
  /** What computed it. */
  readonly device: string;
}

interface ImageFacts {
  /** As the client calls it: a label for people, never a path. */
  readonly name?: string;
  readonly variant: Variant;
  readonly source: { readonly bytes: number; readonly sha256: string };
  /** Of the source, all frames: the measure of work. 0 where it is unknown. */
  readonly pixels: number;
  /** Of the result, all frames: the measure of its bytes while there are none. 0 where it is unknown. */
  readonly resultPixels: number;
  /** How often it was begun by servers that ended before it did. */
  readonly attempts: number;
}

export type JobImage = ImageFacts &
  (
    | { readonly state: 'queued' | 'running' | 'cancelled' }
    | { readonly state: 'done'; readonly result: JobResult }
    | { readonly state: 'failed'; readonly problem: JobProblem }
  );

/** Images that a client wants upscaled, and how far that is. Plain data: it is stored and sent as JSON. */
export interface Job {
  /** 128 random bits in base64url: knowing it is not enough, and guessing it is hopeless. */
  readonly id: string;
  /** Whose it is: a client's id. */
  readonly client: string;
  /** ISO 8601. */
  readonly created: string;
  /** ISO 8601; there when the job has ended. */
  readonly ended?: string;
  /** Counts the job's changes, so that a client that was away knows whether it missed one. */
  readonly version: number;
  readonly state: JobState;
  /** Results were removed when their time was over; the job stays a while to say so. */
  readonly expired?: true;
  /** What the client called its request, and a hash of what the request said. */
  readonly request?: { readonly key: string; readonly content: string };
  readonly images: readonly JobImage[];
}

/** A job that has ended never changes its images again. */
export function hasEnded({ state }: Pick<Job, 'state'>): boolean {
  return state === 'done' || state === 'failed' || state === 'cancelled';
}

/** The version of the last change that is news to a follower. That its results have expired, a client sees when it asks. */
export function newsVersion({ version, expired }: Pick<Job, 'version' | 'expired'>): number {
  return expired ? version - 1 : version;
}

/** A new job's id. */
export function newJobId(): string {
  return randomBytes(16).toString('base64url');
}

/** What looks like a job's id: nothing else ever becomes part of a path. */
export const jobIdPattern = /^[A-Za-z0-9_-]{22}$/;

/** Source pixels of a job that are still to be computed. */
export function waitingPixels(job: Job): number {
  return job.images.reduce(
    (sum, { state, pixels }) => (state === 'queued' || state === 'running' ? sum + pixels : sum),
    0,
  );
}

/** Images of a job that are still to be computed. */
export function waitingImages(job: Job): number {
  return job.images.filter(({ state }) => state === 'queued' || state === 'running').length;
}

/** Bytes that a job's results are reckoned with before there are any: photographs take one for each pixel as PNG, and less else. */
export function plannedBytes(job: Job): number {
  return job.images.reduce(
    (sum, { state, resultPixels }) => (state === 'queued' || state === 'running' ? sum + resultPixels : sum),
    0,
  );
}

/** Bytes of a job's sources and results that are kept. */
export function storedBytes(job: Job): number {
  if (job.expired || job.state === 'cancelled') return 0;
  return job.images.reduce((sum, image) => {
    // Sources go when the job has ended.
    const source = hasEnded(job) ? 0 : image.source.bytes;
    return sum + source + (image.state === 'done' ? image.result.bytes : 0);
  }, 0);
}
