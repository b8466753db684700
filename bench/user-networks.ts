import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PixelImage } from '#src/pixels.js';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { openBareLoop, planBareLoop } from './bare-loop.js';
import { fixed, mebibytes, spread } from './format.js';
import { geometryOf } from './geometry-of.js';
import type { Findings, Goal, Json, Setting, Table } from './measurement.js';
import { recordTiles, speedOf } from './networks.js';
import { childProgram } from './paths.js';
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

/** Bytes that leave a network with pools no room for a picture at once. */
const smallBudget = 8 * 2 ** 20;

interface Part {
  readonly table: Table;
  readonly goals: readonly Goal[];
  readonly figures: Json;
}

/** Networks of users: the large ones against a bare loop over the same tiles, the memory of the largest, and passes against the whole at once. */
export async function measureUserNetworks(setting: Setting): Promise<Findings> {
  const parts = [await compareWithLoops(setting), await measurePeak(setting), await comparePasses(setting)];
  return {
    tables: parts.map(({ table }) => table),
    goals: parts.flatMap(({ goals }) => goals),
    figures: parts.map(({ figures }) => figures),
  };
}

/** Writes a network where it can be loaded from. */
async function written({ folder }: Setting, name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

const rrdbFile = (setting: Setting): Promise<string> =>
  written(setting, 'rrdb.safetensors', rrdbCheckpoint(setting.quick ? 2 : 23));

async function compareWithLoops(setting: Setting): Promise<Part> {
  const { quick, cacheFolder, say } = setting;
  const cases = [
    { name: `RRDB ×4, ${quick ? 2 : 23} blocks`, file: await rrdbFile(setting), side: quick ? 48 : 128 },
    {
      name: 'Compact ×4, 16 convolutions',
      file: await written(setting, 'compact.safetensors', compactCheckpoint(16)),
      side: quick ? 128 : 384,
    },
  ];
  const rows: string[][] = [];
  const goals: Goal[] = [];
  const figures: Json[] = [];
  for (const { name, file, side } of cases) {
    say(`${name}, ${side}×${side}: bare loop and engine in turn`);
    const image = await photograph(side);
    await using network = await ThreadSafeNetwork.loadFromFile(file, { threads: 1, cacheFolder });
    const tiles = await recordTiles(network, image);
    const plan = await planBareLoop(network, side, { cacheFolder, pixelsPerMs: speedOf(tiles) });
    const { tilePixels } = plan;
    const loop = await openBareLoop(plan, image);
    try {
      await loop.run();
      const { bare, engine } = await inRounds(setting, {
        bare: async () => (await timed(loop.run)).cpuMs,
        engine: async () => (await timed(() => network.upscaleImage(image, { tilePixels }))).cpuMs,
      });
      const share = summarise(ratios(bare, engine));
      const { macPerPixel } = geometryOf(network);
      rows.push([
        name,
        `${side}×${side}`,
        String(plan.tiles.length),
        String(macPerPixel),
        spread(summarise(bare), (ms) => fixed(ms, 0)),
        spread(summarise(engine), (ms) => fixed(ms, 0)),
        spread(share, (value) => fixed(value, 3)),
      ]);
      goals.push({
        what: `${name}: speed of the engine against a bare loop`,
        value: share.median,
        bound: { atLeast: leastShare },
        show: (value) => fixed(value, 3),
      });
      figures.push({ name, side, macPerPixel, bare, engine, share: { ...share } });
    } finally {
      await loop.release();
    }
  }
  const columns = ['', 'picture', 'tiles', 'MAC per pixel', 'bare loop, ms', 'engine, ms', 'speed of the engine'];
  const caption = 'Networks of users, random weights, one thread: processor time, median (least–most)';
  return { table: { caption, columns, rows }, goals, figures };
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
  const side = quick ? 96 : 320;
  const file = await written(setting, 'cunet.onnx', cunet());
  say(`cunet ×2, ${side}×${side}: at once and in passes, in turn`);
  const image: PixelImage = await photograph(side);
  const load = (memoryBudget: number): Promise<ThreadSafeNetwork> =>
    ThreadSafeNetwork.loadFromFile(file, { threads: 1, cacheFolder, memoryBudget });
  await using whole = await load(2 ** 32);
  await using passes = await load(smallBudget);
  const expected = await whole.upscaleImage(image);
  const { pooling } = geometryOf(passes);
  const count = (pooling?.stages.length ?? 0) + 1;
  const found = await passes.upscaleImage(image);
  const tiles = (await recordTiles(passes, image)).length;
  if (tiles <= count) throw new Error('the picture was not cut');
  const equal = found.data.every((value, at) => value === expected.data[at]);
  const times = await inRounds(setting, {
    once: async () => (await timed(() => whole.upscaleImage(image))).cpuMs,
    passes: async () => (await timed(() => passes.upscaleImage(image))).cpuMs,
  });
  const cost = summarise(ratios(times.passes, times.once));
  return {
    table: {
      caption: `Pools over the whole picture, ${side}×${side}, one thread: processor time, median (least–most)`,
      columns: ['', 'passes', 'tiles', 'at once, ms', 'in passes, ms', 'times as long', 'same bytes'],
      rows: [
        [
          'cunet ×2 (waifu2x, Real-CUGAN)',
          String(count),
          String(tiles),
          spread(summarise(times.once), (ms) => fixed(ms, 0)),
          spread(summarise(times.passes), (ms) => fixed(ms, 0)),
          spread(cost, (value) => fixed(value, 2)),
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
    figures: { side, passes: count, tiles, equal, times: { ...times }, cost: { ...cost } },
  };
}
