import { join } from 'node:path';
import { fixed, mebibytes, percent, spread } from './format.js';
import { endless, jpegOf, mixedPictures, mixedSides } from './load-pictures.js';
import { LoadTarget } from './load-target.js';
import { errorsOf, runLoad, startLoad, turnedAway, type LoadResult } from './load.js';
import type { Findings, Goal, Json, Setting, Table } from './measurement.js';
import { inRounds } from './rounds.js';
import { ratios, summarise, type Timing } from './statistics.js';

/** Both compute on this many threads. */
const threads = 2;
/** Clients at once: as many pictures as the engine takes in by itself on two cores. */
const connections = 16;

/** Pixels a second through HTTP, as a share of the engine alone. */
const leastThroughput = 0.95;
/** Milliseconds: an event loop that stands still answers no one. */
const longestDelay = 50;
/** Milliseconds: a newcomer waits for the tile under way, planned to take 300 at most, and for codecs. */
const longestTiny = 600;
/** Bytes that a server may grow between its 2,000th and its 10,000th picture. */
const mostGrowth = 16 * 2 ** 20;

/** Clients of their own. */
const tokens = { huge: 'bench-of-huge-pictures', tiny: 'bench-of-tiny-pictures' } as const;

interface Part {
  readonly tables: readonly Table[];
  readonly goals: readonly Goal[];
  readonly figures: Readonly<Record<string, Json>>;
  /** Everything that was answered. */
  readonly loads: readonly LoadResult[];
}

/** Measures the server over loopback, in a process of its own: nothing is cached, so all pictures are computed. */
export async function measureServer(setting: Setting): Promise<Findings> {
  const parts = [await throughput(setting), await fairness(setting), await memory(setting)];
  const loads = parts.flatMap((part) => part.loads);
  const responses = loads.reduce((sum, { statuses }) => sum + [...statuses.values()].reduce((a, b) => a + b, 0), 0);
  const errors = loads.reduce((sum, load) => sum + errorsOf(load), 0);
  const away = loads.reduce((sum, load) => sum + turnedAway(load), 0);
  return {
    tables: [
      ...parts.flatMap(({ tables }) => tables),
      {
        caption: 'All responses',
        columns: ['', 'count'],
        rows: [
          ['responses', String(responses)],
          ['told to come later (429, 503)', String(away)],
          ['errors', String(errors)],
        ],
      },
    ],
    goals: [
      ...parts.flatMap(({ goals }) => goals),
      { what: 'errors', value: errors, bound: { atMost: 0 }, show: String },
    ],
    figures: {
      ...Object.assign({}, ...parts.map(({ figures }) => figures)),
      responses,
      turnedAway: away,
      errors,
    } as Json,
  };
}

/** The same mixed pictures through HTTP and through the engine alone, in turn. */
async function throughput(setting: Setting): Promise<Part> {
  const { quick, folder, cacheFolder, say } = setting;
  const pictures = await mixedPictures(quick ? 16 : 96, quick ? 2 : 1);
  say(`server: ${pictures.length} mixed pictures over ${connections} connections, and by the engine alone, in turn`);
  await using engine = await LoadTarget.start('load-engine', [String(threads)], cacheFolder);
  await using server = await LoadTarget.start('load-server', [String(threads), join(folder, 'mixed')], cacheFolder);
  const loads: LoadResult[] = [];
  const next = endless(pictures);
  const throughHttp = async (): Promise<Timing> => {
    const { cpuMs: before = NaN } = await server.ask('cpu');
    const load = await runLoad({ url: server.url, connections, amount: pictures.length, next });
    const { cpuMs: after = NaN } = await server.ask('cpu');
    loads.push(load);
    return { wallMs: load.wallMs, cpuMs: after - before };
  };
  const alone = async (): Promise<Timing> => {
    const { ms = NaN, cpuMs = NaN } = await engine.ask(pictures);
    return { wallMs: ms, cpuMs };
  };
  // Twice, so that both have settled on their tiles.
  for (let round = 0; round < 2; round++) {
    await alone();
    await throughHttp();
  }
  await server.ask('reset');
  const times = await inRounds(setting, { server: throughHttp, engine: alone });
  const { delayMs = NaN, longestDelayMs = NaN } = await server.ask('look');
  const wall = (of: readonly Timing[]): number[] => of.map(({ wallMs }) => wallMs);
  const cpu = (of: readonly Timing[]): number[] => of.map(({ cpuMs }) => cpuMs);
  const relative = summarise(ratios(wall(times.engine), wall(times.server)));
  const relativeCpu = summarise(ratios(cpu(times.server), cpu(times.engine)));
  const sides = [...mixedSides].sort((a, b) => a - b).map((side) => (quick ? side / 2 : side));
  const row = (name: string, of: readonly Timing[]): string[] => [
    name,
    spread(summarise(wall(of)), (value) => fixed(value, 0)),
    spread(summarise(wall(of).map((ms) => (1000 * pictures.length) / ms)), (value) => fixed(value, 1)),
    spread(summarise(cpu(of)), (value) => fixed(value, 0)),
  ];
  return {
    tables: [
      {
        caption: `${pictures.length} JPEG pictures of ${sides.join(', ')} pixels a side, upscaled twice on ${threads} threads`,
        columns: ['', 'ms', 'pictures a second', 'processor ms'],
        rows: [row(`server, ${connections} connections`, times.server), row('engine alone, all at once', times.engine)],
      },
      {
        caption: 'Ratios within each round',
        columns: ['', 'median (least–most)'],
        rows: [
          ['throughput of the server / of the engine', spread(relative, (value) => fixed(value, 3))],
          ['processor time of the server / of the engine', spread(relativeCpu, (value) => fixed(value, 3))],
        ],
      },
      delayTable('under the mixed load', delayMs, longestDelayMs),
    ],
    goals: [
      {
        what: 'throughput of the server against the engine alone',
        value: relative.median,
        bound: { atLeast: leastThroughput },
        show: percent,
      },
      delayGoal('under the mixed load', delayMs),
    ],
    figures: {
      mixedMs: { server: wall(times.server), engine: wall(times.engine) },
      mixedCpuMs: { server: cpu(times.server), engine: cpu(times.engine) },
      throughput: { ...relative },
      processorTime: { ...relativeCpu },
      mixedDelayMs: delayMs,
    },
    loads,
  };
}

