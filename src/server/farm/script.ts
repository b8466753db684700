import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { messageOf } from '../../errors.js';
import { asking } from './connection.js';

/** A program that Redis runs as one step. It is named by its hash: its text goes there only once. */
export class Script {
  private readonly sha: string;

  constructor(private readonly text: string) {
    this.sha = createHash('sha1').update(text).digest('hex');
  }

  /** @throws QUEUE_UNAVAILABLE */
  run(redis: Redis, keys: readonly string[], values: readonly (string | number)[]): Promise<unknown> {
    return asking(this.runKnown(redis, keys, values));
  }

  private async runKnown(
    redis: Redis,
    keys: readonly string[],
    values: readonly (string | number)[],
  ): Promise<unknown> {
    try {
      return await redis.evalsha(this.sha, keys.length, ...keys, ...values);
    } catch (error) {
      // It has never heard of it, or has been started since.
      if (!messageOf(error).startsWith('NOSCRIPT')) throw error;
      return redis.eval(this.text, keys.length, ...keys, ...values);
    }
  }
}
