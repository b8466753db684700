import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Upscaler } from '#src/image/upscale.js';
import { openFarm, type Farm } from '#src/server/farm/farm.js';
import { FarmClient } from '#src/server/farm/farm-client.js';
import { newsOf, RedisJobStore } from '#src/server/farm/redis-job-store.js';
import { openWorker } from '#src/server/farm/worker.js';
import { createServer, type UpresServer } from '#src/server/index.js';
import { begin, finish, putBack, type Outcome } from '#src/server/jobs/job-changes.js';
import { hasEnded } from '#src/server/jobs/job.js';
import { mostAttempts } from '#src/server/jobs/rest-before.js';
import { FolderStorage } from '#src/storage/folder-storage.js';
import { openStorage } from '#src/storage/open-storage.js';
import { runChild } from '../support/child.js';
import { temporaryFolder } from '../support/folders.js';
import { redisProgram, startRedis } from '../support/services.js';
import { farmLeft } from './support/farm-left.js';
import { endOf, form, json, smallPicture } from './support/job-server.js';
import { bytesOf, newJob, resultOf, submit } from './support/jobs.js';

const command = fileURLToPath(new URL('../../dist/command/upres.cjs', import.meta.url));
const mortal = fileURLToPath(new URL('fixtures/farm-worker.js', import.meta.url));
const env = { ...process.env, NODE_OPTIONS: undefined, VITEST: undefined };

