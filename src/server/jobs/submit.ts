import { createHash } from 'node:crypto';
import { digest } from '../../digest.js';
import { Source } from '../../image/image-source.js';
import type { Client } from '../service/client.js';
import type { ServerContext } from '../service/context.js';
import { Problem, toProblem } from '../http/problem.js';
import type { UploadedImage } from '../http/upload.js';
import type { Variant } from '../service/variant.js';
import { stateOf } from './job-changes.js';
import { admitJob } from './job-limits.js';
import type { JobStore } from './job-store.js';
import { newJobId, type Job, type JobImage } from './job.js';

export interface Submission {
  readonly client: Client;
  /** At least one: the files that each image becomes. */
  readonly variants: readonly Variant[];
  /** At least one. */
  readonly images: readonly UploadedImage[];
  /** What the client calls this request: sent again, it makes no second job. */
  readonly key: string | undefined;
}

/**
 * Makes a job, down to the disk. An image that can be seen not to work has failed from the beginning and stops none of the
 * others; where none would work, nothing is accepted.
 * @returns the job; the one that there was already for a key, with `known`
 * @throws Problem: 413, 415, 422 for the first image when all fail, 422 for a key of another request, 429 where the client has
 *   enough; DISK_FULL
 */
export async function submitJob(
  { images: service, settings }: Pick<ServerContext, 'images' | 'settings'>,
  store: JobStore,
  { client, variants, images, key }: Submission,
): Promise<{ readonly job: Job; readonly known: boolean }> {
  const sums = await Promise.all(images.map(({ bytes }) => digest(bytes, 'sha256', 'base64url')));
  const content = contentHash(variants, images, sums);
  const earlier = key === undefined ? undefined : await store.find(client.id, key);
  if (earlier) return { job: sameRequest(earlier, content), known: true };

  const probed: JobImage[] = [];
  for (const [place, { name, bytes }] of images.entries()) {
    const source = { bytes: bytes.length, sha256: sums[place]! };
    const facts = { ...(name !== undefined && { name }), variants, source, attempts: 0 };
    probed.push({ ...facts, ...(await probe(service, bytes, variants)) });
  }
  if (stateOf(probed) === 'failed') throw firstProblem(probed);

  const job: Job = {
    id: newJobId(),
    client: client.id,
    created: new Date().toISOString(),
    version: 1,
    state: stateOf(probed),
    ...(key !== undefined && { request: { key, content } }),
    images: probed,
  };
  // Also before anything is written: who has enough costs the disk nothing.
  admitJob(job, await store.list(client.id), settings.limits);
  const draft = await store.draft();
  try {
    for (const [place, { bytes }] of images.entries()) {
      if (probed[place]!.state === 'queued') await draft.addSource(place, bytes);
    }
    const accepted = await draft.commit(job, (kept) => {
      admitJob(job, kept, settings.limits);
    });
    return { job: sameRequest(accepted, content), known: accepted.id !== job.id };
  } finally {
    await draft.discard();
  }
}

async function probe(
  service: ServerContext['images'],
  bytes: Uint8Array,
  variants: readonly Variant[],
): Promise<
  Pick<JobImage, 'pixels' | 'resultPixels'> &
    ({ state: 'queued' } | Pick<Extract<JobImage, { state: 'failed' }>, 'state' | 'problem'>)
> {
  try {
    const { inputPixels, outputPixels } = await service.probe(new Source(bytes), variants);
    return { state: 'queued', pixels: inputPixels, resultPixels: outputPixels };
  } catch (error) {
    const { status, code, message: detail } = toProblem(error);
    // A fault of the server's own says nothing about the image.
    if (status >= 500) throw error;
    return { state: 'failed', pixels: 0, resultPixels: 0, problem: { status, code, detail } };
  }
}

function firstProblem(images: readonly JobImage[]): Problem {
  const failed = images.find((image) => image.state === 'failed');
  if (!failed) throw new Error('a job that has failed has an image that has');
  const { status, code, detail } = failed.problem;
  return new Problem(status, code, detail);
}

/** Of everything that the client asked for. What is asked for as it was in 0.1.0, one file of each image, has the hash it had. */
function contentHash(variants: readonly Variant[], images: readonly UploadedImage[], sums: readonly string[]): string {
  const asked = {
    variant: variants.length === 1 ? variants[0] : variants,
    images: images.map(({ name }, place) => [name ?? null, sums[place]]),
  };
  return createHash('sha256').update(JSON.stringify(asked)).digest('base64url');
}

function sameRequest(job: Job, content: string): Job {
  if (!job.request || job.request.content === content) return job;
  throw new Problem(422, 'IDEMPOTENCY_KEY_REUSED', 'this Idempotency-Key was used for another request: take a new one');
}
