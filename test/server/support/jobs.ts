import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { newJobId, type Job, type JobImage, type JobResult } from '#src/server/jobs/job.js';
import type { JobStore } from '#src/server/jobs/job-store.js';

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('base64url');

/** Bytes that stand for an image where no one looks into it. */
export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

export interface JobOptions {
  readonly client?: string;
  readonly key?: string;
  readonly content?: string;
  /** Pixels of each image; default: the length of its bytes. */
  readonly pixels?: number;
  /** Pixels of each result; default: none, as if it took no room. */
  readonly resultPixels?: number;
  readonly created?: Date;
  /** The files that each image becomes; default: one. */
  readonly variants?: JobImage['variants'];
}

/** A job as it is before anything was computed. */
export function newJob(sources: readonly Uint8Array[], options: JobOptions = {}): Job {
  const { client = 'alice', key, content = 'content', created = new Date(), pixels, resultPixels = 0 } = options;
  const { variants = [{ upscale: 2, model: 'natural' }] } = options;
  const images = sources.map((bytes): JobImage => ({
    variants,
    source: { bytes: bytes.length, sha256: sha256(bytes) },
    pixels: pixels ?? Math.max(1, bytes.length),
    resultPixels,
    attempts: 0,
    state: 'queued',
  }));
  return {
    id: newJobId(),
    client,
    created: created.toISOString(),
    version: 1,
    state: 'queued',
    ...(key !== undefined && { request: { key, content } }),
    images,
  };
}

/** Puts a job with these sources into a store. */
export async function submit(store: JobStore, sources: readonly Uint8Array[], options: JobOptions = {}): Promise<Job> {
  const draft = await store.draft();
  for (const [place, bytes] of sources.entries()) await draft.addSource(place, bytes);
  return draft.commit(newJob(sources, options));
}

/** A result's bytes; undefined where there is none. */
export async function readResult(store: JobStore, id: string, place: number, output = 0): Promise<Buffer | undefined> {
  const stream = await store.openResult(id, place, output);
  if (stream === 'damaged') throw new Error('the result is damaged');
  return stream && buffer(stream);
}

/** What an image became, of made-up bytes. */
export function resultOf(bytes: Uint8Array): JobResult {
  return {
    width: 2,
    height: 2,
    format: 'png',
    frames: 1,
    model: 'natural',
    bytes: bytes.length,
    sha256: sha256(bytes),
    device: 'cpu',
  };
}
