import { Redis } from 'ioredis';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createServer, type UpresServer } from '#src/server/index.js';
import { Fleet } from '#src/server/farm/fleet.js';
import { openWorker } from '#src/server/farm/worker.js';
import { ImageService } from '#src/server/service/image-service.js';
import { temporaryFolder } from '../support/folders.js';
import { redisProgram, startRedis } from '../support/services.js';
import { farmLeft } from './support/farm-left.js';
import { endOf, eventsOf, form, json, smallPicture } from './support/job-server.js';
import { alice, bob, image, post, tokens } from './support/jobs-api.js';

describe.skipIf(redisProgram === undefined)('clients of a farm with several servers', () => {
  let shared: { readonly queue: string; readonly storage: string };
  let pictures: readonly Buffer[];
  /** Takes seconds, so that there is time to do something in between. */
  let large: Buffer;
  const fronts: UpresServer[] = [];

  beforeAll(async () => {
    shared = { queue: (await startRedis(temporaryFolder())).location, storage: temporaryFolder() };
    pictures = await Promise.all([1, 2, 3].map((seed) => smallPicture(seed)));
    large = await smallPicture(4, 900, 900);
  });

  afterAll(async () => {
    await Promise.all(fronts.map((front) => front.close({ cancel: true })));
  });

  async function openFront(): Promise<{ readonly front: UpresServer; readonly url: string }> {
    const options = { port: 0, threads: 1, cache: false as const, tokens, limits: { jobsPerClient: 3 } };
    const front = await createServer({ ...options, ...shared });
    fronts.push(front);
    return { front, url: await front.listen() };
  }

  const openOne = (onImage: (image: { readonly job: string }) => void = () => undefined) =>
    openWorker({ ...shared, cache: false, threads: 1, onImage }, { lockMs: 1500, mendMs: 500 });

  async function forget(url: string, ids: readonly string[], headers: Record<string, string>): Promise<void> {
    for (const id of ids) await fetch(`${url}/v1/jobs/${id}`, { method: 'DELETE', headers });
  }

  it('take turns, however much each of them has asked for', async () => {
    const { url } = await openFront();
    const { url: other } = await openFront();
    // Quickly made, and 0.35 megapixels each, as far as turns are concerned.
    const grey = await sharp({ create: { width: 500, height: 500, channels: 3, background: 'grey' } })
      .png()
      .toBuffer();
    const some = (count: number): FormData =>
      form(Array.from({ length: count }, (_, n) => [`${n}.png`, grey] as const));
    const first = await json(post(`${url}/v1/jobs?model=nearest`, some(24)), 202);
    const second = await json(post(`${other}/v1/jobs?model=nearest`, some(2), bob), 202);
    const order: string[] = [];
    const worker = await openOne(({ job }) => order.push(job));
    await endOf(`${url}/v1/jobs/${first.id}`, alice);
    expect(order).toHaveLength(26);
    // Twelve of the first client's are let in before; and three are computed at once.
    expect(order.lastIndexOf(second.id)).toBeLessThan(12 + 2 + 3);
    await worker.close();
    await forget(url, [first.id], alice);
    await forget(url, [second.id], bob);
    expect(await farmLeft(shared.queue, shared.storage)).toEqual({ keys: [], objects: [] });
  });

  it('are let in by a count of workers that the whole farm makes once, and that is right', async () => {
    const redis = new Redis(shared.queue);
    const calls = async (): Promise<number> =>
      Number(/zrangebyscore:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0);
    const fleet = (): Fleet => new Fleet(redis, 'test:workers');
    const before = await calls();
    for (const worker of ['one', 'two', 'three']) await fleet().say(worker, 5);
    const counts = await Promise.all(Array.from({ length: 100 }, () => fleet().slotsToFill()));
    expect(new Set(counts)).toEqual(new Set([15]));
    // A word again is none who comes.
    await fleet().say('one', 5);
    await fleet().say('four', 8);
    await fleet().leave('two', 5);
    await fleet().leave('two', 5);
    expect(await fleet().size()).toBe(18);
    expect((await calls()) - before).toBe(1);
    // Who falls silent is gone when it is counted next.
    await redis.zadd('upres:test:workers', 1, 'one:5');
    await redis.pexpire('upres:test:workers:sum', 1);
    await vi.waitUntil(async () => (await redis.exists('upres:test:workers:sum')) === 0);
    expect(await fleet().size()).toBe(13);
    expect((await calls()) - before).toBe(2);
    await redis.del('upres:test:workers', 'upres:test:workers:sum');
    redis.disconnect();
  });

  it('have their limits over all servers, also at once', async () => {
    const urls = [(await openFront()).url, (await openFront()).url];
    const asked = Array.from({ length: 8 }, (_, n) => post(`${urls[n % 2]}/v1/jobs`, pictures[0]!, image));
    const answers = await Promise.all(asked);
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 202, 202, 429, 429, 429, 429, 429]);
    await json(post(`${urls[1]}/v1/jobs`, pictures[0]!, { ...image, ...bob }), 202);
    const { jobs } = await json<{ jobs: { id: string }[] }>(fetch(`${urls[1]}/v1/jobs`, { headers: alice }));
    // Whoever removes one at one server has room at the other.
    await fetch(`${urls[0]}/v1/jobs/${jobs[0]!.id}`, { method: 'DELETE', headers: alice });
    await fetch(`${urls[0]}/v1/jobs/${jobs[0]!.id}`, { method: 'DELETE', headers: alice });
    const again = await json(post(`${urls[1]}/v1/jobs`, pictures[0]!, image), 202);
    const ids = [again.id, ...jobs.map(({ id }) => id)];
    for (const headers of [alice, bob]) {
      const own = await json<{ jobs: { id: string }[] }>(fetch(`${urls[0]}/v1/jobs`, { headers }));
      for (let times = 0; times < 2; times++)
        await forget(urls[0]!, [...ids, ...own.jobs.map(({ id }) => id)], headers);
    }
    expect(await farmLeft(shared.queue, shared.storage)).toEqual({ keys: [], objects: [] });
  });

  it('go on with events at another server where one ended', async () => {
    const { front, url } = await openFront();
    const { url: other } = await openFront();
    // The large one is still computed when the server ends, however busy the machine is.
    const some = form([['large.png', large], ...pictures.map((bytes, n) => [`${n}.png`, bytes] as const)]);
    const { id } = await json(post(`${url}/v1/jobs?model=natural`, some), 202);
    const worker = await openOne();
    const seen: { readonly event: string | undefined; readonly id: number }[] = [];
    const follow = async (from: string, last?: number): Promise<void> => {
      const headers = { ...alice, ...(last !== undefined && { 'last-event-id': String(last) }) };
      for await (const { event, id: number } of eventsOf(await fetch(`${from}/v1/jobs/${id}/events`, { headers }))) {
        if (number === undefined) continue;
        seen.push({ event, id: Number(number) });
        if (last === undefined && seen.length === 2) void front.close();
      }
    };
    await follow(url);
    expect(new Set(seen.map(({ event }) => event))).toEqual(new Set(['state']));
    await follow(other, seen.at(-1)!.id);
    expect(seen.at(-1)!.event).toBe('done');
    expect(seen.filter(({ event }) => event === 'done')).toHaveLength(1);
    const ids = seen.map((each) => each.id);
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
    await worker.close();
    await forget(other, [id], alice);
    expect(await farmLeft(shared.queue, shared.storage)).toEqual({ keys: [], objects: [] });
  });

  it('cancel at another server than the one that accepted it, and the worker stops', async () => {
    const { url } = await openFront();
    const { url: other } = await openFront();
    const compute = vi.spyOn(ImageService.prototype, 'upscale');
    const ended: string[] = [];
    const worker = await openOne(({ job }) => ended.push(job));
    const { id } = await json(post(`${url}/v1/jobs?model=natural&upscale=4`, large, image), 202);
    const names: (string | undefined)[] = [];
    for await (const { event, data } of eventsOf(await fetch(`${url}/v1/jobs/${id}/events`, { headers: alice }))) {
      names.push(event);
      if (event !== 'progress' || names.includes('cancelling')) continue;
      if ((JSON.parse(data) as { donePixels: number }).donePixels === 0) continue;
      names.push('cancelling');
      const gone = await json(fetch(`${other}/v1/jobs/${id}`, { method: 'DELETE', headers: alice }));
      expect(gone.state).toBe('cancelled');
    }
    expect(names.at(-1)).toBe('done');
    expect(compute).toHaveBeenCalledTimes(1);
    await expect(compute.mock.results[0]!.value).rejects.toMatchObject({ code: 'ABORTED' });
    compute.mockRestore();
    await worker.close();
    expect(ended).toEqual([]);
    await forget(other, [id], alice);
    expect(await farmLeft(shared.queue, shared.storage)).toEqual({ keys: [], objects: [] });
  });
});