describe.skipIf(redisProgram === undefined)('what a farm does when something goes wrong', () => {
  let shared: { readonly queue: string; readonly storage: string };
  let server: UpresServer;
  let url: string;
  let farm: Farm;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    const redis = await startRedis(temporaryFolder());
    shared = { queue: redis.location, storage: temporaryFolder() };
    server = await createServer({ port: 0, cache: false, threads: 1, ...shared });
    url = await server.listen();
    farm = await openFarm({ ...shared, atOnce: 1, warn: () => undefined });
  });

  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await farm.close();
    await server.close({ cancel: true });
  });

  async function send(pictures: readonly Uint8Array[]): Promise<string> {
    const body = form(pictures.map((bytes, i) => [`${i}.png`, bytes] as const));
    return (await json(fetch(`${url}/v1/jobs?model=natural`, { method: 'POST', body }), 202)).id;
  }

  async function forget(id: string): Promise<void> {
    expect((await fetch(`${url}/v1/jobs/${id}`, { method: 'DELETE' })).status).toBe(204);
    expect((await farmLeft(shared.queue, shared.storage)).objects).toEqual([]);
  }

  const where = (): string[] => ['--queue', shared.queue, '--storage', shared.storage];

  it('computes elsewhere what a worker that was killed had begun', async () => {
    const picture = await smallPicture(1, 400, 400);
    const id = await send([picture]);
    const child = spawn(process.execPath, [mortal, shared.queue, shared.storage], { stdio: 'inherit', env });
    children.push(child);
    const image = async () => (await farm.store.get(id))!.images[0]!;
    while ((await image()).state === 'queued') await delay(20);
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
    expect(await image()).toMatchObject({ state: 'running', attempts: 1 });
    const worker = await openWorker({ ...shared, cache: false, threads: 1 }, { lockMs: 1500, mendMs: 500 });
    expect((await endOf(`${url}/v1/jobs/${id}`)).state).toBe('done');
    expect(await image()).toMatchObject({ state: 'done', attempts: 2 });
    const result = await fetch(`${url}/v1/jobs/${id}/result`);
    await using upscaler = new Upscaler({ threads: 1 });
    const { data } = await upscaler.upscale(picture, { model: 'natural' });
    expect(Buffer.from(await result.arrayBuffer()).equals(data)).toBe(true);
    await worker.close();
    // As if that one had been killed after the end of the job, and before its source went.
    const bytes = await openStorage(shared.storage);
    await bytes.put(`jobs/${id}/source-0`, picture);
    await farm.store.tidy(new Date(), 0);
    expect(await bytes.head(`jobs/${id}/source-0`)).toBeUndefined();
    expect((await fetch(`${url}/v1/jobs/${id}/result`)).status).toBe(200);
    await forget(id);
  });

  it('leaves a record alone that another has written, though its version is the one that is remembered', async () => {
    const id = await send([await smallPicture(1)]);
    const mine = (await farm.store.update(id, (job) => begin(job, 0, 'mine')))!;
    const [image] = mine.images;
    // As if Redis had lost that with its last second, and another has begun it since.
    const other = JSON.stringify({ ...mine, images: [{ ...image, lease: 'other' }] });
    const redis = new Redis(shared.queue);
    await redis.hset(`upres:job:${id}`, 'record', other, 'writer', 'other');
    redis.disconnect();
    expect(await farm.store.update(id, (job) => putBack(job, 0, 'mine'))).toBeUndefined();
    expect((await farm.store.get(id))!.images[0]).toMatchObject({ state: 'running', lease: 'other' });
    await fetch(`${url}/v1/jobs/${id}`, { method: 'DELETE' });
    await forget(id);
  });

  it('accepts jobs that a client sends at once without asking for any of them again', async () => {
    const redis = new Redis(shared.queue);
    const asked = async (): Promise<number> =>
      Number(/cmdstat_exists:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0);
    const before = await asked();
    const jobs = await Promise.all(
      Array.from({ length: 8 }, (_, at) => submit(farm.store, [bytesOf(`${at}`)], { key: `${at}` })),
    );
    // Once when it comes: whether it is there already.
    expect((await asked()) - before).toBe(jobs.length);
    redis.disconnect();
    for (const { id } of jobs) expect(await farm.store.remove(id)).toBe(true);
    expect((await farmLeft(shared.queue, shared.storage)).objects).toEqual([]);
  });

  describe('finds what a client has sent before', () => {
    const outcomes: Readonly<Record<'done' | 'failed', Outcome>> = {
      done: { results: [resultOf(bytesOf('result'))] },
      failed: { problem: { code: 'INFERENCE_FAILED', status: 500, detail: 'as it is' } },
    };

    async function end(id: string, outcome: keyof typeof outcomes): Promise<void> {
      await farm.store.update(id, (job) => begin(job, 0, 'here'));
      await farm.store.update(id, (job) => finish(job, 0, outcomes[outcome], new Date(), 'here'));
    }

    it.each([
      ['nothing', 'anew'],
      ['waiting', 'found'],
      ['done', 'found'],
      ['failed', 'anew'],
    ] as const)('%s: it is %s', async (known, is) => {
      const asked = vi.spyOn(RedisJobStore.prototype, 'get');
      const put = vi.spyOn(FolderStorage.prototype, 'put');
      for (const looksBefore of [false, true]) {
        const signal = new AbortController().signal;
        const client = await FarmClient.open({ ...shared, client: { id: 'sender' }, signal, warn: () => undefined });
        const own = (client as unknown as { readonly farm: Farm }).farm.store;
        const make = async (key: string) => {
          const job = { ...newJob([bytesOf('source')], { key }), request: { key, content: key } };
          let sent = '';
          const made = await client.make(job, [bytesOf('source')], new Set(), (there) => {
            sent = there.id === job.id ? 'anew' : 'found';
            if (!hasEnded(there)) void end(there.id, 'done');
          });
          return { sent, state: made?.state };
        };
        // Until another sends for it, too, there is nothing to be found.
        if (looksBefore) expect(await make('first')).toEqual({ sent: 'anew', state: 'done' });
        if (known !== 'nothing') {
          const { id } = await submit(farm.store, [bytesOf('source')], { client: 'sender', key: 'same' });
          if (known !== 'waiting') await end(id, known);
        }
        asked.mockClear();
        put.mockClear();
        expect(await make('same')).toEqual({ sent: is, state: 'done' });
        // Sources go there for what is new, and where another was faster.
        expect(put).toHaveBeenCalledTimes(Number(is === 'anew') + Number(looksBefore && known !== 'nothing'));
        // What it does not look for it need not ask for: an end is told with its news.
        if (looksBefore && known === 'nothing') expect(asked.mock.contexts).not.toContain(own);
        for (const { id } of await farm.store.list('sender')) {
          await farm.queue.withdraw(id);
          await farm.store.remove(id);
        }
        await client.close();
        expect((await farmLeft(shared.queue, shared.storage)).objects).toEqual([]);
      }
      asked.mockRestore();
      put.mockRestore();
    });
  });

  it('hears of a job though it listens while it connects', async () => {
    const { listener } = (farm.queue as unknown as { readonly news: { readonly listener: Redis } }).news;
    let heard = 0;
    let again!: () => void;
    // As the connection stands, before it was asked whether Redis is ready.
    const connected = once(listener, 'connect').then(() => {
      again = farm.queue.listen('second', () => heard++);
    });
    const first = farm.queue.listen('first', () => heard++);
    const ready = once(listener, 'ready');
    listener.disconnect(true);
    await Promise.all([connected, ready]);
    await delay(200);
    const before = heard;
    const telling = new Redis(shared.queue);
    for (const id of ['first', 'second']) await telling.publish(newsOf(id), '');
    while (heard < before + 2) await delay(10);
    telling.disconnect();
    first();
    again();
  });

  it('lets a worker that is asked to end finish what it computes, and leaves the rest', async () => {
    const count = 12;
    const id = await send(await Promise.all(Array.from({ length: count }, (_, seed) => smallPicture(seed, 200, 200))));
    const child = spawn(process.execPath, [command, 'worker', ...where(), '--no-cache', '-t', '1', '--log'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env,
    });
    children.push(child);
    const lines: string[] = [];
    createInterface(child.stdout).on('line', (line) => {
      if (lines.push(line) === 1) child.kill('SIGTERM');
    });
    const [code] = (await once(child, 'close')) as [number | null];
    expect(code).toBe(0);
    const { images } = (await farm.store.get(id))!;
    const done = images.flatMap(({ state }, place) => (state === 'done' ? [place] : []));
    expect(new Set(images.map(({ state }) => state))).toEqual(new Set(['done', 'queued']));
    const told = lines.map((line) => JSON.parse(line) as { readonly place: number });
    expect(told.map(({ place }) => place).sort((a, b) => a - b)).toEqual(done);
    for (const each of told) {
      expect(each).toMatchObject({ job: id, state: 'done', pixels: 200 * 200, attempts: 1 });
    }
    await fetch(`${url}/v1/jobs/${id}`, { method: 'DELETE' });
    await forget(id);
  });

  it('gives up an image that was begun too often, and computes it again or drops it when its owner says so', async () => {
    const queue = async (...args: string[]): Promise<string[]> => {
      const { code, stdout, stderr } = await runChild(command, ['queue', args[0]!, ...where(), ...args.slice(1)]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      return stdout.trim().split('\n');
    };
    const ids = [await send([await smallPicture(1)]), await send([await smallPicture(2)])];
    for (const id of ids) {
      await farm.store.update(id, (job) => ({
        ...job,
        images: job.images.map((image) => ({ ...image, attempts: mostAttempts })),
      }));
    }
    const worker = await openWorker({ ...shared, cache: false, threads: 1 }, { lockMs: 1500, mendMs: 500 });
    for (const id of ids) {
      expect((await endOf(`${url}/v1/jobs/${id}`)).images[0]!.problem).toMatchObject({ code: 'INTERNAL' });
    }
    while ((await farm.queue.counts()).failed !== 2) await delay(20);
    const [counts, ...letters] = (await queue('list')).map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(counts).toEqual({ wait: 0, active: 0, delayed: 0, failed: 2 });
    expect(letters.map(({ image }) => image).sort()).toEqual(ids.map((id) => `${id}_0`).sort());
    for (const { detail } of letters) expect(detail).toMatch(/ended 8 times while it worked on this image/);

    expect(await queue('retry', `${ids[0]}_0`)).toEqual([`${ids[0]}_0 is computed again`]);
    expect((await endOf(`${url}/v1/jobs/${ids[0]}`)).state).toBe('done');
    expect(await queue('drop', '--all')).toEqual([`${ids[1]}_0 is dropped`]);
    expect((await endOf(`${url}/v1/jobs/${ids[1]}`)).state).toBe('failed');
    expect(await queue('list')).toEqual(['{"wait":0,"active":0,"delayed":0,"failed":0}']);
    const unknown = await runChild(command, ['queue', 'retry', ...where(), `${ids[1]}_0`]);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toMatch(/is no image that was given up/);
    await worker.close();
    for (const id of ids) await fetch(`${url}/v1/jobs/${id}`, { method: 'DELETE' });
    expect(await farmLeft(shared.queue, shared.storage)).toEqual({ keys: [], objects: [] });
  });
});
