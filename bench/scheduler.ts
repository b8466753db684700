import sharp from 'sharp';
import { dering } from '#src/image/dering/dering.js';
import { Upscaler } from '#src/image/upscale.js';
import type { MeasuredGeometry } from '#src/network/weights/weights-manifest.js';
import { defaultMemoryBudget, planImage } from '#src/network/tiles/plan.js';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { fixed, percent } from './format.js';
import { geometryOf } from './geometry-of.js';
import { withComment } from './load-pictures.js';
import type { Findings, Json, Setting, Table } from './measurement.js';
import { recordTiles, warmUp } from './networks.js';
import { photograph } from './pictures.js';
import { simulateScheduler, type Machine, type PictureTimes, type SchedulerOutcome } from './scheduler-model.js';
import { summarise } from './statistics.js';
import { mainTurnsOf, stretchBetween, turnsOf } from './turns.js';

/** Width and height of the pictures of a mixed load, in turn. */
const sizes = [
  [96, 96],
  [240, 160],
  [320, 240],
  [480, 480],
  [640, 360],
] as const;
const icon = [24, 24] as const;
const large = [4000, 3000] as const;
const threadCounts = [1, 2, 4, 8, 16, 32, 64];

/** Assumed: bytes a second that memory can move, and that a computing thread has it move. */
const memory = { memoryBytes: 100e9, bytesPerThread: 2e9 };
/** As in `network/pool/thread-pool.ts`. */
const longestAhead = 0.1;
/** As in `image/dering`: steps for each pixel of the source; in `network`: the least that threads are given, and how many at once. */
const settling = { steps: 36, least: 1 << 19, piece: 1 << 23 };
/** Pictures that the command and the plugins have under way for each thread. */
const picturesPerThread = 8;
/** Threads of libuv's pool, on which codecs work. */
const codecThreads = 4;

/** Seconds of one core. */
interface Costs {
  readonly geometry: MeasuredGeometry;
  readonly perPixel: number;
  readonly perTile: number;
  readonly mainPerTile: number;
  /** Of what holds results to their source, for each pixel of that: by threads, where it is large enough. */
  readonly settlePerPixel: number;
  /** Of the codecs, for each pixel of the source and of the result. */
  readonly decode: number;
  readonly encode: number;
  /** Of the main thread, by the pixels of a picture: of its least, and for each one more. */
  readonly mainPerPicture: number;
  readonly mainPerPixel: number;
}

/** Where more cores stop to help, by a simulation of the pool with times that are measured here. */
export async function measureScheduler(setting: Setting): Promise<Findings> {
  if (process.platform !== 'linux') return { tables: [], goals: [], figures: 'on Linux only' };
  setting.say('what tiles and pictures take of the threads and of the main thread');
  const costs = await measureCosts(setting);
  const check = await checkAgainstReality(setting, costs);
  const photographs = (own: Costs, threads: number): PictureTimes[] => mixedLoad(own, 20 * threads);
  const icons = (own: Costs, threads: number): PictureTimes[] =>
    Array.from({ length: 200 * threads }, () => pictureTimes(own, icon, 1));
  const one = (own: Costs, threads: number): PictureTimes[] => [pictureTimes(own, large, threads)];
  const loads = [
    { name: 'photographs of many sizes', load: photographs, same: false },
    { name: `one photograph of ${large[0]}×${large[1]}`, load: one, same: true },
    { name: 'icons of 24×24', load: icons, same: false },
  ];
  const results = loads.map(({ name, load, same }) => {
    const alone = simulateScheduler(load(costs, 1), machineOf(costs, 1));
    const rows = threadCounts.map((threads) => {
      const outcome = simulateScheduler(load(costs, threads), machineOf(costs, threads));
      return { threads, ...outcome, speedUp: ((same ? 1 : threads) * alone.seconds) / outcome.seconds };
    });
    return { name, rows };
  });

  const most = threadCounts.at(-1)!;
  const less = halved(costs);
  const changes: readonly (readonly [string, Costs, Partial<Machine>, processes: number])[] = [
    ['as it is', costs, {}, 1],
    [`codecs on ${most} threads instead of ${codecThreads} (UV_THREADPOOL_SIZE)`, costs, { codecs: most }, 1],
    ['half the time of the main thread', less, {}, 1],
    ['memory twice as fast', costs, { memoryBytes: 2 * memory.memoryBytes }, 1],
    ['four processes of a quarter of the threads', costs, { memoryBytes: memory.memoryBytes / 4 }, 4],
    ['the same, and memory twice as fast', costs, { memoryBytes: memory.memoryBytes / 2 }, 4],
  ];
  const mended = changes.map(([name, own, more, processes]) => {
    const times = [photographs, icons].map((load) => {
      const alone = simulateScheduler(load(costs, 1), machineOf(costs, 1)).seconds;
      const threads = most / processes;
      return (most * alone) / simulateScheduler(load(own, threads), { ...machineOf(own, threads), ...more }).seconds;
    });
    return { name, photographs: times[0]!, icons: times[1]! };
  });
  return {
    tables: [
      costTable(costs),
      check.table,
      ...results.map(({ name, rows }) => resultTable(name, rows)),
      {
        caption: `Simulated: what mends it, ${most} threads, times as fast as one`,
        columns: ['', 'photographs', 'icons'],
        rows: mended.map(({ name, ...times }) => [name, fixed(times.photographs, 1), fixed(times.icons, 1)]),
      },
    ],
    goals: [],
    figures: {
      costs: { ...costs, geometry: null },
      assumed: memory,
      check: check.figures,
      results,
      mended,
    },
  };
}

