import { builtinLabels } from '#src/model/catalogue/registry.js';
import type { PixelImage } from '#src/pixels.js';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { geometryOf } from './geometry-of.js';
import { openBareLoop, planBareLoop, type BareLoopPlan } from './bare-loop.js';
import { timeBareProcesses } from './bare-processes.js';
import { fixed, percent, spread } from './format.js';
import type { Findings, Goal, Json, Setting, Table } from './measurement.js';
import { recordTiles, speedOf, warmUp } from './networks.js';
import { PeakProbe, type Peak } from './peak.js';
import { photograph } from './pictures.js';
import { inRounds } from './rounds.js';
import { ratios, summarise, timed, type Timing } from './statistics.js';

/** What the engine adds to the runtime's own time may be this share. */
const mostOverhead = 0.05;

/** What a second thread must bring at least. */
const leastSpeedup = 1.95;

/** A network's speed is measured on at most this many pixels along each side, and on fewer where that would take long. */
const speedSide = 512;
const longestMs = 500;

const parts = { threads: compare, speeds: measureSpeeds } as const;

/** What `--part` takes of it. */
export const partsOfEngine = Object.keys(parts);

/** Measures the engine: what it costs, how it scales, and how fast each built-in network is. */
export async function measureEngine(setting: Setting): Promise<Findings> {
  const found: Part[] = [];
  for (const [name, measure] of Object.entries(parts)) {
    if (setting.parts?.includes(name) ?? true) found.push(await measure(setting));
  }
  return {
    tables: found.flatMap(({ tables }) => tables),
    goals: found.flatMap(({ goals }) => goals),
    figures: Object.fromEntries(found.flatMap(({ figures }) => Object.entries(figures))),
  };
}

interface Part {
  readonly tables: readonly Table[];
  readonly goals: readonly Goal[];
  readonly figures: Readonly<Record<string, Json>>;
}

type Timings = Record<'bare' | 'bareTwice' | 'one' | 'two', Timing[]>;

/** One thread against a bare loop, and two threads against one: all in turn. */
async function compare(setting: Setting): Promise<Part> {
  const { quick, pairs, cacheFolder, say } = setting;
  const side = quick ? 384 : 1024;
  say(`natural ×2, ${side}×${side}: bare loops, one thread, two threads, ${pairs} times in turn`);
  const image = await photograph(side);
  await using one = await ThreadSafeNetwork.fromLabel('natural', { scale: 2, threads: 1, cacheFolder });
  await using two = await ThreadSafeNetwork.fromLabel('natural', { scale: 2, threads: 2, cacheFolder });
  await warmUp(two, image);
  await warmUp(one, image);

  const usual = await recordTiles(one, image);
  const plan = await planBareLoop(one, side, { cacheFolder, pixelsPerMs: speedOf(usual) });
  // From here on the tiles are the same, for the loop and for the network.
  const { tilePixels } = plan;
  const loop = await openBareLoop(plan, image);
  try {
    await checkSameTiles(one, image, plan);
    await loop.run();
    const timings = await inRounds<keyof Timings, Timing>(setting, {
      bare: () => timed(loop.run),
      one: () => timed(() => one.upscaleImage(image, { tilePixels })),
      two: () => timed(() => two.upscaleImage(image)),
      // Twice the work on two cores: half the time is what one of both took.
      bareTwice: async () => ({ wallMs: (await timeBareProcesses(plan, 2)) / 2, cpuMs: NaN }),
    });
    return comparisonOf(timings, side, plan.tiles.length);
  } finally {
    await loop.release();
  }
}

async function checkSameTiles(
  network: ThreadSafeNetwork,
  image: PixelImage,
  { tilePixels, tiles }: BareLoopPlan,
): Promise<void> {
  const expected = tiles.map(({ work }) => work);
  const sorted = (values: readonly number[]): string => [...values].sort((a, b) => a - b).join(' ');
  const seen = (await recordTiles(network, image, tilePixels)).map(({ pixels }) => pixels);
  if (sorted(seen) !== sorted(expected)) {
    throw new Error(`the engine computes tiles of ${sorted(seen)} pixels, the bare loop of ${sorted(expected)}`);
  }
}

