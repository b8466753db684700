import { approximateOnly } from '../../network/approximate.js';
import { setTimeout as delay } from 'node:timers/promises';
import { allOrNone } from '../../abort.js';
import { digest } from '../../digest.js';
import { codeOf, messageOf, UpresError } from '../../errors.js';
import { Source } from '../../image/image-source.js';
import type { UpscaleResult } from '../../image/upscale.js';
import type { Client } from '../service/client.js';
import type { Variant } from '../service/variant.js';
import { begin, cancel, finish, lose, putBack, requeue, type Outcome } from './job-changes.js';
import { ProgressBook, type JobProgress } from './job-progress.js';
import { JobQueue, type QueuedImage, type QueuedTurn } from './job-queue.js';
import type { JobStore } from './job-store.js';
import { hasEnded, lostProblem, type Job, type JobProblem, type JobResult } from './job.js';
import { mostAttempts, restBefore, shortestRest } from './rest-before.js';
import { pauseAfter, RetryState } from './retry-state.js';
import type { Progress } from '../../pixels.js';

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

export interface JobRunnerOptions extends Slots {
  readonly store: JobStore;
  readonly compute: Compute;
  /** What a client sees of an error; may log those that it must not see. */
  readonly problemOf: (error: unknown) => JobProblem;
  /** Told what holds jobs up: it is tried again. */
  readonly warn: (message: string) => void;
  /** Counts what is tried again, by the code of the reason. */
  readonly retried?: (code: string) => void;
  /** Milliseconds that an image rests whose servers ended several times while it was computed; see `restBefore`. */
  readonly shortestRest?: number;
}

/** An image that is being computed. */
interface Running {
  readonly image: QueuedImage;
  readonly stop: AbortController;
}

/**
 * Computes the images of all jobs, some at once. Whatever happens is in the store before anybody hears of it, so that a server
 * that is killed goes on where it was, and no client ever sees two ends of one image.
 */
export class JobRunner {
  private readonly queue = new JobQueue();
  private readonly book = new ProgressBook();
  private readonly retries = new RetryState();
  private readonly running = new Map<Promise<void>, Running>();
  private readonly listeners = new Map<string, Set<() => void>>();
  /** Turns in the queue, by client: one for each, however often it comes. */
  private readonly lanes = new Map<string, Client>();
  /** By id, as they asked last: the objects that stand for their turns elsewhere. */
  private readonly clients = new Map<string, Client>();
  private readonly closing = new AbortController();
  /** Jobs whose records could not be written, with the reason's code. */
  private readonly unwritten = new Map<string, string>();
  private readonly started = performance.now();

  constructor(private readonly options: JobRunnerOptions) {}

  /** Goes on with all jobs that have not ended. */
  async start(): Promise<void> {
    for (const job of await this.options.store.list()) {
      if (hasEnded(job)) continue;
      const waiting = (await this.options.store.update(job.id, requeue)) ?? job;
      this.queue.add(waiting, this.laneOf(job.client));
      for (const rest of new Set(waiting.images.map((image) => this.restBefore(image)))) {
        if (rest === 0) continue;
        setTimeout(() => {
          this.fill();
        }, rest).unref();
      }
    }
    this.fill();
  }

  /** Takes a job that is in the store; one that is known or has ended already does no harm. */
  add(job: Job, client: Client): void {
    this.clients.set(client.id, client);
    this.queue.add(job, this.laneOf(client.id));
    this.fill();
  }

  progress(job: Job): JobProgress {
    const waitsFor = hasEnded(job) ? undefined : (this.unwritten.get(job.id) ?? this.retries.reason(job.id));
    return { ...this.book.of(job), ...(waitsFor !== undefined && { waitsFor }) };
  }

  /**
   * Ends a job for its client: what is computed stops within a tile, and its data goes.
   * @returns undefined where there was nothing to cancel
   */
  async cancel(id: string): Promise<Job | undefined> {
    const { store } = this.options;
    const cancelled = await store.update(id, (job) => cancel(job, new Date()));
    if (!cancelled) return undefined;
    this.queue.remove(id);
    const reason = new UpresError('ABORTED', 'the job was cancelled');
    for (const work of this.running.values()) if (work.image.id === id) work.stop.abort(reason);
    await this.ended(cancelled);
    return cancelled;
  }

