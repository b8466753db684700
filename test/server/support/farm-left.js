import { Redis } from 'ioredis';
import { openStorage } from '#src/storage/open-storage.js';

/** What a farm keeps that has nothing to do: counters, and the empty lists of the queue's own library. */
const kept =
  /^upres:(turns|workers(:sum)?|mending|bull:images:(meta|id|events|stalled-check|marker|completed|failed|pc))$/;

/**
 * What is left of a farm's jobs: keys of Redis, and of the storage.
 * @param {string} queue
 * @param {string} storage
 */
export async function farmLeft(queue, storage) {
  const redis = new Redis(queue);
  const keys = (await redis.keys('*')).filter((key) => !kept.test(key));
  for (const list of ['completed', 'failed']) {
    for (const name of await redis.zrange(`upres:bull:images:${list}`, 0, -1)) keys.push(`${list} ${name}`);
  }
  redis.disconnect();
  const places = await openStorage(storage);
  const objects = [];
  for await (const { key } of places.list('')) objects.push(key);
  await places.close();
  return { keys, objects };
}
