import { setTimeout as delay } from 'node:timers/promises';
import { UpresError } from '#src/errors.js';
import type { Client } from '#src/server/service/client.js';
import type { Compute } from '#src/server/jobs/image-worker.js';
import { JobRunner } from '#src/server/jobs/job-runner.js';
import { LocalQueue, type LocalQueueOptions } from '#src/server/jobs/local-queue.js';
import type { JobStore } from '#src/server/jobs/job-store.js';
import { hasEnded, type Job, type JobProblem } from '#src/server/jobs/job.js';
import { toProblem } from '#src/server/http/problem.js';

export type ComputeResult = Awaited<ReturnType<Compute>>;

/** A result that carries these bytes. */
export function computed(data: Uint8Array): ComputeResult {
  return {
    data,
    format: 'png',
    width: 2,
    height: 2,
    frames: 1,
    sourceWidth: 1,
    sourceHeight: 1,
    upscale: 2,
    model: 'natural',
    device: 'cpu',
    inferenceMs: 0,
    codecMs: 0,
  };
}

/** What the stand-in for upscaling makes of a source: known beforehand, and different for each. */
export const expectedBytes = (source: Uint8Array): Uint8Array => source.toReversed();

/** Stands in for upscaling: sources that begin with `bad` can't be read, and `slow` ones take until they are stopped. */
export const reverse: Compute = async (source, _variant, { signal, onProgress }) => {
  const bytes = await source.bytes();
  const text = new TextDecoder().decode(bytes);
  if (text.startsWith('bad')) throw new UpresError('INPUT_CORRUPT', 'it is damaged');
  onProgress({ donePixels: 1, totalPixels: 2 });
  if (text.startsWith('slow')) await stopped(signal);
  await delay(0);
  signal.throwIfAborted();
  return computed(expectedBytes(bytes));
};

/** Waits until the signal fires, and throws as upscaling does. */
export async function stopped(signal: AbortSignal): Promise<never> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => {
      resolve();
    });
  });
  throw new UpresError('ABORTED', 'upscaling was aborted', { cause: signal.reason });
}

export interface RunnerOptions extends Partial<LocalQueueOptions> {
  readonly warn?: (message: string) => void;
  readonly retried?: (code: string) => void;
}

const refuse = (message: string): never => {
  throw new Error(message);
};

/** A runner that has begun. */
export async function startRunner(
  store: JobStore,
  compute: Compute,
  { warn = refuse, retried, ...slots }: RunnerOptions = {},
): Promise<JobRunner> {
  const problemOf = (error: unknown): JobProblem => {
    const { code, status, message } = toProblem(error);
    return { code, status, detail: message };
  };
  const queue = new LocalQueue({ store, atOnce: 4, beyond: 0, ...slots });
  const runner = new JobRunner({ store, queue, warn, work: { compute, problemOf, warn, retried } });
  await runner.start();
  return runner;
}

/** Waits until a job is as it should be. */
export async function jobWhen(
  store: JobStore,
  runner: JobRunner,
  id: string,
  condition: (job: Job) => boolean = hasEnded,
): Promise<Job> {
  for (;;) {
    const changed = new Promise<void>((resolve) => {
      const unlisten = runner.listen(id, () => {
        unlisten();
        resolve();
      });
    });
    const job = await store.get(id);
    if (!job) throw new Error('there is no such job');
    if (condition(job)) return job;
    await changed;
  }
}

export const clientNamed = (id: string): Client => ({ id });
