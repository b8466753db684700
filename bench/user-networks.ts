import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PixelImage } from '#src/pixels.js';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { openBareLoop, planBareLoop } from './bare-loop.js';
import { fixed, mebibytes, percent, spread } from './format.js';
import { geometryOf } from './geometry-of.js';
import type { Findings, Goal, Json, Setting, Table } from './measurement.js';
import { recordTiles, speedOf } from './networks.js';
import { childProgram } from './paths.js';
import { PeakProbe } from './peak.js';
import { photograph } from './pictures.js';
import { compactCheckpoint, cunet, rrdbCheckpoint } from './random-networks.js';
import { inRounds } from './rounds.js';
import { runNode } from './run-child.js';
import { ratios, summarise, timed } from './statistics.js';

/** The share of a bare loop's speed that the engine must reach. */
const leastShare = 0.9;

/** The most memory that the largest network may take for a picture of `largePicture`. */
const mostBytes = 2 * 2 ** 30;
const largePicture = { width: 512, height: 384 };

/** Bytes that leave a network with pools no room for a small picture at once. */
const smallBudget = 8 * 2 ** 20;

/** The share of what a core can multiply and add at most that the largest network should reach. */
const leastShareOfPeak = 0.8;

interface Part {
  readonly table: Table;
  readonly goals: readonly Goal[];
  readonly figures: Json;
}

const parts = {
  rrdb: async (setting: Setting): Promise<Part> =>
    compareWithLoop(setting, {
      name: `RRDB ×4, ${rrdbBlocks(setting)} blocks`,
      file: await rrdbFile(setting),
      side: setting.quick ? 48 : 128,
      leastShareOfPeak,
    }),
  compact: async (setting: Setting): Promise<Part> =>
    compareWithLoop(setting, {
      name: 'Compact ×4, 16 convolutions',
      file: await written(setting, 'compact.safetensors', compactCheckpoint(16)),
      side: setting.quick ? 128 : 384,
    }),
  memory: measurePeak,
  passes: comparePasses,
};

/** What `--part` takes of them: each takes minutes. */
export const partsOfUserNetworks = Object.keys(parts);

/** Networks of users: the large ones against a bare loop over the same tiles, the memory of the largest, and passes against the whole at once. */
export async function measureUserNetworks(setting: Setting): Promise<Findings> {
  const found: Part[] = [];
  for (const [name, measure] of Object.entries(parts)) {
    if (setting.parts?.includes(name) ?? true) found.push(await measure(setting));
  }
  return {
    tables: found.map(({ table }) => table),
    goals: found.flatMap(({ goals }) => goals),
    figures: found.map(({ figures }) => figures),
  };
}

