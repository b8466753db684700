import { Redis } from 'ioredis';
import sharp from 'sharp';
import { Upscaler } from '#src/image/upscale.js';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { openFarm } from '#src/server/farm/farm.js';
import { keyPrefix } from '#src/server/farm/connection.js';
import { Fleet } from '#src/server/farm/fleet.js';
import type { FarmTimes } from './farm-model.js';
import type { FarmProcesses, RedisUse } from './farm-processes.js';
import { withComment } from './load-pictures.js';
import { recordTiles, warmUp } from './networks.js';
import { photograph } from './pictures.js';
import { summarise } from './statistics.js';

/** The pictures of a farm's load: photographs as JPEG files, enlarged twice by `natural`, into JPEG. */
export interface Load {
  readonly width: number;
  readonly height: number;
  readonly jpeg: Buffer;
}

export async function loadOf(width: number, height: number): Promise<Load> {
  const { data } = await photograph(width, height);
  const jpeg = await sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 85 })
    .toBuffer();
  return { width, height, jpeg };
}

/** Pictures that no one has seen before. */
let made = 0;
export const freshPictures = ({ jpeg }: Load, count: number): Buffer[] =>
  Array.from({ length: count }, () => withComment(jpeg, made++));

/** Seconds of processor time that something takes in this process, all of its threads: the median of some rounds. */
async function processorSeconds(rounds: number, work: () => Promise<unknown>): Promise<number> {
  const taken: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    taken.push((user + system) / 1e6);
  }
  return summarise(taken).median;
}

/** What one picture takes of a worker of one thread, measured in this process, where nothing else computes. */
export async function measureWork(load: Load, rounds: number): Promise<FarmTimes['worker'] & { resultBytes: number }> {
  const { width, height } = load;
  const image = await photograph(width, height);
  await using network = await ThreadSafeNetwork.fromLabel('natural', { scale: 2, threads: 1 });
  await warmUp(network, image);
  const sizes = (await recordTiles(network, image)).map(({ pixels }) => pixels);
  const computing = await processorSeconds(rounds, () => network.upscaleImage(image));
  await using upscaler = new Upscaler({ threads: 1 });
  let result = Buffer.alloc(0);
  const whole = async (): Promise<void> => {
    const [picture] = freshPictures(load, 1);
    result = Buffer.from((await upscaler.upscale(picture!, { model: 'natural', upscale: 2 })).data);
  };
  await whole();
  const all = await processorSeconds(rounds, whole);
  const decode = await processorSeconds(rounds, () => sharp(load.jpeg).raw().toBuffer());
  const { data, info } = await sharp(result).raw().toBuffer({ resolveWithObject: true });
  const raw = { width: info.width, height: info.height, channels: 3 } as const;
  const encode = await processorSeconds(rounds, () => sharp(data, { raw }).jpeg({ quality: 85 }).toBuffer());
  const pixels = sizes.reduce((sum, size) => sum + size, 0);
  return {
    decode,
    tiles: sizes.map((size) => (computing * size) / pixels),
    encode,
    rest: Math.max(0, all - computing - decode - encode),
    resultBytes: result.length,
  };
}

const hourMs = 3_600_000;
/** Seconds for which a worker that has nothing to do is watched. */
const idleSeconds = 10;

/** What was counted of one picture, besides seconds. */
export interface Counts {
  readonly commandsToAccept: number;
  readonly commandsToWork: number;
  /** Requests of the storage, from the first to the last. */
  readonly requests: Readonly<Record<string, number>>;
}

export interface FarmCalibration {
  readonly redis: Readonly<Record<keyof FarmTimes['redis'], RedisUse>>;
  readonly front: FarmTimes['front'];
  readonly counts: Counts;
}

/**
 * Counts what Redis, the storage and the front do for pictures that cost a worker next to nothing.
 * @param load of which the front is sent pictures: what it costs depends on their size
 * @param picturesPerJob that records hold: each change of one reads and writes all of it
 */
