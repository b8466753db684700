import fc from 'fast-check';
import { rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { JobRunner } from '#src/server/jobs/job-runner.js';
import { hasEnded, type Job, type JobImage } from '#src/server/jobs/job.js';
import { temporaryFolder } from '../support/folders.js';
import { bytesOf, readResult, submit } from './support/jobs.js';
import { MortalStore } from './support/mortal-store.js';
import { clientNamed, expectedBytes, jobWhen, reverse, startRunner } from './support/runner.js';

/** What was promised about a job. */
interface Promised {
  readonly client: string;
  readonly sources: readonly string[];
  /** `asked`: the server ended before it answered. */
  cancelled: 'no' | 'asked' | 'yes';
}

const clients = ['a', 'b', 'c'];
const finalImageStates = ['done', 'failed', 'cancelled'];

/** Jobs of an even number of images are made into two files each. */
const variantsOf = ({ length }: readonly unknown[]): JobImage['variants'] =>
  [2, 3].slice(length % 2).map((upscale) => ({ upscale, model: 'natural' }));

/** A server's jobs, what clients were told of them, and everything that must hold at all times. */
class World {
  readonly promised = new Map<string, Promised>();
  readonly keys = new Map<string, string>();
  private readonly seen = new Map<string, Job>();
  private readonly removed = new Set<string>();
  private store!: MortalStore;
  private runner!: JobRunner;
  private lost = 0;

  constructor(private readonly folder: string) {}

  async start(): Promise<void> {
    this.store = await MortalStore.open(this.folder, (job) => {
      this.see(job);
    });
    for (const [id, before] of this.seen) {
      const job = await this.store.get(id);
      if (this.removed.has(id)) {
        expect(job).toBeUndefined();
        continue;
      }
      // What was answered is there; what was not may be.
      expect(job?.version).toBeGreaterThanOrEqual(before.version);
      if (job!.version === before.version) expect(job).toEqual(before);
      this.see(job!);
    }
    this.runner = await startRunner(this.store, reverse, { atOnce: 3 });
  }

  /** Changes of one job only ever go forward. */
  private see(job: Job): void {
    const before = this.seen.get(job.id);
    if (before && job.version >= before.version) {
      for (const [place, image] of before.images.entries()) {
        if (finalImageStates.includes(image.state)) expect(job.images[place]).toEqual(image);
      }
      if (hasEnded(before)) expect({ ...job, version: 0 }).toEqual({ ...before, version: 0 });
    }
    if (!before || job.version >= before.version) this.seen.set(job.id, job);
  }

  async submit(client: string, key: string | undefined, sources: readonly string[]): Promise<string> {
    const job = await submit(this.store, sources.map(bytesOf), {
      client,
      variants: variantsOf(sources),
      ...(key !== undefined && { key }),
    });
    await this.runner.add(job, clientNamed(client));
    const name = `${client} ${key}`;
    const known = this.keys.get(name);
    if (key !== undefined && known !== undefined) {
      expect(job.id).toBe(known);
      return job.id;
    }
    expect(this.promised.has(job.id)).toBe(false);
    if (key !== undefined) this.keys.set(name, job.id);
    this.promised.set(job.id, { client, sources, cancelled: 'no' });
    return job.id;
  }

  async cancel(id: string): Promise<void> {
    const cancelled = await this.runner.cancel(id);
    if (cancelled) this.promised.get(id)!.cancelled = 'yes';
  }

  async remove(id: string): Promise<void> {
    const job = await this.store.get(id);
    if (!job || !hasEnded(job)) return;
    await this.runner.remove(job);
    this.removed.add(id);
    this.promised.delete(id);
    for (const [name, known] of this.keys) if (known === id) this.keys.delete(name);
  }

  async crash(): Promise<void> {
    await this.store.die();
    await this.start();
  }

  async restart(): Promise<void> {
    await this.runner.close(AbortSignal.abort());
    await this.store.close();
    await this.start();
  }

  /** The client was not told, and asks again. */
  async crashInSubmit(sources: readonly string[], wait: number): Promise<void> {
    const key = `lost ${this.lost++}`;
    void submit(this.store, sources.map(bytesOf), { client: 'a', key, variants: variantsOf(sources) });
    await delay(wait);
    await this.crash();
    await this.submit('a', key, sources);
    const all = await this.store.list('a');
    expect(all.filter(({ request }) => request?.key === key)).toHaveLength(1);
  }

  async crashInCancel(id: string, wait: number): Promise<void> {
    const job = await this.store.get(id);
    void this.runner.cancel(id);
    await delay(wait);
    await this.crash();
    if (job && !hasEnded(job)) this.promised.get(id)!.cancelled = 'asked';
  }

  /** Every job that was accepted and not removed has ended, and as it should. */
  async finish(): Promise<void> {
    for (const [id, { sources, cancelled }] of this.promised) {
      const job = await jobWhen(this.store, this.runner, id);
      if (cancelled === 'yes' || (cancelled === 'asked' && job.state === 'cancelled')) {
        expect(job.state).toBe('cancelled');
        continue;
      }
      const good = sources.map((source) => !source.startsWith('bad'));
      expect(job.images.map(({ state }) => state)).toEqual(good.map((fine) => (fine ? 'done' : 'failed')));
      expect(job.state).toBe(good.includes(true) ? 'done' : 'failed');
      for (const [place, source] of sources.entries()) {
        const expected = good[place] ? Buffer.from(expectedBytes(bytesOf(source))).toString() : undefined;
        for (const output of variantsOf(sources).keys()) {
          expect((await readResult(this.store, id, place, output))?.toString()).toBe(expected);
        }
      }
    }
    expect((await this.store.list()).map(({ id }) => id).sort()).toEqual([...this.promised.keys()].sort());
    await this.runner.close(new AbortController().signal);
    await this.store.close();
  }
}

const source = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme-ascii' }).map((text) => `good ${text}`),
  },
  { weight: 1, arbitrary: fc.constant('bad') },
);
const sources = fc.array(source, { minLength: 1, maxLength: 4 });
const which = fc.nat(1000);
const wait = fc.nat(6);

