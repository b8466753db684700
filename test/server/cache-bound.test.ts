import { expect, test } from 'vitest';
import { AssetCache } from '#src/asset/cache/asset-cache.js';
import { CacheBound } from '#src/server/service/cache-bound.js';
import { temporaryFolder } from '../support/folders.js';
import { imageFile, startServer, upscale } from './support/server.js';

test('a cache keeps its newest results, and never much more than it may', async () => {
  const cache = new AssetCache<{ readonly number: number }>(temporaryFolder());
  const bound = new CacheBound(cache, 1000, (message) => {
    throw new Error(message);
  });
  for (let number = 0; number < 40; number++) {
    await cache.put(`result ${number}`, Buffer.alloc(100, number), { number });
    bound.add(100);
    await bound.settled();
    expect((await cache.stats()).bytes).toBeLessThanOrEqual(1000 * 1.125);
  }
  expect((await cache.get('result 39'))?.facts).toEqual({ number: 39 });
  expect(await cache.get('result 0')).toBeUndefined();
});

test('what is written while older results are being removed is not forgotten', async () => {
  const cache = new AssetCache<{ readonly number: number }>(temporaryFolder());
  const bound = new CacheBound(cache, 1000, (message) => {
    throw new Error(message);
  });
  bound.add(1);
  for (let number = 0; number < 40; number++) {
    await cache.put(`result ${number}`, Buffer.alloc(100, number), { number });
    bound.add(100);
  }
  await bound.settled();
  expect((await cache.stats()).bytes).toBeLessThanOrEqual(1000 * 1.125);
});

test('what earlier servers wrote counts too', async () => {
  const cache = new AssetCache<{ readonly number: number }>(temporaryFolder());
  for (let number = 0; number < 40; number++)
    await cache.put(`result ${number}`, Buffer.alloc(100, number), { number });
  const bound = new CacheBound(cache, 1000, (message) => {
    throw new Error(message);
  });
  bound.add(1);
  await bound.settled();
  expect((await cache.stats()).bytes).toBeLessThanOrEqual(1000);
});

test('a server’s cache does not grow without end', async () => {
  const folder = temporaryFolder();
  const server = await startServer({ cache: folder, limits: { cacheBytes: 20_000 } });
  for (let seed = 1; seed <= 12; seed++) {
    expect((await upscale(server, await imageFile(20, 20, 'png', seed), '?model=bicubic')).status).toBe(200);
  }
  await server.close();
  expect((await new AssetCache(folder).stats()).bytes).toBeLessThanOrEqual(20_000 * 1.125);
});
