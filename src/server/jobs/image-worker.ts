import { setTimeout as delay } from 'node:timers/promises';
import { allOrNone } from '../../abort.js';
import { digest } from '../../digest.js';
import { codeOf, messageOf, UpresError } from '../../errors.js';
import { Source } from '../../image/image-source.js';
import type { UpscaleResult } from '../../image/upscale.js';
import { approximateOnly } from '../../network/approximate.js';
import type { Progress } from '../../pixels.js';
import { defined } from '../../schema.js';
import type { Client } from '../service/client.js';
import type { Variant } from '../service/variant.js';
import { dropWhatEnded } from './drop-ended.js';
import { begin, finish, putBack, type Outcome } from './job-changes.js';
import type { JobStore } from './job-store.js';
import { hasEnded, type Job, type JobProblem, type JobResult } from './job.js';
import { mostAttempts } from './rest-before.js';
import { pauseAfter, RetryState } from './retry-state.js';
import type { Work, WorkQueue } from './work-queue.js';

/** Makes one file of an image. Those that are asked for at once share what they can. */
export type Compute = (
  source: Source,
  variant: Variant,
  options: {
    readonly client: Client;
    readonly signal: AbortSignal;
    readonly onProgress: (progress: Progress) => void;
  },
) => Promise<UpscaleResult>;

export interface ImageWorkerOptions {
  readonly store: JobStore;
  readonly queue: WorkQueue;
  readonly compute: Compute;
  /** What a client sees of an error; may log those that it must not see. */
  readonly problemOf: (error: unknown) => JobProblem;
  /** Told what holds jobs up: it is tried again. */
  readonly warn: (message: string) => void;
  /** Counts what is tried again, by the code of the reason. */
  readonly retried?: ((code: string) => void) | undefined;
  /** Told of each image that has ended, after its record says so. */
  readonly done?: ((job: Job, place: number) => void) | undefined;
}

/**
 * Computes images whose turn has come. Whatever happens is in the store before anybody hears of it, so that a process that is
 * killed goes on where it was, or another does, and no client ever sees two ends of one image.
 */
export class ImageWorker {
  private readonly retries = new RetryState();

  constructor(private readonly options: ImageWorkerOptions) {}

  /**
   * Brings an image to its end.
   * @returns milliseconds after which it is to be tried again; undefined where it has ended, or no one wants it any more
   */
  async work(work: Work, signal: AbortSignal): Promise<number | undefined> {
    const { queue } = this.options;
    const { id, place, lease } = work;
    const begun = await this.change(work, (job) => begin(job, place, lease));
    const image = begun?.images[place];
    if (!image) return undefined;
    queue.report(begun, place, { share: 0 });
    const outcome = image.attempts > mostAttempts ? worn : await this.outcomeOf(begun, work, signal);
    if (outcome === 'later') {
      const put = await this.change(work, (job) => putBack(job, place, lease));
      if (put) queue.tell(put);
      else queue.report(begun, place);
      return put && this.retries.pause(id, place);
    }
    this.retries.settle(id, place);
    const finished = await this.change(work, (job) => finish(job, place, outcome, new Date(), lease));
    queue.report(finished ?? begun, place);
    if (finished) await this.ended(finished, place);
    else await this.dropUnwanted(id);
    return undefined;
  }

  /** What became of an image; `later` where it is to be tried again, or no one wants it any more. */
  private async outcomeOf(job: Job, { place, client }: Work, signal: AbortSignal): Promise<Outcome | 'later'> {
    const { store, queue, compute, problemOf, warn, retried } = this.options;
    const { variants } = job.images[place]!;
    const shares = variants.map(() => 0);
    const make = async (source: Source, output: number, own: AbortSignal): Promise<JobResult> => {
      const onProgress = ({ donePixels, totalPixels }: Progress): void => {
        shares[output] = totalPixels > 0 ? Math.min(donePixels / totalPixels, 1) : 0;
        queue.report(job, place, { share: shares.reduce((sum, share) => sum + share, 0) / shares.length });
      };
      const result = await compute(source, variants[output]!, { client, signal: own, onProgress });
      own.throwIfAborted();
      const facts = await describe(result);
      await store.writeResult(job.id, place, output, result.data, facts.sha256);
      return facts;
    };
    try {
      const source = new Source(await store.readSource(job.id, place));
      signal.throwIfAborted();
      return { results: await allOrNone(variants, signal, (_, output, own) => make(source, output, own)) };
    } catch (error) {
      if (signal.aborted || queue.closed) return 'later';
      if (error instanceof UpresError && this.retries.note(job.id, place, error.code)) {
        queue.report(job, place, { waitsFor: error.code });
        warn(`image ${place} of job ${job.id} waits: ${error.message}`);
        retried?.(error.code);
        return 'later';
      }
      return { problem: problemOf(error) };
    }
  }

  /** Changes a job however long the disk is full: what happened must not be forgotten. */
  private async change({ id, place }: Work, change: (job: Job) => Job | undefined): Promise<Job | undefined> {
    const { store, queue, warn, retried } = this.options;
    for (let times = 1; ; times++) {
      try {
        return await store.update(id, change);
      } catch (error) {
        const code = codeOf(error) ?? 'INTERNAL';
        const job = await store.get(id).catch(() => undefined);
        if (job) queue.report(job, place, { waitsFor: code });
        warn(`job ${id} can't be written: ${messageOf(error)}`);
        retried?.(code);
        // The next start finds the job as it was, and does the image again.
        if (queue.closed) return undefined;
        await delay(pauseAfter(times), undefined, { ref: false, signal: queue.closing }).catch(() => undefined);
      }
    }
  }

  /** A result that came after its job was cancelled. */
  private async dropUnwanted(id: string): Promise<void> {
    const { store } = this.options;
    if ((await store.get(id).catch(() => undefined))?.state === 'cancelled') {
      await store.dropResults(id).catch(() => undefined);
    }
  }

  private async ended(job: Job, place: number): Promise<void> {
    const { store, queue, done } = this.options;
    queue.tell(job);
    done?.(job, place);
    if (!hasEnded(job)) return;
    this.retries.forget(job.id);
    await dropWhatEnded(store, job);
  }
}

const worn: Outcome = {
  problem: {
    code: 'INTERNAL',
    status: 500,
    detail: `the server ended ${mostAttempts} times while it worked on this image, which is therefore given up`,
  },
};

async function describe(result: UpscaleResult): Promise<JobResult> {
  const { data, width, height, format, frames, model, device, inferenceMs, codecMs } = result;
  const { machine, modelReason, warnings } = result;
  const sha256 = await digest(data, 'sha256', 'base64url');
  const facts = { width, height, format, frames, model, bytes: data.length, sha256, device, inferenceMs, codecMs };
  return { ...facts, ...defined({ machine, modelReason, warnings }), ...approximateOnly(result) };
}
