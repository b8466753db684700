import type { Redis } from 'ioredis';
import { asking, keyPrefix } from './connection.js';
import { Script } from './script.js';

/** A farm is not taken to be smaller, so that work is there for its first worker. */
const leastSlots = 4;
/** Workers that were silent for so many milliseconds are gone. */
const silentMs = 30_000;
/** Milliseconds between two words of a worker. */
export const wordMs = silentMs / 3;
/** So many milliseconds a number that was counted is believed, by each process and by the whole farm. */
const knownMs = silentMs / 6;

/** Milliseconds by Redis's clock: by a worker's own that goes ahead, all others would be gone. */
const now = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/**
 * KEYS workers, sum; ARGV worker, slots, milliseconds until it is gone. Who comes is counted at once, if there is a sum: it keeps its end.
 */
const sayScript = new Script(`${now}
if redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1]) == 1 and redis.call('EXISTS', KEYS[2]) == 1 then
  redis.call('INCRBY', KEYS[2], ARGV[2])
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, now)`);

/** KEYS workers, sum; ARGV worker, slots. */
const leaveScript = new Script(`
if redis.call('ZREM', KEYS[1], ARGV[1]) == 1 and redis.call('EXISTS', KEYS[2]) == 1 then
  redis.call('DECRBY', KEYS[2], ARGV[2])
end`);

/** KEYS workers, sum; ARGV milliseconds that the sum is kept. Of all who ask, the first one has it made. */
const sumScript = new Script(`${now}
local known = redis.call('GET', KEYS[2])
if known then return tonumber(known) end
local sum = 0
for _, worker in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], now, '+inf')) do
  sum = sum + tonumber(string.match(worker, ':(%d+)$'))
end
redis.call('SET', KEYS[2], sum, 'PX', ARGV[1])
return sum`);

/**
 * Which workers a farm has. They are counted in Redis, once in five seconds however many ask: had each of 10,000 workers to list all others,
 * Redis would do nothing else.
 */
export class Fleet {
  private readonly keys: readonly [workers: string, sum: string];
  private slots = { known: -Infinity, count: leastSlots };

  /** @param name of its keys */
  constructor(
    private readonly redis: Redis,
    name = 'workers',
  ) {
    this.keys = [`${keyPrefix}${name}`, `${keyPrefix}${name}:sum`];
  }

  /** A worker says that it is there; a word that is lost is said again. */
  async say(worker: string, atOnce: number): Promise<void> {
    const name = `${worker}:${atOnce}`;
    await sayScript.run(this.redis, this.keys, [name, atOnce, silentMs]).catch(() => undefined);
  }

  /** A worker goes. */
  async leave(worker: string, atOnce: number): Promise<void> {
    await leaveScript.run(this.redis, this.keys, [`${worker}:${atOnce}`, atOnce]).catch(() => undefined);
  }

  /** Images that all workers compute at once; those that fell silent count for up to five seconds more. */
  async size(): Promise<number> {
    const [, sum] = this.keys;
    const known = await asking(this.redis.get(sum));
    if (known !== null) return Number(known);
    return Number(await sumScript.run(this.redis, this.keys, [knownMs]));
  }

  /** The same as work is to be handed out by: as of a while ago, and never too few. */
  async slotsToFill(): Promise<number> {
    const now = performance.now();
    if (now - this.slots.known < knownMs) return this.slots.count;
    this.slots = { known: now, count: Math.max(leastSlots, await this.size()) };
    return this.slots.count;
  }
}
