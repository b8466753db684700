import { availableParallelism } from 'node:os';
import type { Built } from './children/build.js';
import { fixed, mebibytes, spread } from './format.js';
import type { Findings, Goal, Setting, Table } from './measurement.js';
import { inRounds } from './rounds.js';
import { Site, tools, type Piece, type Tool, type Way } from './site-builds.js';
import { ratios, summarise, type Summary, type Timing } from './statistics.js';

/** The first build of a site may take this many times what the engine and the build without the plugin take together. */
const mostOverEngine = 1.1;
/** A build in which nothing is to be computed may take this much longer for each picture, in milliseconds. */
const mostWarmMs = 2;
/**
 * This many bytes a build may hold more for each picture more, beyond what the tool itself does: some times its result (33 KiB on
 * average), but not its pixels (about 250 KiB), or the number of pictures in flight would grow with the site.
 */
const mostMemory = 100 * 1024;

/** Measures the plugins on a site of many small pictures, each build in a process of its own. */
export async function measureSite(setting: Setting): Promise<Findings> {
  const { quick, pairs, say } = setting;
  const [few, many] = quick ? [20, 100] : [200, 1000];
  const site = await Site.make(setting, few);
  say(`${few} pictures through ${tools.join(', ')}, ${pairs} times in turn with the engine alone`);
  const built = await inRounds(setting, site.pieces);
  say(`memory with ${many} pictures`);
  const large = await Site.make(setting, many);
  const peaks = await large.peaks();
  const times = timesOf(built, few, 'wallMs');
  const name = `a site with ${few} pictures, ${availableParallelism()} threads, ${pairs} rounds`;
  return {
    tables: [
      timeTable(`Time of ${name}`, times),
      timeTable('Processor time of the same, all threads', timesOf(built, few, 'cpuMs')),
      memoryTable(built, few, peaks, many, large.resultBytes),
    ],
    goals: [...timeGoals(times), ...memoryGoals(built, few, peaks, many)],
    figures: { pictures: few, rounds: forJson(built), peaks: { pictures: many, ...peaks } },
  };
}

interface ToolTimes {
  readonly tool: Tool;
  /** Milliseconds. */
  readonly ms: Readonly<Record<Way, Summary>>;
  readonly coldToEngine: Summary;
  readonly coldToBoth: Summary;
  /** Milliseconds for each picture. */
  readonly warm: Summary;
}

interface Times {
  /** Milliseconds. */
  readonly engine: Summary;
  readonly tools: readonly ToolTimes[];
}

function timesOf(built: Record<Piece, Built[]>, pictures: number, clock: keyof Timing): Times {
  const all = (piece: Piece): number[] => built[piece].map((one) => one[clock]);
  const engine = all('engine');
  return {
    engine: summarise(engine),
    tools: tools.map((tool) => {
      const [cold, warm, plain] = [all(`${tool} cold`), all(`${tool} warm`), all(`${tool} plain`)];
      const both = engine.map((ms, round) => ms + plain[round]!);
      return {
        tool,
        ms: { cold: summarise(cold), warm: summarise(warm), plain: summarise(plain) },
        coldToEngine: summarise(ratios(cold, engine)),
        coldToBoth: summarise(ratios(cold, both)),
        warm: summarise(warm.map((ms, round) => (ms - plain[round]!) / pictures)),
      };
    }),
  };
}

function timeTable(caption: string, times: Times): Table {
  const seconds = (summary: Summary): string => spread(summary, (ms) => fixed(ms / 1000));
  return {
    caption: `${caption}; the engine alone: ${seconds(times.engine)} s`,
    columns: [
      '',
      'no plugin, s',
      'cold, s',
      'warm, s',
      'cold / engine',
      'cold / (engine + no plugin)',
      'warm − no plugin, ms a picture',
    ],
    rows: times.tools.map(({ tool, ms, coldToEngine, coldToBoth, warm }) => [
      tool,
      seconds(ms.plain),
      seconds(ms.cold),
      seconds(ms.warm),
      spread(coldToEngine),
      spread(coldToBoth),
      spread(warm),
    ]),
  };
}

function timeGoals({ tools: all }: Times): Goal[] {
  return all.flatMap(({ tool, coldToBoth, warm }): Goal[] => [
    {
      what: `${tool}, cold, against the engine and the build without the plugin`,
      value: coldToBoth.median,
      bound: { atMost: mostOverEngine },
      show: (value) => fixed(value),
    },
    {
      what: `${tool}, warm, beyond the build without the plugin`,
      value: warm.median,
      bound: { atMost: mostWarmMs },
      show: (value) => `${fixed(value)} ms a picture`,
    },
  ]);
}

function memoryTable(
  built: Record<Piece, Built[]>,
  few: number,
  peaks: Record<Piece, number>,
  many: number,
  resultBytes: number,
): Table {
  const kibibytes = (bytes: number): string => fixed(bytes / 1024, 0);
  const row = (piece: Piece, name: string = piece): string[] => {
    const peak = medianPeak(built[piece]);
    return [
      name,
      mebibytes(peak),
      mebibytes(peaks[piece]),
      fixed(peaks[piece] / peak),
      kibibytes((peaks[piece] - peak) / (many - few)),
    ];
  };
  return {
    caption: `Peak resident memory; results take ${kibibytes(resultBytes / many)} KiB each`,
    columns: ['', `${few} pictures`, `${many} pictures`, 'times', 'KiB more for each more'],
    rows: [
      row('engine', 'the engine alone'),
      ...tools.flatMap((tool) => [
        row(`${tool} plain`, `${tool} without the plugin`),
        row(`${tool} cold`),
        row(`${tool} warm`),
      ]),
    ],
  };
}

function memoryGoals(built: Record<Piece, Built[]>, few: number, peaks: Record<Piece, number>, many: number): Goal[] {
  const growth = (piece: Piece): number => (peaks[piece] - medianPeak(built[piece])) / (many - few);
  return tools.map((tool) => ({
    what: `${tool}, cold, beyond the build without the plugin: memory for each more picture up to ${many}`,
    value: growth(`${tool} cold`) - growth(`${tool} plain`),
    bound: { atMost: mostMemory },
    show: (bytes) => `${fixed(bytes / 1024, 0)} KiB`,
  }));
}

function medianPeak(built: readonly Built[]): number {
  return summarise(built.map(({ peakBytes }) => peakBytes)).median;
}

function forJson(
  built: Record<Piece, Built[]>,
): Record<string, { wallMs: number; cpuMs: number; peakBytes: number }[]> {
  return Object.fromEntries(
    Object.entries(built).map(([piece, rounds]) => [piece, rounds.map((round) => ({ ...round }))]),
  );
}
