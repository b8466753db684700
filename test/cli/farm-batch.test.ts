import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { FarmBatch } from '#src/cli/farm-batch.js';
import type { RunOptions } from '#src/cli/options.js';
import type { Job as FileJob } from '#src/cli/plan.js';
import { Source } from '#src/image/image-source.js';
import { Upscaler } from '#src/image/upscale.js';
import { FarmClient } from '#src/server/farm/farm-client.js';
import { Lanes } from '#src/server/farm/lanes.js';
import { cancel } from '#src/server/jobs/job-changes.js';
import type { Job, JobImage } from '#src/server/jobs/job.js';
import { picture } from './support/pictures.js';

const location = { queue: 'redis://127.0.0.1:1/0', storage: 'pictures' };

/** A farm that answers at once, but takes longer for each result. */
class Answers {
  readonly sending = new Lanes(16);
  readonly fetching: Lanes;
  readonly jobs = new Map<string, Job>();
  readonly closed = vi.fn(() => Promise.resolve());
  sent = 0;
  /** Results that are lost. */
  lost = 0;
  failTogether = false;
  /** What others do with each job while it is computed. */
  others: 'cancel' | 'remove' | undefined;
  private fetched = 0;

  /** @param atOnce pictures whose results are fetched at once */
  constructor(atOnce = 1) {
    this.fetching = new Lanes(atOnce);
  }

  workers = (): Promise<number> => Promise.resolve(1);

  make: FarmClient['make'] = (job, _, __, sent) => {
    const there = this.send(job as Job);
    sent(there);
    const { id } = there;
    if (this.others === 'remove') this.jobs.delete(id);
    if (this.others === 'cancel') this.jobs.set(id, cancelled(there));
    return Promise.resolve(this.jobs.get(id));
  };

  private send(job: Job): Job {
    if (this.others) {
      this.sent++;
      this.jobs.set(job.id, job);
      return job;
    }
    const known = [...this.jobs.values()].find(({ request }) => request!.key === job.request!.key);
    if (known) return known;
    this.sent++;
    const image = job.images[0]!;
    const result = { width: 16, height: 16, frames: 1, model: 'mine', bytes: 1, sha256: '', device: 'cpu' as const };
    const ended: JobImage =
      this.failTogether && image.variants.length > 1
        ? { ...image, state: 'failed', problem: { code: 'INFERENCE_FAILED', status: 500, detail: 'together' } }
        : { ...image, state: 'done', results: image.variants.map(({ format }) => ({ ...result, format: format! })) };
    const done: Job = { ...job, state: 'done', images: [ended] };
    this.jobs.set(job.id, done);
    return done;
  }

  async fetch({ id }: Job): Promise<Uint8Array | undefined> {
    await delay(2 * this.fetched++);
    return !this.jobs.has(id) || this.lost-- > 0 ? undefined : new Uint8Array(1);
  }

  remove(job: Job): Promise<void> {
    this.jobs.delete(job.id);
    return Promise.resolve();
  }

  close = this.closed;
}

const cancelled = (job: Job): Job => cancel(job, new Date(0))!;

describe('a batch on a farm', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  async function open(answers: Answers, signal = new AbortController().signal): Promise<FarmBatch> {
    vi.spyOn(FarmClient, 'open').mockResolvedValue(answers as unknown as FarmClient);
    return FarmBatch.open(location, signal, () => undefined);
  }

  /** Has files made of a picture of that name by a network that only workers know. */
  async function make(batch: FarmBatch, name: string, formats: readonly ('png' | 'webp')[], stop?: AbortController) {
    const options = { model: 'mine', device: 'cpu', target: { upscale: 2 } } as unknown as RunOptions;
    const jobs = formats.map((format): FileJob => {
      const input = { path: name, relative: name, named: true };
      return { input, output: `${name}.${format}`, format, makeFolder: false };
    });
    const source = new Source(await picture(8, 8));
    await using upscaler = new Upscaler();
    const { signal } = stop ?? new AbortController();
    const context = { upscaler, options, signal, cache: undefined } as unknown as Parameters<FarmBatch['upscale']>[2];
    const made: string[] = [];
    await batch.upscale(jobs, source, context, async (cached) => {
      const one = async ({ format }: FileJob): Promise<void> => {
        const file = { model: 'mine', device: 'cpu', upscale: 2, format: format! } as const;
        made.push((await cached.upscale(source, file, name)).format);
      };
      await Promise.all(jobs.map(one));
      stop?.abort();
    });
    return made.sort();
  }

  test('has files that failed together made alone, however few are fetched at once', async () => {
    const answers = new Answers();
    answers.failTogether = true;
    const batch = await open(answers);
    const names = ['a.png', 'b.png', 'c.png'];
    const made = await Promise.all(names.map((name) => make(batch, name, ['png', 'webp'])));
    expect(made).toEqual(names.map(() => ['png', 'webp']));
    expect(answers.jobs.size).toBe(0);
  });

  test('has a result that was lost computed again, though its job is there', async () => {
    const answers = new Answers();
    answers.lost = 1;
    expect(await make(await open(answers), 'a.png', ['png'])).toEqual(['png']);
    expect(answers.sent).toBe(2);
  });

  test.each([
    ['cancel', 1, { code: 'JOB_CANCELLED', message: 'its job was cancelled on the farm' }],
    ['remove', 3, { code: 'STORAGE_UNAVAILABLE', message: 'its job was removed on the farm again and again' }],
  ] as const)('says what others did to its jobs: %s', async (others, sent, error) => {
    const answers = new Answers();
    answers.others = others;
    await expect(make(await open(answers), 'a.png', ['png'])).rejects.toMatchObject(error);
    expect(answers.sent).toBe(sent);
  });

  test('makes any number of pictures of equal bytes', async () => {
    const answers = new Answers(8);
    const batch = await open(answers);
    const names = Array.from({ length: 8 }, (_, n) => `${n}.png`);
    expect(await Promise.all(names.map((name) => make(batch, name, ['png'])))).toEqual(names.map(() => ['png']));
    expect(answers.sent).toBe(names.length);
  });

  test('lets the next one fetch where it is stopped', async () => {
    const batch = await open(new Answers());
    await make(batch, 'a.png', ['png'], new AbortController());
    expect(await make(batch, 'b.png', ['png'])).toEqual(['png']);
  });

  test('is closed where its workers can’t be counted', async () => {
    const answers = new Answers();
    answers.workers = () => Promise.reject(new Error('away'));
    await expect(open(answers)).rejects.toThrow('away');
    expect(answers.closed).toHaveBeenCalledTimes(1);
  });
});