/** Writes a network where it can be loaded from. */
async function written({ folder }: Setting, name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

const rrdbBlocks = ({ quick }: Setting): number => (quick ? 2 : 23);
const rrdbFile = (setting: Setting): Promise<string> =>
  written(setting, 'rrdb.safetensors', rrdbCheckpoint(rrdbBlocks(setting)));

interface LargeNetwork {
  readonly name: string;
  readonly file: string;
  /** Of the square photograph. */
  readonly side: number;
  readonly leastShareOfPeak?: number;
}

/** In turn with the probe for what the core can do at most, since its speed changes with its heat. */
async function compareWithLoop(setting: Setting, large: LargeNetwork): Promise<Part> {
  const { cacheFolder, say } = setting;
  const { name, file, side } = large;
  say(`${name}, ${side}×${side}: bare loop and engine in turn`);
  const image = await photograph(side);
  await using network = await ThreadSafeNetwork.loadFromFile(file, { threads: 1, cacheFolder });
  const tiles = await recordTiles(network, image);
  const plan = await planBareLoop(network, side, { cacheFolder, pixelsPerMs: speedOf(tiles) });
  const { tilePixels } = plan;
  const probe = await PeakProbe.open();
  const loop = await openBareLoop(plan, image);
  try {
    await loop.run();
    const { bare, engine } = await inRounds(setting, {
      probing: async () => {
        await probe.measure();
        return 0;
      },
      bare: async () => (await timed(loop.run)).cpuMs,
      engine: async () => (await timed(() => network.upscaleImage(image, { tilePixels }))).cpuMs,
    });
    const { macPerPixel } = geometryOf(network);
    const computed = plan.tiles.reduce((sum, { work }) => sum + work, 0);
    return loopPart(large, { bare, engine, peak: probe.peak.fastest, macPerPixel, computed, tiles: plan.tiles.length });
  } finally {
    await loop.release();
    await probe.release();
  }
}

interface LoopFigures {
  /** Milliseconds of processor time, one for each round. */
  readonly bare: readonly number[];
  readonly engine: readonly number[];
  /** Operations a second that one core was seen to compute at most. */
  readonly peak: number;
  readonly macPerPixel: number;
  /** Pixels of all tiles, with their halos. */
  readonly computed: number;
  readonly tiles: number;
}

function loopPart({ name, side, leastShareOfPeak: least }: LargeNetwork, figures: LoopFigures): Part {
  const { bare, engine, peak, macPerPixel, computed, tiles } = figures;
  const share = summarise(ratios(bare, engine));
  const ofPeak = (2 * macPerPixel * computed * 1000) / summarise(engine).median / peak;
  const goals: Goal[] = [
    {
      what: `${name}: speed of the engine against a bare loop`,
      value: share.median,
      bound: { atLeast: leastShare },
      show: (value) => fixed(value, 3),
    },
  ];
  if (least !== undefined) {
    goals.push({
      what: `${name}: share of what a core can multiply and add at most`,
      value: ofPeak,
      bound: { atLeast: least },
      show: percent,
    });
  }
  return {
    table: {
      caption: `${name}, random weights, one thread: processor time of ${bare.length} rounds`,
      columns: ['', 'median (least–most)'],
      rows: [
        ['picture', `${side}×${side}`],
        ['tiles, pixels computed with their halos', `${tiles}, ${computed}`],
        ['multiply-accumulates per pixel', String(macPerPixel)],
        ['bare loop, ms', spread(summarise(bare), (ms) => fixed(ms, 0))],
        ['engine, ms', spread(summarise(engine), (ms) => fixed(ms, 0))],
        ['speed of the engine against the loop', spread(share, (value) => fixed(value, 3))],
        [`of ${fixed(peak / 1e9, 0)} GFLOP/s, the fastest that one core was seen to compute`, percent(ofPeak)],
      ],
    },
    goals,
    figures: { name, side, macPerPixel, computed, tiles, peak, ofPeak, bare, engine, share: { ...share } },
  };
}

async function measurePeak(setting: Setting): Promise<Part> {
  const { quick, cacheFolder, say } = setting;
  const { width, height } = quick ? { width: 64, height: 48 } : largePicture;
  say(`RRDB ×4, ${width}×${height}: peak memory`);
  const args = [childProgram('network-memory'), await rrdbFile(setting), String(width), String(height)];
  const bytes = Number((await runNode(args, { cacheFolder })).stdout);
  return {
    table: {
      caption: 'Peak resident memory of a process that upscales one picture, weights prepared, two threads',
      columns: ['', 'picture', 'peak'],
      rows: [['RRDB ×4', `${width}×${height}`, mebibytes(bytes)]],
    },
    goals: [
      { what: `RRDB ×4 on ${width}×${height}: memory`, value: bytes, bound: { atMost: mostBytes }, show: mebibytes },
    ],
    figures: { width, height, bytes },
  };
}

async function comparePasses(setting: Setting): Promise<Part> {
  const { quick, cacheFolder, say } = setting;
  const side = quick ? 96 : 512;
  const file = await written(setting, 'cunet.onnx', cunet());
  say(`cunet ×2, ${side}×${side}: at once and in passes, in turn`);
  const image: PixelImage = await photograph(side);
  await using network = await ThreadSafeNetwork.loadFromFile(file, {
    threads: 1,
    cacheFolder,
    ...(quick && { memoryBudget: smallBudget }),
  });
  const atOnce = (): Promise<PixelImage> => network.upscaleImage(image, { tilePixels: Infinity });
  const expected = await atOnce();
  const { pooling, macPerPixel } = geometryOf(network);
  const stages = pooling?.stages ?? [];
  const count = stages.length + 1;
  // What passes cost if they were not cut: each computes all that its pools need anew.
  const least = stages.reduce((sum, stage) => sum + stage.macPerPixel, macPerPixel) / macPerPixel;
  const found = await network.upscaleImage(image);
  const tiles = (await recordTiles(network, image)).length;
  if (tiles <= count) throw new Error('the picture was not cut');
  const equal = found.data.every((value, at) => value === expected.data[at]);
  const times = await inRounds(setting, {
    once: async () => (await timed(atOnce)).cpuMs,
    passes: async () => (await timed(() => network.upscaleImage(image))).cpuMs,
  });
  const cost = summarise(ratios(times.passes, times.once));
  return {
    table: {
      caption: `Pools over the whole picture, ${side}×${side}, one thread: processor time, median (least–most)`,
      columns: ['', 'passes', 'tiles', 'at once, ms', 'in passes, ms', 'times as long', 'without halos', 'same bytes'],
      rows: [
        [
          'cunet ×2 (waifu2x, Real-CUGAN)',
          String(count),
          String(tiles),
          spread(summarise(times.once), (ms) => fixed(ms, 0)),
          spread(summarise(times.passes), (ms) => fixed(ms, 0)),
          spread(cost, (value) => fixed(value, 2)),
          fixed(least, 2),
          equal ? 'yes' : 'no',
        ],
      ],
    },
    goals: [
      {
        what: 'cunet ×2 in passes: pictures with other bytes than at once',
        value: Number(!equal),
        bound: { atMost: 0 },
        show: String,
      },
    ],
    figures: { side, passes: count, tiles, least, equal, times: { ...times }, cost: { ...cost } },
  };
}
