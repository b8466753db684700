import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { UpresError } from '#src/errors.js';
import type { JobProgress } from '#src/server/jobs/job-progress.js';
import { FileJobStore } from '#src/server/jobs/file-job-store.js';
import { requeue } from '#src/server/jobs/job-changes.js';
import type { Source } from '#src/image/image-source.js';
import type { Job } from '#src/server/jobs/job.js';
import type { Compute } from '#src/server/jobs/image-worker.js';
import { JobSweeper } from '#src/server/jobs/job-sweeper.js';
import { temporaryFolder } from '../support/folders.js';
import { bytesOf, newJob, readResult, submit } from './support/jobs.js';
import { clientNamed, computed, expectedBytes, jobWhen, reverse, startRunner, stopped } from './support/runner.js';

const alice = clientNamed('alice');
const never = new AbortController().signal;
const atOnce = AbortSignal.abort();

describe('the runner of jobs', () => {
  it('computes all images of a job, and what fails stops no one', async () => {
    const store = await FileJobStore.open(temporaryFolder());
    const runner = await startRunner(store, reverse);
    const sources = ['one', 'bad', 'three'].map(bytesOf);
    const job = await submit(store, sources);
    await runner.add(job, alice);
    const ended = await jobWhen(store, runner, job.id);
    expect(ended.state).toBe('done');
    expect(ended.images.map(({ state }) => state)).toEqual(['done', 'failed', 'done']);
    expect(ended.images[1]).toMatchObject({ problem: { code: 'INPUT_CORRUPT', status: 422 } });
    expect(await readResult(store, job.id, 2)).toEqual(Buffer.from(expectedBytes(sources[2]!)));
    expect(await runner.progress(ended)).toEqual({ donePixels: 11, totalPixels: 11 });
    await runner.close(never);
    await expect(store.readSource(job.id, 0)).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' });
    await store.close();
  });

  it('makes all files of an image, or none', async () => {
    const store = await FileJobStore.open(temporaryFolder());
    const sources = new Set<Source>();
    let stoppedWork = 0;
    const making: Compute = async (source, { upscale }, { signal, onProgress }) => {
      sources.add(source);
      onProgress({ donePixels: 1, totalPixels: upscale! });
      if (upscale === 3) throw new UpresError('OUTPUT_TOO_LARGE', 'it is too large');
      if (upscale === 5) await stopped(signal).finally(() => stoppedWork++);
      return computed(bytesOf(`made ${upscale}`));
    };
    const runner = await startRunner(store, making);
    const variantsOf = (...factors: number[]): Job['images'][number]['variants'] =>
      factors.map((upscale) => ({ upscale, model: 'natural' }));
    const good = await submit(store, [bytesOf('x')], { variants: variantsOf(2, 4) });
    const bad = await submit(store, [bytesOf('x')], { variants: variantsOf(2, 3, 5) });
    for (const job of [good, bad]) await runner.add(job, alice);
    const done = await jobWhen(store, runner, good.id);
    expect(done.images[0]).toMatchObject({ state: 'done', results: [{ bytes: 6 }, { bytes: 6 }] });
    expect((await readResult(store, good.id, 0, 1))?.toString()).toBe('made 4');
    const failed = await jobWhen(store, runner, bad.id);
    expect(failed.images[0]).toMatchObject({ state: 'failed', problem: { code: 'OUTPUT_TOO_LARGE' } });
    expect(stoppedWork).toBe(1);
    // One source of each image, whatever is made of it: it is read and decoded once.
    expect(sources.size).toBe(2);
    await runner.close(never);
    await store.close();
  });

  it('has failed when all images have', async () => {
    const store = await FileJobStore.open(temporaryFolder());
    const runner = await startRunner(store, reverse);
    const job = await submit(store, [bytesOf('bad'), bytesOf('bad too')]);
    await runner.add(job, alice);
    expect((await jobWhen(store, runner, job.id)).state).toBe('failed');
    await runner.close(never);
    await store.close();
  });

  it('lets clients take turns by pixels', async () => {
    const store = await FileJobStore.open(temporaryFolder());
    const order: string[] = [];
    const noting: Compute = async (source) => {
      const bytes = await source.bytes();
      order.push(new TextDecoder().decode(bytes));
      return computed(bytes);
    };
    const many = await submit(
      store,
      Array.from({ length: 6 }, () => bytesOf('many')),
      { client: 'a', pixels: 100 },
    );
    const few = await submit(store, [bytesOf('few'), bytesOf('few')], { client: 'b', pixels: 100 });
    const small = await submit(
      store,
      Array.from({ length: 3 }, () => bytesOf('small')),
      { client: 'c', pixels: 30 },
    );
    const runner = await startRunner(store, noting, { atOnce: 1 });
    for (const { id } of [many, few, small]) await jobWhen(store, runner, id);
    // After one of each, the small ones have more turns for the same pixels; no one waits for all that `many` asked for.
    expect(order.slice(0, 3).sort()).toEqual(['few', 'many', 'small']);
    expect(order.lastIndexOf('few')).toBeLessThan(8);
    expect(order.slice(-4)).toEqual(['many', 'many', 'many', 'many']);
    await runner.close(never);
    await store.close();
  });

  it('computes no more images at once than it may', async () => {
    const store = await FileJobStore.open(temporaryFolder());
    let running = 0;
    let most = 0;
    const counting: Compute = async (source, variant, options) => {
      most = Math.max(most, ++running);
      try {
        // Long enough for the others to begin.
        await delay(50);
        return await reverse(source, variant, options);
      } finally {
        running--;
      }
    };
    const runner = await startRunner(store, counting, { atOnce: 3 });
    const job = await submit(
      store,
      Array.from({ length: 12 }, (_, place) => bytesOf(`image ${place}`)),
    );
    await runner.add(job, alice);
    await jobWhen(store, runner, job.id);
    expect(most).toBe(3);
    await runner.close(never);
    await store.close();
  });

  it('stops what is computed when its client cancels, and keeps none of it', async () => {
    const store = await FileJobStore.open(temporaryFolder());
    const runner = await startRunner(store, reverse);
    const job = await submit(
      store,
      ['slow', 'quick', 'slow too', 'slow three', 'slow four', 'never begun'].map(bytesOf),
    );
    await runner.add(job, alice);
    await jobWhen(
      store,
      runner,
      job.id,
      ({ images }) => images.filter(({ state }) => state === 'running').length === 4,
    );
    expect((await runner.progress((await store.get(job.id))!)).donePixels).toBeGreaterThan(0);
    await jobWhen(store, runner, job.id, ({ images }) => images[1]!.state === 'done');
    const cancelled = await runner.cancel(job.id);
    expect(cancelled?.state).toBe('cancelled');
    expect(await runner.cancel(job.id)).toBeUndefined();
    await runner.close(never);
    const states = (await store.get(job.id))!.images.map(({ state }) => state);
    expect(states).toEqual(['cancelled', 'done', 'cancelled', 'cancelled', 'cancelled', 'cancelled']);
    for (const place of states.keys()) expect(await readResult(store, job.id, place)).toBeUndefined();
    await store.close();
  });

  it('leaves what runs for the next start when it may not wait, and does not count that as an attempt', async () => {
    const folder = temporaryFolder();
    const store = await FileJobStore.open(folder);
    const runner = await startRunner(store, reverse);
    const job = await submit(store, [bytesOf('slow'), bytesOf('quick')]);
    await runner.add(job, alice);
    await jobWhen(store, runner, job.id, ({ images }) => images[1]!.state === 'done' && images[0]!.state === 'running');
    await runner.close(atOnce);
    expect((await store.get(job.id))!.images[0]).toMatchObject({ state: 'queued', attempts: 0 });
    const computedAgain: string[] = [];
    const noting: Compute = async (source) => {
      const bytes = await source.bytes();
      computedAgain.push(new TextDecoder().decode(bytes));
      return computed(bytes);
    };
    await store.close();
    const next = await FileJobStore.open(folder);
    const nextRunner = await startRunner(next, noting);
    expect((await jobWhen(next, nextRunner, job.id)).state).toBe('done');
    expect(computedAgain).toEqual(['slow']);
    await nextRunner.close(never);
    await next.close();
  });

  it('waits for what runs when it may', async () => {
    const store = await FileJobStore.open(temporaryFolder());
    const runner = await startRunner(store, reverse, { atOnce: 1 });
    const job = await submit(store, [bytesOf('one'), bytesOf('two')]);
    await runner.add(job, alice);
    await runner.close(never);
    expect((await store.get(job.id))!.images.map(({ state }) => state)).toEqual(['done', 'queued']);
    await store.close();
  });

  it('tries again what fails for a reason that passes, and does not count that as an attempt', async () => {
    const store = await FileJobStore.open(temporaryFolder());
    let left = 2;
    const failing: Compute = (source, variant, options) => {
      if (left-- > 0) return Promise.reject(new UpresError('DEVICE_LOST', 'the device was lost'));
      return reverse(source, variant, options);
    };
    const runner = await startRunner(store, failing, { warn: () => undefined });
    const job = await submit(store, [bytesOf('one')]);
    await runner.add(job, alice);
    expect((await jobWhen(store, runner, job.id)).images[0]).toMatchObject({ state: 'done', attempts: 1 });
    await runner.close(never);
    await store.close();
  });

  it('gives an image up that was begun again and again without an end, after all others', async () => {
    const store = await FileJobStore.open(temporaryFolder());
    const job = await submit(store, [bytesOf('deadly'), bytesOf('harmless')]);
    const order: string[] = [];
    let begun: () => void = () => undefined;
    const deadly: Compute = async (source, variant, options) => {
      const text = new TextDecoder().decode(await source.bytes());
      order.push(text);
      if (text !== 'deadly') return reverse(source, variant, options);
      begun();
      return stopped(options.signal);
    };
    for (let start = 0; start < 8; start++) {
      const computing = new Promise<void>((resolve) => {
        begun = resolve;
      });
      const runner = await startRunner(store, deadly, { atOnce: 1, shortestRest: 0 });
      await computing;
      // As if the process had ended here: the image stays as it was begun.
      const left = await store.get(job.id);
      await runner.close(atOnce);
      await store.update(job.id, () => requeue(left!));
    }
    const runner = await startRunner(store, deadly, { atOnce: 1 });
    const ended = await jobWhen(store, runner, job.id);
    expect(ended.images.map(({ state }) => state)).toEqual(['failed', 'done']);
    expect(ended.images[0]).toMatchObject({ problem: { code: 'INTERNAL', status: 500 } });
    expect(order.indexOf('harmless')).toBe(1);
    expect(order.filter((text) => text === 'deadly')).toHaveLength(8);
    await runner.close(never);
    await store.close();
  });

  it('does not give an image up whose servers are ended soon after their start, however often', async () => {
    const store = await FileJobStore.open(temporaryFolder());
    const job = await submit(store, [bytesOf('healthy')]);
    let begun = 0;
    const healthy: Compute = (_source, _variant, { signal }) => {
      begun++;
      return stopped(signal);
    };
    for (let start = 0; start < 8; start++) {
      const runner = await startRunner(store, healthy, { shortestRest: 1e6 });
      if (start < 5) await expect.poll(() => begun).toBe(start + 1);
      const left = (await store.get(job.id))!;
      await runner.close(atOnce);
      await store.update(job.id, () => requeue(left) ?? left);
    }
    expect(begun).toBe(5);
    expect((await store.get(job.id))!.images).toMatchObject([{ state: 'queued', attempts: 5 }]);
    // The rest of a server that lives.
    const runner = await startRunner(store, reverse, { shortestRest: 50 });
    expect((await jobWhen(store, runner, job.id)).state).toBe('done');
    await runner.close(never);
    await store.close();
  });

  it('begins an image after its rest though the timer is early by the clock that counts it', async () => {
    const store = await FileJobStore.open(temporaryFolder());
    const job = await submit(store, [bytesOf('healthy')]);
    await store.update(job.id, ({ images, ...rest }) => ({ ...rest, images: [{ ...images[0]!, attempts: 5 }] }));
    const [read, begin] = [performance.now.bind(performance), performance.now()];
    const slow = vi.spyOn(performance, 'now').mockImplementation(() => begin + (read() - begin) * 0.8);
    try {
      const runner = await startRunner(store, reverse, { shortestRest: 20 });
      expect((await jobWhen(store, runner, job.id)).state).toBe('done');
      await runner.close(never);
    } finally {
      slow.mockRestore();
    }
    await store.close();
  });

  it('says what holds a job up: in the log, in a count and in the job, of the disk for its record, too', async () => {
    const store = await FileJobStore.open(temporaryFolder());
    const full = new UpresError('DISK_FULL', 'the disk of the server is full');
    const writes = { results: 2, records: 0 };
    const writeResult = store.writeResult.bind(store);
    const update = store.update.bind(store);
    store.writeResult = async (...args) => {
      if (writes.results-- > 0) throw full;
      writes.records = writes.records === 0 ? 2 : writes.records;
      return writeResult(...args);
    };
    store.update = async (...args) => {
      if (writes.records > 1) {
        writes.records--;
        throw full;
      }
      return update(...args);
    };
    const said: string[] = [];
    const counted: string[] = [];
    const waits: Promise<JobProgress>[] = [];
    const runner = await startRunner(store, reverse, {
      warn: (message) => said.push(message),
      retried: (code) => {
        counted.push(code);
        waits.push(runner.progress(job));
      },
    });
    const job = await submit(store, [bytesOf('one')]);
    await runner.add(job, alice);
    const ended = await jobWhen(store, runner, job.id);
    expect(ended.state).toBe('done');
    expect(counted).toEqual(['DISK_FULL', 'DISK_FULL', 'DISK_FULL']);
    expect((await Promise.all(waits)).map(({ waitsFor }) => waitsFor)).toEqual(counted);
    expect(said.map((text) => text.replace(job.id, 'ID'))).toEqual([
      'image 0 of job ID waits: the disk of the server is full',
      'image 0 of job ID waits: the disk of the server is full',
      "job ID can't be written: the disk of the server is full",
    ]);
    expect((await runner.progress(ended)).waitsFor).toBeUndefined();
    await runner.close(never);
    await store.close();
  });

  it('runs an image alone that was begun twice without an end', async () => {
    const store = await FileJobStore.open(temporaryFolder());
    const sources = ['suspect', 'harmless', 'harmless', 'suspect', 'harmless'].map(bytesOf);
    const { images, ...job } = newJob(sources);
    const draft = await store.draft();
    for (const [place, bytes] of sources.entries()) await draft.addSource(place, bytes);
    const begun = images.map((image, place) => ({ ...image, attempts: place % 3 === 0 ? 2 : 0 }));
    await draft.commit({ ...job, images: begun });
    const running: string[] = [];
    const together: string[][] = [];
    let allRun = (): void => undefined;
    const three = new Promise<void>((resolve) => (allRun = resolve));
    const noting: Compute = async (source, variant, options) => {
      const text = new TextDecoder().decode(await source.bytes());
      running.push(text);
      together.push([...running]);
      // The harmless ones wait for each other; with a suspect no one comes.
      if (running.length === 3) allRun();
      if (text === 'suspect') await delay(50);
      else await three;
      running.splice(running.indexOf(text), 1);
      return reverse(source, variant, options);
    };
    const runner = await startRunner(store, noting);
    expect((await jobWhen(store, runner, job.id)).images.map(({ state }) => state)).toEqual(Array(5).fill('done'));
    expect(together.filter((all) => all.includes('suspect'))).toEqual([['suspect'], ['suspect']]);
    expect(Math.max(...together.map((all) => all.length))).toBe(3);
    await runner.close(never);
    await store.close();
  });

  it('begins an image of a client that has none running while others of another client run', async () => {
    const store = await FileJobStore.open(temporaryFolder());
    const runner = await startRunner(store, reverse, { atOnce: 2, beyond: 1 });
    const large = await submit(store, ['slow', 'slow', 'slow', 'slow'].map(bytesOf), { client: 'a' });
    await runner.add(large, clientNamed('a'));
    const small = await submit(store, ['one', 'two'].map(bytesOf), { client: 'b' });
    await runner.add(small, clientNamed('b'));
    expect((await jobWhen(store, runner, small.id)).state).toBe('done');
    const states = (await store.get(large.id))!.images.map(({ state }) => state);
    expect(states).toEqual(['running', 'running', 'queued', 'queued']);
    await runner.close(atOnce);
    await store.close();
  });

  it('estimates what is left from the job’s own pace', async () => {
    const store = await FileJobStore.open(temporaryFolder());
    let computing: (report: (share: number) => void) => void;
    const reporter = new Promise<(share: number) => void>((resolve) => {
      computing = resolve;
    });
    const controlled: Compute = (_source, _variant, { signal, onProgress }) => {
      computing((share) => {
        onProgress({ donePixels: share * 1000, totalPixels: 1000 });
      });
      return stopped(signal);
    };
    const runner = await startRunner(store, controlled, { atOnce: 1 });
    const job = await submit(store, [bytesOf('x')], { pixels: 500 });
    await runner.add(job, alice);
    const report = await reporter;
    const running = (await store.get(job.id))!;
    expect(await runner.progress(running)).toEqual({ donePixels: 0, totalPixels: 500 });
    report(0.5);
    const half = await runner.progress(running);
    expect(half.donePixels).toBe(250);
    expect(half.secondsLeft).toBeGreaterThan(0);
    await runner.cancel(job.id);
    await runner.close(never);
    await store.close();
  });
});