const halved = (costs: Costs): Costs => ({
  ...costs,
  mainPerTile: costs.mainPerTile / 2,
  mainPerPicture: costs.mainPerPicture / 2,
  mainPerPixel: costs.mainPerPixel / 2,
});

async function measureCosts({ quick, pairs, cacheFolder }: Setting): Promise<Costs> {
  const rounds = quick ? 3 : pairs;
  await using network = await ThreadSafeNetwork.fromLabel('natural', { scale: 2, threads: 1, cacheFolder });
  const image = await photograph(384);
  await warmUp(network, image, 2);
  const spent = async (work: () => Promise<unknown>): Promise<{ all: number; main: number }> => {
    const all: number[] = [];
    const main: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const before = [turnsOf('self').runSeconds, mainTurnsOf('self').runSeconds] as const;
      await work();
      all.push(turnsOf('self').runSeconds - before[0]);
      main.push(mainTurnsOf('self').runSeconds - before[1]);
    }
    return { all: summarise(all).median, main: summarise(main).median };
  };
  const tilesOf = async (tilePixels: number): Promise<{ tiles: number; pixels: number }> => {
    const records = await recordTiles(network, image, tilePixels);
    return { tiles: records.length, pixels: records.reduce((sum, { pixels }) => sum + pixels, 0) };
  };
  const [few, many] = [200 * 200, 40 * 40];
  const coarse = { ...(await tilesOf(few)), ...(await spent(() => network.upscaleImage(image, { tilePixels: few }))) };
  const fine = { ...(await tilesOf(many)), ...(await spent(() => network.upscaleImage(image, { tilePixels: many }))) };
  // Two equations for what pixels and tiles take.
  const [a, b] = [coarse.all - coarse.main, fine.all - fine.main];
  const perTile = Math.max(
    0,
    (b * coarse.pixels - a * fine.pixels) / (fine.tiles * coarse.pixels - coarse.tiles * fine.pixels),
  );
  const perPixel = (a - perTile * coarse.tiles) / coarse.pixels;
  const mainPerTile = Math.max(0, (fine.main - coarse.main) / (fine.tiles - coarse.tiles));

  await using upscaler = new Upscaler({ threads: 1 });
  let made = 0;
  const upscaled = async ([width, height]: readonly [number, number], times: number): Promise<{ main: number }> => {
    const jpeg = await jpegOf(width, height);
    const upscale = (): Promise<unknown> =>
      upscaler.upscale(withComment(jpeg, made++), { model: 'natural', upscale: 2, format: 'jpeg' });
    await upscale();
    const { main } = await spent(async () => {
      for (let time = 0; time < times; time++) await upscale();
    });
    return { main: main / times };
  };
  const small = await upscaled(icon, 50);
  const big = await upscaled([480, 480], 1);
  const bigTiles = (await recordTiles(network, await photograph(480))).length;
  const pixels = 480 * 480 - icon[0] * icon[1];
  const photo = await sharp(await jpegOf(480, 480))
    .raw()
    .toBuffer();
  const source = { width: 480, height: 480, channels: 3, data: new Uint8Array(photo) } as const;
  const enlarged = await network.upscaleImage(source);
  const copies = Array.from({ length: rounds }, () => ({ ...enlarged, data: enlarged.data.slice() }));
  const settled = await spent(() => dering(copies.pop()!, source, 'faithful'));
  const mainPerPixel = Math.max(0, (big.main - small.main - (bigTiles - 1) * mainPerTile) / pixels);

  const jpeg = await jpegOf(480, 480);
  const decoded = await spent(() => sharp(jpeg).raw().toBuffer());
  const { data } = await photograph(960);
  const raw = { width: 960, height: 960, channels: 3 } as const;
  const encoded = await spent(() => sharp(data, { raw }).jpeg({ quality: 85, chromaSubsampling: '4:4:4' }).toBuffer());
  return {
    geometry: geometryOf(network),
    perPixel,
    perTile,
    mainPerTile,
    settlePerPixel: settled.main / 480 ** 2,
    decode: decoded.all / 480 ** 2,
    encode: encoded.all / 960 ** 2,
    mainPerPicture: Math.max(0, small.main - mainPerTile - (settled.main / 480 ** 2) * icon[0] * icon[1]),
    mainPerPixel,
  };
}

async function jpegOf(width: number, height: number): Promise<Buffer> {
  const { data } = await photograph(width, height);
  return sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 85 })
    .toBuffer();
}