/** One client's tiny pictures, alone and while another client keeps the server busy with huge ones. */
async function fairness({ quick, folder, cacheFolder, say }: Setting): Promise<Part> {
  const side = quick ? 512 : 1600;
  const amount = quick ? 20 : 200;
  say(`server: tiny pictures of one client, while another one sends ${side}×${side}`);
  const args = [String(threads), join(folder, 'fair'), tokens.huge, tokens.tiny];
  await using server = await LoadTarget.start('load-server', args, cacheFolder);
  const { url } = server;
  const next = endless([await jpegOf(32)]);
  const tiny = (): Promise<LoadResult> => runLoad({ url, token: tokens.tiny, connections: 1, amount, next });
  await tiny();
  const alone = await tiny();
  const stream = startLoad({ url, token: tokens.huge, connections, next: endless([await jpegOf(side)]) });
  await server.ask('reset');
  // The first of them are of the time when the stream is only beginning.
  await tiny();
  const together = await tiny();
  stream.stop();
  const huge = await stream.result;
  const { delayMs = NaN, longestDelayMs = NaN } = await server.ask('look');
  const row = (name: string, { latencies }: LoadResult): string[] => [
    name,
    ...[0.5, 0.9, 0.99, 1].map((share) => fixed(quantile(latencies, share), 0)),
  ];
  const p99 = quantile(together.latencies, 0.99);
  return {
    tables: [
      {
        caption: `Milliseconds for a picture of 32×32, one after the other, ${amount} times`,
        columns: ['', 'median', 'p90', 'p99', 'longest'],
        rows: [row('alone', alone), row(`with ${connections} at once of ${side}×${side} of another client`, together)],
      },
      delayTable('with huge pictures', delayMs, longestDelayMs),
    ],
    goals: [
      {
        what: 'p99 of a tiny picture under a stream of huge ones',
        value: p99,
        bound: { atMost: longestTiny },
        show: (value) => `${fixed(value, 0)} ms`,
      },
      delayGoal('with huge pictures', delayMs),
    ],
    figures: {
      tinyAloneMs: alone.latencies,
      tinyBesideMs: together.latencies,
      hugeDone: huge.latencies.length,
      hugeDelayMs: delayMs,
    },
    loads: [alone, together, huge],
  };
}

/** Resident memory while ten thousand different pictures go through. */
async function memory({ quick, folder, cacheFolder, say }: Setting): Promise<Part> {
  const step = quick ? 100 : 2000;
  const steps = 5;
  say(`server: memory over ${step * steps} pictures`);
  await using server = await LoadTarget.start('load-server', [String(threads), join(folder, 'flat')], cacheFolder);
  const next = endless([await jpegOf(16)]);
  const loads: LoadResult[] = [];
  const sizes: number[] = [];
  for (let count = 0; count < steps; count++) {
    loads.push(await runLoad({ url: server.url, connections, amount: step, next }));
    sizes.push((await server.ask('look')).bytes!);
  }
  const growth = sizes.at(-1)! - sizes[0]!;
  return {
    tables: [
      {
        caption: 'Resident memory of the server after this many different pictures of 16×16',
        columns: ['pictures', 'memory', 'pictures a second'],
        rows: sizes.map((bytes, index) => [
          String(step * (index + 1)),
          mebibytes(bytes),
          fixed((1000 * step) / loads[index]!.wallMs, 0),
        ]),
      },
    ],
    goals: [
      {
        what: `growth from the ${step}th to the ${step * steps}th picture`,
        value: growth,
        bound: { atMost: mostGrowth },
        show: mebibytes,
      },
    ],
    figures: { memoryStep: step, memoryBytes: sizes },
    loads,
  };
}

function delayTable(when: string, p99: number, longest: number): Table {
  return {
    caption: `Delay of the server's event loop ${when}, in milliseconds (the clock's own 10 are in it)`,
    columns: ['', 'p99', 'longest'],
    rows: [['event loop', fixed(p99, 1), fixed(longest, 1)]],
  };
}

function delayGoal(when: string, p99: number): Goal {
  return {
    what: `p99 of the event loop's delay ${when}`,
    value: p99,
    bound: { atMost: longestDelay },
    show: (value) => `${fixed(value, 1)} ms`,
  };
}

/** @param share 0 to 1; by the nearest rank */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}