  /** Forgets a job that has ended. */
  async remove(id: string): Promise<void> {
    await this.options.store.remove(id);
    this.tell(id);
  }

  /** Notes that an image's results are not what they were: it has failed after all, for whoever asks from now on. */
  async lose(id: string, place: number): Promise<void> {
    const { store, warn } = this.options;
    warn(`a result of image ${place} of job ${id} was damaged on the disk`);
    const ended = (job: Job): Job | undefined =>
      job.images[place]?.state === 'done' ? lose(job, place, lostProblem, new Date()) : undefined;
    await store.update(id, ended);
    this.tell(id);
  }

  /**
   * Calls back whenever a job has changed or come further; also when the runner closes.
   * @returns a function that ends it
   */
  listen(id: string, listener: () => void): () => void {
    const own = this.listeners.get(id) ?? new Set();
    this.listeners.set(id, own.add(listener));
    return () => {
      own.delete(listener);
      if (own.size === 0 && this.listeners.get(id) === own) this.listeners.delete(id);
    };
  }

  get closed(): boolean {
    return this.closing.signal.aborted;
  }

  /**
   * Begins nothing any more, and waits for what runs.
   * @param giveUp then what still runs is left for the next start
   */
  async close(giveUp: AbortSignal): Promise<void> {
    this.closing.abort();
    for (const id of this.listeners.keys()) this.tell(id);
    const stop = (): void => {
      for (const work of this.running.values()) work.stop.abort(new UpresError('ABORTED', 'the server ends'));
    };
    if (giveUp.aborted) stop();
    giveUp.addEventListener('abort', stop, { once: true });
    await Promise.allSettled(this.running.keys());
    giveUp.removeEventListener('abort', stop);
  }

  private restBefore({ attempts }: { readonly attempts: number }): number {
    return restBefore(attempts, this.options.shortestRest ?? shortestRest);
  }

  private noteRetry(code: string, message: string): void {
    this.options.warn(message);
    this.options.retried?.(code);
  }

  private laneOf(id: string): Client {
    const lane = this.lanes.get(id) ?? { id };
    this.lanes.set(id, lane);
    return lane;
  }

  private fill(): void {
    while (!this.closed) {
      const running = [...this.running.values()].map(({ image }) => image);
      const image = this.queue.next(
        (turn) => performance.now() - this.started >= this.restBefore(turn) && mayBegin(turn, running, this.options),
      );
      if (!image) return;
      const stop = new AbortController();
      const work = this.computeImage(image, stop.signal).finally(() => {
        this.running.delete(work);
        this.fill();
      });
      this.running.set(work, { image, stop });
    }
  }

  private async computeImage({ id, place, lane }: QueuedImage, signal: AbortSignal): Promise<void> {
    const begun = await this.change(id, (job) => begin(job, place));
    const image = begun?.images[place];
    if (!image) return;
    this.book.begin(begun, place);
    this.tell(id);
    const outcome =
      image.attempts > mostAttempts
        ? worn
        : await this.outcomeOf(begun, place, this.clients.get(lane.id) ?? lane, signal);
    this.book.end(id, place);
    if (outcome === 'later') {
      await this.change(id, (job) => putBack(job, place));
      this.tell(id);
      if (!this.closed) void this.later(id, this.retries.pause(id, place));
      return;
    }
    this.retries.settle(id, place);
    const finished = await this.change(id, (job) => finish(job, place, outcome, new Date()));
    if (!finished) await this.dropUnwanted(id);
    else if (hasEnded(finished)) await this.ended(finished);
    else this.tell(id);
  }