export async function calibrateFarm(
  farm: FarmProcesses,
  load: Load,
  picturesPerJob: number,
  jobs: number,
): Promise<FarmCalibration> {
  const pictures = picturesPerJob * jobs;
  const tiny = await loadOf(24, 16);
  const own = await openFarm({ ...farm.where, atOnce: 1, warn: () => undefined, mendMs: hourMs });
  const redis = new Redis(farm.where.queue);
  // As if another had just looked for what was lost: nobody does while something else is counted.
  const holdMending = (): Promise<unknown> => redis.set(`${keyPrefix}mending`, 'bench', 'PX', hourMs);
  try {
    await holdMending();
    const spent = async (times: number, work: () => Promise<unknown>): Promise<RedisUse> =>
      each(await difference(farm, work), times);
    const requestsBefore = await farm.requests();
    const ids: string[] = [];
    const accept = await spent(pictures, async () => {
      for (let job = 0; job < jobs; job++) ids.push(await farm.send(freshPictures(tiny, picturesPerJob), 'nearest'));
    });
    const look = await spent(400, async () => {
      for (let time = 0; time < 400; time++) await own.store.get(ids[0]!);
    });
    let mends = 0;
    const mend = await spent(1, async () => {
      while (mends < 3) {
        await redis.del(`${keyPrefix}mending`);
        await own.queue.mend();
        mends++;
      }
    });
    await holdMending();
    const fleet = new Fleet(redis, 'bench:workers');
    const [workers, sum] = [`${keyPrefix}bench:workers`, `${keyPrefix}bench:workers:sum`];
    const listed = 2000;
    const gone = Date.now() + hourMs;
    await redis.zadd(workers, ...Array.from({ length: listed }, (_, at) => [gone, `abcdefgh-${at}:10`]).flat());
    const count = await spent(100 * listed, async () => {
      for (let time = 0; time < 100; time++) {
        await redis.del(sum);
        await fleet.size();
      }
    });
    const slots = await spent(400, async () => {
      for (let time = 0; time < 400; time++) await fleet.size();
    });
    await redis.del(workers, sum);

    const work = await spent(pictures, async () => {
      await farm.addWorker();
      await farm.finished(pictures);
    });
    const second = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, idleSeconds * 1000));
    const waitingWorker = await spent(idleSeconds, second);
    await farm.endWorkers();
    const requestsAfter = await farm.requests();
    const none = await spent(idleSeconds, second);
    const idle = less(waitingWorker, none);

    const few = 16;
    const front = async (work: () => Promise<unknown>): Promise<number> => {
      const before = farm.turns('front').runSeconds;
      await work();
      return (farm.turns('front').runSeconds - before) / few;
    };
    let id = '';
    const acceptSeconds = await front(async () => (id = await farm.send(freshPictures(load, few), 'nearest')));
    await farm.addWorker();
    await farm.finished(few);
    await farm.endWorkers();
    const give = await front(async () => {
      const { images } = (await (await fetch(`${farm.url}/v1/jobs/${id}`)).json()) as {
        readonly images: readonly { readonly result: { readonly url: string } }[];
      };
      for (const { result } of images) {
        const answer = await fetch(new URL(result.url, farm.url));
        if (!answer.ok) throw new Error(`a result was not given: ${answer.status}`);
        await answer.arrayBuffer();
      }
    });
    const requests = Object.fromEntries(
      Object.entries(requestsAfter).map(([kind, total]) => [kind, (total - (requestsBefore[kind] ?? 0)) / pictures]),
    );
    return {
      redis: { accept, work, idle, look, count, slots, mend: each(mend, pictures * mends) },
      front: { accept: acceptSeconds, give },
      counts: { commandsToAccept: accept.commands, commandsToWork: work.commands, requests },
    };
  } finally {
    redis.disconnect();
    await own.close();
  }
}

async function difference(farm: FarmProcesses, work: () => Promise<unknown>): Promise<RedisUse> {
  const before = await farm.redisUse();
  await work();
  const after = await farm.redisUse();
  return {
    seconds: after.seconds - before.seconds,
    bytes: after.bytes - before.bytes,
    commands: after.commands - before.commands,
  };
}

const each = ({ seconds, bytes, commands }: RedisUse, count: number): RedisUse => ({
  seconds: seconds / count,
  bytes: bytes / count,
  commands: commands / count,
});

const less = (one: RedisUse, other: RedisUse): RedisUse => ({
  seconds: Math.max(0, one.seconds - other.seconds),
  bytes: Math.max(0, one.bytes - other.bytes),
  commands: Math.max(0, one.commands - other.commands),
});