/** @param threads that share the picture */
function pictureTimes(costs: Costs, [width, height]: readonly [number, number], threads: number): PictureTimes {
  const plan = planImage({
    width,
    height,
    geometry: costs.geometry,
    threads,
    memoryBudget: defaultMemoryBudget,
    tilePixels: undefined,
    acceptApproximation: false,
    pixelsPerMs: 1 / costs.perPixel / 1000,
  });
  const pixels = width * height;
  const steps = settling.steps * pixels;
  const settle = costs.settlePerPixel * pixels;
  const inThreads = steps >= settling.least;
  const pieces = Math.ceil(steps / settling.piece);
  return {
    decode: costs.decode * pixels,
    encode: costs.encode * pixels * 4,
    main: costs.mainPerPicture + costs.mainPerPixel * pixels + (inThreads ? 0 : settle),
    tiles: plan.tiles.map(({ work }) => costs.perTile + costs.perPixel * work),
    settling: inThreads ? Array.from({ length: pieces }, () => settle / pieces) : [],
  };
}

const mixedLoad = (costs: Costs, count: number): PictureTimes[] =>
  Array.from({ length: count }, (_, at) => pictureTimes(costs, sizes[at % sizes.length]!, 1));

const machineOf = ({ mainPerTile }: Costs, threads: number): Machine => ({
  ...memory,
  threads,
  mainPerTile,
  longestAhead,
  codecs: Math.min(threads, codecThreads),
  picturesAtOnce: picturesPerThread * threads,
});

interface Row extends SchedulerOutcome {
  readonly threads: number;
  readonly speedUp: number;
}

/** One thread and two on this machine, and the same in the simulation. */
async function checkAgainstReality({ quick, say }: Setting, costs: Costs): Promise<{ table: Table; figures: Json }> {
  const count = quick ? 10 : 40;
  const checks: {
    threads: number;
    processor: { real: number; simulated: number };
    clock: { real: number; simulated: number };
    stretch: number;
  }[] = [];
  const jpegs = await Promise.all(sizes.map(([width, height]) => jpegOf(width, height)));
  for (const threads of [1, 2]) {
    say(`${count} photographs on ${threads === 1 ? 'one thread' : `${threads} threads`}`);
    await using upscaler = new Upscaler({ threads });
    const settings = { model: 'natural', upscale: 2, format: 'jpeg' } as const;
    await Promise.all(jpegs.map((jpeg) => upscaler.upscale(jpeg, settings)));
    const before = turnsOf('self');
    const start = performance.now();
    await Promise.all(
      Array.from({ length: count }, (_, at) => upscaler.upscale(withComment(jpegs[at % sizes.length]!, at), settings)),
    );
    const real = (performance.now() - start) / 1000;
    const after = turnsOf('self');
    const stretch = stretchBetween(before, after);
    const machine = { ...machineOf(costs, threads), picturesAtOnce: count };
    const { seconds, busy } = simulateScheduler(mixedLoad(costs, count), machine);
    const processor = {
      real: after.runSeconds - before.runSeconds,
      simulated: seconds * (busy.threads * threads + busy.main + busy.codecs * machine.codecs),
    };
    checks.push({ threads, processor, clock: { real, simulated: seconds * stretch }, stretch });
  }
  const pair = ({ real, simulated }: { real: number; simulated: number }): string[] => [
    fixed(real),
    fixed(simulated),
    percent(simulated / real - 1),
  ];
  const rows = checks.map(({ threads, processor, clock, stretch }) => [
    String(threads),
    ...pair(processor),
    ...pair(clock),
    fixed(stretch),
  ]);
  const caption = `The simulation against this machine: ${count} photographs of many sizes`;
  const columns = [
    'threads',
    ...['processor time, s', 'simulated', 'off by', 'by the clock, s', 'simulated', 'off by'],
    'times as long since others had the cores',
  ];
  return { table: { caption, columns, rows }, figures: checks };
}

function costTable(costs: Costs): Table {
  const us = (seconds: number): string => `${fixed(seconds * 1e6, 1)} µs`;
  const megapixel = (seconds: number): string => `${fixed(seconds * 1e9, 0)} ms`;
  return {
    caption: 'Measured: what natural ×2, JPEG to JPEG, takes of one core',
    columns: ['', ''],
    rows: [
      ['a thread, for each megapixel of tiles', megapixel(costs.perPixel)],
      ['a thread, for each tile', us(costs.perTile)],
      ['the main thread, for each tile', us(costs.mainPerTile)],
      ['the main thread, for each picture', us(costs.mainPerPicture)],
      ['the main thread, for each megapixel of a picture', megapixel(costs.mainPerPixel)],
      ['holding results to their source, for each megapixel', megapixel(costs.settlePerPixel)],
      ['decoding, for each megapixel', megapixel(costs.decode)],
      ['encoding, for each megapixel of the result', megapixel(costs.encode)],
    ],
  };
}

function resultTable(name: string, rows: readonly Row[]): Table {
  return {
    caption: `Simulated: ${name}`,
    columns: ['threads', 'times as fast as one', 'threads busy', 'main thread busy', 'codecs busy'],
    rows: rows.map(({ threads, speedUp, busy }) => [
      String(threads),
      fixed(speedUp, 1),
      percent(busy.threads),
      percent(busy.main),
      percent(busy.codecs),
    ]),
  };
}
