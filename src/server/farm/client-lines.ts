import type { Redis } from 'ioredis';
import { asking, keyPrefix } from './connection.js';
import type { Queued } from './image-name.js';

/** Pixels that each client may have in the queue for each image that the farm computes at once. */
const pixelsPerSlot = 1_000_000;

const turnsKey = `${keyPrefix}turns`;
/** A client's images that wait for room in the queue, by the order in which they came; and those that are in it. */
const lineKey = (client: string): string => `${keyPrefix}line:${client}`;
const insideKey = (client: string): string => `${keyPrefix}inside:${client}`;

/** KEYS line, inside, turns; ARGV pixels and images that may be inside, and names and pixels of images that come: lets them in. */
const enterScript = `
for at = 3, #ARGV, 2 do
  local member = ARGV[at] .. ':' .. ARGV[at + 1]
  if redis.call('HEXISTS', KEYS[2], ARGV[at]) == 0 and not redis.call('ZSCORE', KEYS[1], member) then
    redis.call('ZADD', KEYS[1], redis.call('INCR', KEYS[3]), member)
  end
end
local entered = {}
local pixels = tonumber(redis.call('HGET', KEYS[2], '') or '0')
local images = redis.call('HLEN', KEYS[2]) - 1
while pixels < tonumber(ARGV[1]) or images < tonumber(ARGV[2]) do
  local first = redis.call('ZPOPMIN', KEYS[1])[1]
  if not first then break end
  local name, size = string.match(first, '^(.*):(%d+)$')
  redis.call('HSET', KEYS[2], name, size)
  pixels = redis.call('HINCRBY', KEYS[2], '', size)
  images = images + 1
  entered[#entered + 1] = name
end
return entered`;

/** KEYS line, inside; ARGV names and pixels: they leave. */
const leaveScript = `
for at = 1, #ARGV, 2 do
  redis.call('ZREM', KEYS[1], ARGV[at] .. ':' .. ARGV[at + 1])
  local size = redis.call('HGET', KEYS[2], ARGV[at])
  if size then
    redis.call('HDEL', KEYS[2], ARGV[at])
    redis.call('HINCRBY', KEYS[2], '', -tonumber(size))
  end
end
if redis.call('HLEN', KEYS[2]) == 1 then redis.call('DEL', KEYS[2]) end`;

/**
 * Clients take turns by having equally much in the queue: an image enters when there is room for its client. So a client that
 * comes finds at most that much of each other's before it, however much they have asked for.
 */
export class ClientLines {
  /** @param slots images that the farm computes at once */
  constructor(
    private readonly redis: Redis,
    private readonly slots: () => Promise<number>,
  ) {}

  /**
   * A client's images come, if they have not come before.
   * @returns names of those, of whichever came first, that are to be put into the queue
   */
  async enter(client: string, images: readonly Queued[] = []): Promise<readonly string[]> {
    const slots = await this.slots();
    const room = [String(slots * pixelsPerSlot), String(slots)];
    const keys = [lineKey(client), insideKey(client), turnsKey];
    return asking(this.redis.eval(enterScript, keys.length, ...keys, ...room, ...texts(images))) as Promise<string[]>;
  }

  /** A client's images go, wherever they are. */
  async leave(client: string, images: readonly Queued[]): Promise<void> {
    await asking(this.redis.eval(leaveScript, 2, lineKey(client), insideKey(client), ...texts(images)));
  }

  /** Those of a client's images that are in the queue, or should be. */
  async areInside(client: string, images: readonly Queued[]): Promise<readonly Queued[]> {
    const sizes = await asking(this.redis.hmget(insideKey(client), ...images.map(({ name }) => name)));
    return images.filter((_, at) => sizes[at] !== null);
  }

  /** Names of a client's images that are in the queue, or should be. */
  async inside(client: string): Promise<readonly string[]> {
    return (await asking(this.redis.hkeys(insideKey(client)))).filter((name) => name !== '');
  }
}

const texts = (images: readonly Queued[]): string[] => images.flatMap(({ name, cost }) => [name, String(cost)]);
