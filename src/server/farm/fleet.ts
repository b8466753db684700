import type { Redis } from 'ioredis';
import { asking, keyPrefix } from './connection.js';

/** A farm is not taken to be smaller, so that work is there for its first worker. */
const leastSlots = 4;
/** Workers that were silent for so many milliseconds are gone. */
const silentMs = 30_000;
/** Milliseconds between two words of a worker. */
export const wordMs = silentMs / 3;
/** So many milliseconds a number that was asked for is believed. */
const knownMs = silentMs / 6;

const workersKey = `${keyPrefix}workers`;

/** Which workers a farm has. */
export class Fleet {
  private slots = { known: -Infinity, count: leastSlots };

  constructor(private readonly redis: Redis) {}

  /** A worker says that it is there; a word that is lost is said again. */
  async say(worker: string, atOnce: number): Promise<void> {
    const now = Date.now();
    const words = this.redis.pipeline();
    words.zadd(workersKey, now + silentMs, `${worker}:${atOnce}`).zremrangebyscore(workersKey, 0, now);
    await words.exec().catch(() => undefined);
  }

  /** A worker goes. */
  async leave(worker: string, atOnce: number): Promise<void> {
    await this.redis.zrem(workersKey, `${worker}:${atOnce}`).catch(() => undefined);
  }

  /** Images that all workers compute at once, now. */
  async size(): Promise<number> {
    const workers = await asking(this.redis.zrangebyscore(workersKey, Date.now(), '+inf'));
    return workers.reduce((sum, worker) => sum + Number(worker.split(':')[1]), 0);
  }

  /** The same as work is to be handed out by: as of a while ago, and never too few. */
  async slotsToFill(): Promise<number> {
    const now = performance.now();
    if (now - this.slots.known < knownMs) return this.slots.count;
    this.slots = { known: now, count: Math.max(leastSlots, await this.size()) };
    return this.slots.count;
  }
}