  /** What became of an image; `later` where it is to be tried again, or no one wants it any more. */
  private async outcomeOf(job: Job, place: number, client: Client, signal: AbortSignal): Promise<Outcome | 'later'> {
    const { store, compute, problemOf } = this.options;
    const { variants } = job.images[place]!;
    const shares = variants.map(() => 0);
    const make = async (source: Source, output: number, own: AbortSignal): Promise<JobResult> => {
      const onProgress = ({ donePixels, totalPixels }: Progress): void => {
        shares[output] = totalPixels > 0 ? Math.min(donePixels / totalPixels, 1) : 0;
        this.book.note(job.id, place, shares.reduce((sum, share) => sum + share, 0) / shares.length);
        this.tell(job.id);
      };
      const result = await compute(source, variants[output]!, { client, signal: own, onProgress });
      own.throwIfAborted();
      await store.writeResult(job.id, place, output, result.data);
      return describe(result);
    };
    try {
      const source = new Source(await store.readSource(job.id, place));
      signal.throwIfAborted();
      return { results: await allOrNone(variants, signal, (_, output, own) => make(source, output, own)) };
    } catch (error) {
      if (signal.aborted || this.closed) return 'later';
      if (error instanceof UpresError && this.retries.note(job.id, place, error.code)) {
        this.noteRetry(error.code, `image ${place} of job ${job.id} waits: ${error.message}`);
        return 'later';
      }
      return { problem: problemOf(error) };
    }
  }

  private async later(id: string, pause: number): Promise<void> {
    await delay(pause, undefined, { ref: false, signal: this.closing.signal }).catch(() => undefined);
    const job = await this.options.store.get(id);
    if (!job || this.closed) return;
    this.queue.add(job, this.laneOf(job.client));
    this.fill();
  }

  /** Changes a job however long the disk is full: what happened must not be forgotten. */
  private async change(id: string, change: (job: Job) => Job | undefined): Promise<Job | undefined> {
    for (let times = 1; ; times++) {
      try {
        const changed = await this.options.store.update(id, change);
        this.unwritten.delete(id);
        return changed;
      } catch (error) {
        const code = codeOf(error) ?? 'INTERNAL';
        this.unwritten.set(id, code);
        this.noteRetry(code, `job ${id} can't be written: ${messageOf(error)}`);
        // The next start finds the job as it was, and does the image again.
        if (this.closed) return undefined;
        await delay(pauseAfter(times), undefined, { ref: false, signal: this.closing.signal }).catch(() => undefined);
      }
    }
  }

  /** A result that came after its job was cancelled. */
  private async dropUnwanted(id: string): Promise<void> {
    const { store } = this.options;
    if ((await store.get(id))?.state === 'cancelled') await store.dropResults(id).catch(() => undefined);
  }

  private async ended(job: Job): Promise<void> {
    const { store } = this.options;
    this.tell(job.id);
    this.book.forget(job.id);
    this.retries.forget(job.id);
    this.unwritten.delete(job.id);
    // What stays behind is removed at the next start.
    await store.dropSources(job.id).catch(() => undefined);
    if (job.state === 'cancelled') await store.dropResults(job.id).catch(() => undefined);
  }

  private tell(id: string): void {
    for (const listener of this.listeners.get(id) ?? []) listener();
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
  const { data, width, height, format, frames, model, device } = result;
  const sha256 = await digest(data, 'sha256', 'base64url');
  return { width, height, format, frames, model, bytes: data.length, sha256, device, ...approximateOnly(result) };
}

/** An image that was begun so often without an end runs alone: if it ends the server again, no other is suspected for it. */
const suspectAttempts = 2;

export interface Slots {
  /** Images that are computed at once. */
  readonly atOnce: number;
  /** This many more are, each for a client that has no other: its small image need not wait until a large one has ended. */
  readonly beyond: number;
}

/** Whether an image may begin besides those that are computed. */
function mayBegin(next: QueuedTurn, running: readonly QueuedTurn[], { atOnce, beyond }: Slots): boolean {
  if (running.length === 0) return true;
  if ([next, ...running].some(({ attempts }) => attempts >= suspectAttempts)) return false;
  if (running.length < atOnce) return true;
  return running.length < atOnce + beyond && running.every(({ lane }) => lane !== next.lane);
}
