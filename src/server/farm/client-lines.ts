import type { Redis } from 'ioredis';
import { asking, keyPrefix } from './connection.js';
import type { Queued } from './image-name.js';
import { Script } from './script.js';

/** Pixels that each client may have in the queue for each image that the farm computes at once. */
const pixelsPerSlot = 1_000_000;

const turnsKey = `${keyPrefix}turns`;
/** A client's images that wait for room in the queue, by the order in which they came; and those that are in it. */
const lineKey = (client: string): string => `${keyPrefix}line:${client}`;
const insideKey = (client: string): string => `${keyPrefix}inside:${client}`;

/**
 * KEYS line, inside, turns; ARGV pixels and images that may be inside, how many images leave, names and pixels of these and of those that
 * come: lets whoever is first in.
 */
const passScript = new Script(`
local coming = 4 + 2 * tonumber(ARGV[3])
for at = 4, coming - 1, 2 do
  local size = redis.call('HGET', KEYS[2], ARGV[at])
  if size then
    redis.call('HDEL', KEYS[2], ARGV[at])
    redis.call('HINCRBY', KEYS[2], '', -tonumber(size))
  else
    redis.call('ZREM', KEYS[1], ARGV[at] .. ':' .. ARGV[at + 1])
  end
end
for at = coming, #ARGV, 2 do
  local member = ARGV[at] .. ':' .. ARGV[at + 1]
  if redis.call('HEXISTS', KEYS[2], ARGV[at]) == 0 and not redis.call('ZSCORE', KEYS[1], member) then
    redis.call('ZADD', KEYS[1], redis.call('INCR', KEYS[3]), member)
  end
end
local entered = {}
local pixels = tonumber(redis.call('HGET', KEYS[2], '') or '0')
local images = math.max(redis.call('HLEN', KEYS[2]) - 1, 0)
while pixels < tonumber(ARGV[1]) or images < tonumber(ARGV[2]) do
  local first = redis.call('ZPOPMIN', KEYS[1])[1]
  if not first then break end
  local name, size = string.match(first, '^(.*):(%d+)$')
  redis.call('HSET', KEYS[2], name, size)
  pixels = redis.call('HINCRBY', KEYS[2], '', size)
  images = images + 1
  entered[#entered + 1] = name
end
if images == 0 then redis.call('DEL', KEYS[2]) end
return entered`);

export interface Passing {
  readonly leave?: readonly Queued[];
  readonly come?: readonly Queued[];
}

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
   * Some of a client's images go, wherever they are, and others come, if they have not come before.
   * @returns names of those, of whichever came first, that are to be put into the queue
   */
  async pass(client: string, { leave = [], come = [] }: Passing): Promise<readonly string[]> {
    const slots = await this.slots();
    const keys = [lineKey(client), insideKey(client), turnsKey];
    const values = [slots * pixelsPerSlot, slots, leave.length, ...texts(leave), ...texts(come)];
    return (await passScript.run(this.redis, keys, values)) as string[];
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