type Step = (world: World) => Promise<unknown>;

/** One of the jobs that there are, if there are any. */
function withJob(choice: number, act: (world: World, id: string) => Promise<unknown>): Step {
  return async (world) => {
    const ids = [...world.promised.keys()];
    const id = ids[choice % Math.max(1, ids.length)];
    if (id !== undefined) await act(world, id);
  };
}

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.constantFrom(...clients), fc.option(fc.constantFrom('k', 'l'), { nil: undefined }), sources)
      .map(
        ([client, key, images]): Step =>
          (world) =>
            world.submit(client, key, images),
      ),
  },
  {
    weight: 3,
    arbitrary: wait.map(
      (ms): Step =>
        () =>
          delay(ms),
    ),
  },
  { weight: 2, arbitrary: which.map((choice) => withJob(choice, (world, id) => world.cancel(id))) },
  { weight: 2, arbitrary: which.map((choice) => withJob(choice, (world, id) => world.remove(id))) },
  { weight: 2, arbitrary: fc.constant<Step>((world) => world.crash()) },
  { weight: 1, arbitrary: fc.constant<Step>((world) => world.restart()) },
  {
    weight: 2,
    arbitrary: fc.tuple(sources, wait).map(
      ([images, ms]): Step =>
        (world) =>
          world.crashInSubmit(images, ms),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(which, wait).map(([choice, ms]) => withJob(choice, (world, id) => world.crashInCancel(id, ms))),
  },
);

it(
  'whatever clients do and whenever the server ends, every accepted job ends once and right',
  { timeout: 120_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps) => {
        const folder = temporaryFolder();
        const world = new World(folder);
        await world.start();
        for (const act of steps) await act(world);
        await world.finish();
        rmSync(folder, { recursive: true });
      }),
      { numRuns: 40 },
    );
  },
);