function comparisonOf(timings: Timings, side: number, tiles: number): Part {
  const wall = (key: keyof Timings): number[] => timings[key].map(({ wallMs }) => wallMs);
  const cpu = (key: keyof Timings): number[] => timings[key].map(({ cpuMs }) => cpuMs);
  const overhead = summarise(ratios(wall('one'), wall('bare')));
  const overheadOfCpu = summarise(ratios(cpu('one'), cpu('bare')));
  const possible = summarise(ratios(wall('bare'), wall('bareTwice')));
  const speedup = summarise(ratios(wall('one'), wall('two')));
  const row = (name: string, key: keyof Timings): string[] => {
    const speed = summarise(wall(key).map((ms) => (side * side) / ms / 1000));
    const cores = summarise(ratios(cpu(key), wall(key)));
    return [name, spread(summarise(wall(key)), (ms) => fixed(ms, 0)), spread(speed), spread(cores)];
  };
  return {
    tables: [
      {
        caption: `natural ×2 on ${side}×${side} pixels: median (least–most) of ${timings.one.length} rounds`,
        columns: ['', 'ms', 'input MP/s', 'cores busy'],
        rows: [
          row(`bare loop over the same file and the same tiles (${tiles})`, 'bare'),
          row('engine, 1 thread', 'one'),
          row('engine, 2 threads', 'two'),
        ],
      },
      {
        caption: 'Ratios within each round',
        columns: ['', 'median (least–most)'],
        rows: [
          ['engine: 1 thread / bare loop, by the clock', spread(overhead, (value) => fixed(value, 3))],
          ['engine: 1 thread / bare loop, by processor time', spread(overheadOfCpu, (value) => fixed(value, 3))],
          ['engine: 2 threads, times as fast as 1', spread(speedup, (value) => fixed(value, 3))],
          ['machine: bare loops in 2 processes, times as fast as 1', spread(possible, (value) => fixed(value, 3))],
        ],
      },
    ],
    goals: [
      {
        what: 'what the engine adds to a bare loop',
        value: overhead.median - 1,
        bound: { atMost: mostOverhead },
        show: percent,
      },
      {
        what: 'the speed of two threads against one',
        value: speedup.median,
        bound: { atLeast: leastSpeedup },
        show: (value) => fixed(value, 3),
      },
    ],
    figures: {
      side,
      wallMs: { bare: wall('bare'), bareInTwoProcesses: wall('bareTwice'), one: wall('one'), two: wall('two') },
      cpuMs: { bare: cpu('bare'), one: cpu('one'), two: cpu('two') },
      overhead: { ...overhead },
      overheadOfProcessorTime: { ...overheadOfCpu },
      speedup: { ...speedup },
      possibleSpeedup: { ...possible },
    },
  };
}

/** Networks that are stacks of 3×3 convolutions, which should reach this share of what a core can do at most. */
const stacks: readonly string[] = ['natural ×2', 'art ×2', 'anime ×2'];
const leastShare = 0.85;

interface Speed {
  readonly name: string;
  readonly macPerPixel: number;
  /** Of the square image. */
  readonly side: number;
  /** Input pixels a second, one for each round. */
  readonly pixelsPerSecond: readonly number[];
}

/** Every built-in network on one thread, in turn with the probe for what the core can do at most. */
async function measureSpeeds(setting: Setting): Promise<Part> {
  const { quick, cacheFolder, say } = setting;
  const probe = await PeakProbe.open();
  const speeds: Speed[] = [];
  try {
    for (const { label, scales, kind } of builtinLabels()) {
      // Interpolations have every scale; they cost next to nothing and differ little.
      for (const scale of kind === 'network' ? scales : [2, 4]) {
        say(`speed of ${label} ×${scale}`);
        await using network = await ThreadSafeNetwork.fromLabel(label, { scale, threads: 1, cacheFolder });
        const { macPerPixel, pixelsPerMs } = geometryOf(network);
        const longest = Math.floor(Math.sqrt(pixelsPerMs * longestMs));
        const side = Math.min(longest, quick ? 192 : speedSide);
        const image = await photograph(side);
        await warmUp(network, image, 2);
        const { computing } = await inRounds(setting, {
          probing: async () => {
            await probe.measure();
            return 0;
          },
          computing: async () => (side * side * 1000) / (await timed(() => network.upscaleImage(image))).wallMs,
        });
        speeds.push({ name: `${label} ×${scale}`, macPerPixel, side, pixelsPerSecond: computing });
      }
    }
    return speedsOf(speeds, probe.peak);
  } finally {
    await probe.release();
  }
}

function speedsOf(speeds: readonly Speed[], peak: Peak): Part {
  const shares = speeds.map(({ name, macPerPixel, side, pixelsPerSecond }) => {
    const speed = summarise(pixelsPerSecond);
    return { name, macPerPixel, side, speed, share: (2 * macPerPixel * speed.median) / peak.fastest };
  });
  return {
    tables: [
      {
        caption: 'What one core can do at most: the fastest run of each probe',
        columns: ['', 'GFLOP/s'],
        rows: peak.probes.map(({ name, fastest }) => [name, fixed(fastest / 1e9, 0)]),
      },
      {
        caption: `Speed of one thread on a square image, 2 × MAC as a share of ${fixed(peak.fastest / 1e9, 0)} GFLOP/s`,
        columns: ['', 'side', 'input MP/s', 'MAC per pixel', 'GFLOP/s', 'of the peak'],
        rows: shares.map(({ name, macPerPixel, side, speed, share }) => [
          name,
          String(side),
          spread({ median: speed.median / 1e6, min: speed.min / 1e6, max: speed.max / 1e6 }),
          String(macPerPixel),
          fixed((share * peak.fastest) / 1e9, 1),
          percent(share),
        ]),
      },
    ],
    goals: shares
      .filter(({ name }) => stacks.includes(name))
      .map(({ name, share }) => ({
        what: `what ${name} makes of a core, a stack of 3×3 convolutions`,
        value: share,
        bound: { atLeast: leastShare },
        show: percent,
      })),
    figures: {
      peak: { fastest: peak.fastest, probes: peak.probes.map((one) => ({ ...one })) },
      speeds: shares.map((one) => ({ ...one, speed: { ...one.speed } })),
    },
  };
}