const msPerDay = 24 * 60 * 60 * 1000;

describe('the sweeper', () => {
  it.each<[string, readonly (readonly [day: number, uptimeDays: number])[], 'kept' | 'swept']>([
    [
      'a clock that jumps by a year, and back within a day',
      [
        [0, 0],
        [365, 0.1],
        [0.5, 0.5],
        [2, 2],
      ],
      'kept',
    ],
    [
      'a clock that jumps by a year and is right',
      [
        [0, 0],
        [365, 0.1],
        [365.5, 0.6],
        [366.5, 1.6],
      ],
      'swept',
    ],
    [
      'a clock that is ahead from the start on',
      [
        [365, 0],
        [0.1, 0.1],
        [1, 1],
        [6, 6],
      ],
      'kept',
    ],
    [
      'a server that was away for long',
      [
        [365, 0],
        [365.5, 0.5],
        [366.1, 1.1],
      ],
      'swept',
    ],
    [
      'a clock that is behind, and set right',
      [
        [-9000, 0],
        [0.1, 0.1],
        [3, 3],
      ],
      'kept',
    ],
    [
      'a clock that is corrected a little each hour',
      [
        [0, 0],
        [8.001, 8],
      ],
      'swept',
    ],
  ])('with %s', async (_, moments, outcome) => {
    const store = await FileJobStore.open(temporaryFolder());
    const runner = await startRunner(store, reverse);
    const job = await submit(store, [bytesOf('one')]);
    await runner.add(job, alice);
    await jobWhen(store, runner, job.id);
    const start = Date.now();
    const said: string[] = [];
    const sweeper = new JobSweeper(store, 7, (message) => said.push(message));
    for (const [day, up] of moments) await sweeper.sweep(new Date(start + day * msPerDay), up * msPerDay);
    const left = await store.get(job.id);
    expect(left && !left.expired ? 'kept' : 'swept').toBe(outcome);
    expect(said.length > 0).toBe(moments.some(([day, up]) => Math.abs(day - up) > 1));
    await runner.close(never);
    await store.close();
  });

  it('removes what finished jobs hold when their time is over, and later the jobs', async () => {
    const store = await FileJobStore.open(temporaryFolder());
    const runner = await startRunner(store, reverse);
    const job = await submit(store, [bytesOf('one')], { key: 'k' });
    await runner.add(job, alice);
    const waiting = await submit(store, [bytesOf('slow')]);
    await runner.add(waiting, alice);
    await jobWhen(store, runner, job.id);
    const sweeper = new JobSweeper(store, 7, () => undefined);
    const inDays = (days: number) => [new Date(Date.now() + days * msPerDay), days * msPerDay] as const;
    await sweeper.sweep(...inDays(6));
    expect(await readResult(store, job.id, 0)).toBeDefined();
    await sweeper.sweep(...inDays(8));
    expect(await store.get(job.id)).toMatchObject({ state: 'done', expired: true });
    expect(await readResult(store, job.id, 0)).toBeUndefined();
    await sweeper.sweep(...inDays(15));
    expect(await store.get(job.id)).toBeUndefined();
    expect(await store.find('alice', 'k')).toBeUndefined();
    // A job that is not finished has all the time in the world.
    expect((await store.get(waiting.id))?.state).toBe('running');
    await runner.close(atOnce);
    await store.close();
  });
});
