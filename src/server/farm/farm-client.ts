import { setTimeout as delay } from 'node:timers/promises';
import { abortedBy, onAbort, throwIfAborted } from '../../abort.js';
import { hasCode, messageOf } from '../../errors.js';
import type { Progress } from '../../pixels.js';
import { JobRunner } from '../jobs/job-runner.js';
import { hasEnded, type Job } from '../jobs/job.js';
import { pauseAfter } from '../jobs/retry-state.js';
import type { Client } from '../service/client.js';
import type { FarmLocation } from './farm-location.js';
import { openFarm, type Farm } from './farm.js';
import { Lanes } from './lanes.js';

export interface FarmClientOptions extends FarmLocation {
  /** Whose turn its jobs take, and who finds them again. */
  readonly client: Client;
  /** Ends all that is waited for: ABORTED. Jobs stay where they are. */
  readonly signal: AbortSignal;
  /** Told what holds everything up, once until it has passed. */
  readonly warn: (message: string) => void;
}

/** Milliseconds after which a job is looked at though no one told of it: what was told may be lost. */
const lookMs = 10_000;
/** Pictures that are sent, or fetched, at once: their bytes are in memory. */
const atOnce = 16;

/** Whoever sends jobs to a farm without a server between: however often the connection is lost, it goes on when it is back. */
export class FarmClient {
  /** For those whose source is in memory until it is sent. */
  readonly sending = new Lanes(atOnce);
  /** For those whose results are in memory until they are where they belong. */
  readonly fetching = new Lanes(atOnce);
  private readonly runner: JobRunner;
  private readonly held = new Set<string>();
  /** Whether there may be jobs of the client's that were not sent here. */
  private mayFind: boolean | undefined;

  private constructor(
    private readonly options: FarmClientOptions,
    private readonly farm: Farm,
  ) {
    this.runner = new JobRunner({ ...farm, warn: options.warn });
  }

  /** @throws as `openFarm` */
  static async open(options: FarmClientOptions): Promise<FarmClient> {
    const { queue, storage, warn } = options;
    return new FarmClient(options, await openFarm({ queue, storage, atOnce: 1, warn }));
  }

  /** Images that the farm's workers compute at once, now. */
  workers(): Promise<number> {
    return this.farm.queue.workerSlots();
  }

  /**
   * Sends a job, or finds the one that was sent as it, and waits for its end; one that came to nothing is sent anew.
   * @param request what it is sent with; its key names all that is asked for
   * @param listeners told how far it is; it is asked only while there are some
   * @param sent called with the job as it is there, when its sources are needed no more
   * @returns undefined where it is gone
   */
  async make(
    job: Omit<Job, 'client'> & Required<Pick<Job, 'request'>>,
    sources: readonly Uint8Array[],
    listeners: ReadonlySet<(progress: Progress) => void>,
    sent: (job: Job) => void,
  ): Promise<Job | undefined> {
    let news = this.follow(job.id, listeners);
    try {
      // Before it is there: so it need not be asked for once more.
      await news.next();
      const there = await this.send(job, sources);
      sent(there);
      if (hasEnded(there)) return there;
      if (there.id !== job.id) {
        news.close();
        news = this.follow(there.id, listeners);
      }
      for (;;) {
        await news.next();
        const now = await this.patiently(() => this.farm.store.getEnded(there.id));
        if (!now || hasEnded(now)) return now;
        if (listeners.size === 0) continue;
        const { donePixels, totalPixels } = await this.patiently(() => this.runner.progress(now));
        for (const listener of listeners) listener({ donePixels, totalPixels });
      }
    } finally {
      news.close();
    }
  }

  /** A result of a job's first image; undefined where it is gone, or not what it was. */
  fetch(job: Job, output: number): Promise<Uint8Array | undefined> {
    return this.patiently(() => this.farm.store.readResult(job, 0, output));
  }

  /** Forgets a job. */
  remove(job: Job): Promise<void> {
    return this.patiently(() => this.runner.remove(job));
  }

  close(): Promise<void> {
    return this.farm.close();
  }

  /** News of a job, the first of which is that none is missed from now on. */
  private follow(id: string, listeners: ReadonlySet<unknown>) {
    // Of its own: many wait at once, and Node takes so many listeners of one signal for a leak.
    const signal = AbortSignal.any([this.options.signal]);
    let told = false;
    let wake = (): void => undefined;
    const unlisten = this.runner.listen(id, (isOpen) => {
      if (isOpen && listeners.size === 0) return;
      told = true;
      wake();
    });
    const forget = onAbort(signal, () => {
      wake();
    });
    return {
      next: async (): Promise<void> => {
        if (!told && !signal.aborted) {
          await new Promise<void>((resolve) => {
            const timer = setTimeout(resolve, lookMs);
            wake = () => {
              clearTimeout(timer);
              resolve();
            };
          });
        }
        throwIfAborted(signal);
        told = false;
      },
      close: () => {
        forget();
        unlisten();
      },
    };
  }

  private async send(
    job: Omit<Job, 'client'> & Required<Pick<Job, 'request'>>,
    sources: readonly Uint8Array[],
  ): Promise<Job> {
    const { client } = this.options;
    const { store } = this.farm;
    return this.patiently(async () => {
      this.mayFind ??= await store.knows(client.id);
      for (;;) {
        const known = this.mayFind ? await store.find(client.id, job.request.key) : undefined;
        if (known && hasEnded(known) && (known.state !== 'done' || known.expired)) await this.runner.remove(known);
        else if (known) return this.offer(known);
        const draft = await store.draft();
        try {
          for (const [place, bytes] of sources.entries()) await draft.addSource(place, bytes);
          const sent = await draft.commit({ ...job, client: client.id });
          if (sent.id === job.id || this.mayFind) return await this.offer(sent);
        } finally {
          await draft.discard();
        }
        // Another sends the client's jobs, too.
        this.mayFind = true;
      }
    });
  }

  private async offer(job: Job): Promise<Job> {
    if (!hasEnded(job)) await this.runner.add(job, this.options.client);
    return job;
  }

  /** Asks until there is an answer. */
  private async patiently<T>(ask: () => Promise<T>): Promise<T> {
    const { signal, warn } = this.options;
    let said: string | undefined;
    for (let times = 1; ; times++) {
      throwIfAborted(signal);
      try {
        const answer = await ask();
        if (said !== undefined) this.held.delete(said);
        return answer;
      } catch (error) {
        if (signal.aborted) throw abortedBy(signal);
        if (!hasCode(error, 'QUEUE_UNAVAILABLE', 'STORAGE_UNAVAILABLE')) throw error;
        said = messageOf(error);
        if (!this.held.has(said)) warn(`${said}; it is tried again`);
        this.held.add(said);
        // Of its own: many wait at once, and Node takes so many listeners of one signal for a leak.
        await delay(pauseAfter(times), undefined, { signal: AbortSignal.any([signal]) }).catch(() => undefined);
      }
    }
  }
}
