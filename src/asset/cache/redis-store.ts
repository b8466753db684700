import type { Redis } from 'ioredis';
import { hasCode, messageOf, UpresError } from '../../errors.js';
import importPeer from '../../import-peer.cjs';
import { isHangUp, redisRefusal } from '../../redis-refusal.js';
import { isKey, type Kept, type RemoteEntry, type RemoteStore } from './remote-store.js';

/** Before all keys, unless the URL says otherwise. */
const usualPrefix = 'upres';

/** Redis holds all in memory: what is larger than this is computed again. */
const largest = 64 * 2 ** 20;

/** Keys that are asked for at once in a list. */
const keysAtOnce = 500;

/**
 * Results in Redis or Valkey, `redis://host:port/database?prefix=…` (`rediss://` with TLS): a string for each, under `<prefix>:<key>`.
 * What it may keep and for how long is its own settings' affair (`maxmemory`, `maxmemory-policy allkeys-lru`).
 */
export class RedisStore implements RemoteStore {
  readonly name: string;
  private readonly url: string;
  private readonly prefix: string;
  private opened: Promise<Redis> | undefined;
  private client: Redis | undefined;
  private asking = 0;

  /** @throws BAD_ARGUMENT */
  constructor(location: string) {
    const url = new URL(location);
    const unknown = [...url.searchParams.keys()].find((name) => name !== 'prefix');
    if (unknown !== undefined) {
      throw new UpresError(
        'BAD_ARGUMENT',
        `a remote cache in Redis is redis://host:port/database?prefix=…: "${unknown}" is not known`,
      );
    }
    this.prefix = `${url.searchParams.get('prefix') ?? usualPrefix}:`;
    url.search = '';
    this.url = url.href;
    this.name = url.host;
  }

  async load(): Promise<{ readonly Redis: typeof Redis }> {
    try {
      return (await importPeer('ioredis')) as { readonly Redis: typeof Redis };
    } catch (cause) {
      if (!hasCode(cause, 'ERR_MODULE_NOT_FOUND')) throw cause;
      throw new UpresError('BAD_ARGUMENT', 'redis:// needs a package more: npm install ioredis', { cause });
    }
  }

  get(key: string, onPiece: (piece: Uint8Array) => void): Promise<Uint8Array | undefined> {
    return this.ask(async (redis) => {
      const found = await redis.getBuffer(this.prefix + key);
      if (found) onPiece(found);
      return found ?? undefined;
    });
  }

  has(key: string): Promise<boolean> {
    return this.ask(async (redis) => (await redis.exists(this.prefix + key)) === 1);
  }

  put(key: string, bytes: Uint8Array, ifAbsent: boolean): Promise<Kept> {
    if (bytes.length > largest) return Promise.resolve('too large');
    return this.ask(async (redis) => {
      const value = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const name = this.prefix + key;
      try {
        const answer = await (ifAbsent ? redis.set(name, value, 'NX') : redis.set(name, value));
        return answer === null ? 'there' : 'stored';
      } catch (error) {
        // Full, a replica, or not allowed: it may be read all the same. A connection that is lost is another matter.
        if (!/^(?:OOM|READONLY|NOPERM|MISCONF)\b/.test(messageOf(error))) throw error;
        return { refused: messageOf(error) };
      }
    });
  }

  async *list(): AsyncGenerator<RemoteEntry> {
    // A key may come twice while Redis grows or shrinks its table.
    const seen = new Set<string>();
    let cursor = '0';
    do {
      const [next, names] = await this.ask((redis) =>
        redis.scan(cursor, 'MATCH', `${escaped(this.prefix)}*`, 'COUNT', keysAtOnce),
      );
      cursor = next;
      const keys = names.map((name) => name.slice(this.prefix.length)).filter((key) => isKey(key) && !seen.has(key));
      const lengths = await this.ask((redis) => Promise.all(keys.map((key) => redis.strlen(this.prefix + key))));
      for (const [at, key] of keys.entries()) {
        seen.add(key);
        yield { key, bytes: lengths[at]! };
      }
    } while (cursor !== '0');
  }

  close(): void {
    this.client?.disconnect();
    this.client = undefined;
    this.opened = undefined;
  }

  private async ask<T>(what: (redis: Redis) => Promise<T>): Promise<T> {
    this.opened ??= this.open();
    const redis = await this.opened;
    if (++this.asking === 1) redis.stream.ref();
    try {
      return await what(redis);
    } catch (error) {
      const reason = messageOf(error);
      throw new Error(/authentication|NOAUTH|WRONGPASS/i.test(reason) ? 'it refuses the name or password' : reason, {
        cause: error,
      });
    } finally {
      // A connection that nobody waits for keeps no process alive.
      if (--this.asking === 0) redis.stream.unref();
    }
  }

  private async open(): Promise<Redis> {
    const { Redis } = await this.load();
    const redis = new Redis(this.url, {
      lazyConnect: true,
      // The run's budget decides, not the client's.
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
    });
    this.client = redis;
    // Whoever asks is told; nothing else may end the process.
    let failure: unknown;
    redis.on('error', (error: unknown) => (failure = error));
    // Redis and what lies between cut connections that are idle: whoever asks next opens another.
    redis.on('end', () => {
      if (this.client !== redis) return;
      this.client = undefined;
      this.opened = undefined;
    });
    try {
      await redis.connect();
    } catch (error) {
      this.opened = undefined;
      redis.disconnect();
      const why = failure ?? error;
      const words = messageOf(why) || String((why as NodeJS.ErrnoException).code);
      const refusal = isHangUp(words) ? await redisRefusal(this.url) : undefined;
      throw new Error(refusal ?? words, { cause: error });
    }
    return redis;
  }
}

/** A text as a pattern of Redis' that stands for itself. */
const escaped = (text: string): string => text.replace(/[\\*?[\]]/g, '\\$&');
