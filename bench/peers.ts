import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import envPaths from 'env-paths';
import { contestants, type Contestant } from './peer-methods.js';
import { peerSets, type PeerSet } from './peer-pictures.js';
import { fixed, percent } from './format.js';
import type { Findings, Goal, Json, Setting } from './measurement.js';
import { drawnPackages, installPackages } from './quality-packages.js';
import { speedPlot } from './quality-plot.js';
import { summarise } from './statistics.js';

/** Rounds at most: some peers take minutes. */
const mostRounds = 3;

/** What takes longer than this for a set is measured once. */
const longMs = 20_000;

/** A peer has to be beaten by this many times at its quality. */
const leastTimes = 5;

/** One contestant on one set. */
interface Place {
  readonly set: string;
  readonly name: string;
  readonly kind: Contestant['kind'];
  /** dB */
  readonly psnr: number;
  /** Medians, for each megapixel of the result. */
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
  readonly rounds: number;
}

/** Enlarges the same pictures twofold with upres and with what else people use, in turn. */
export async function measurePeers(setting: Setting): Promise<Findings> {
  const { quick, folder, cacheFolder, say, data, plot } = setting;
  const packages = join(envPaths('upres', { suffix: '' }).cache, 'bench-packages');
  const place = await installPackages(packages, drawnPackages);
  const [photographs, icons] = quick ? [1, 1] : [6, 4];
  const sets = await peerSets(join(folder, 'peers'), { data, place, photographs, icons });
  const trial = await trialOf(sets[0]!, join(folder, 'trial'));
  const { present, absent } = await contestants({
    ...{ packages: join(packages, 'peers'), cacheFolder, trial, folder: join(folder, 'results'), say },
  });
  const places: Place[] = [];
  try {
    for (const set of sets) places.push(...(await measureSet(set, present, setting)));
  } finally {
    for (const contestant of present) await contestant[Symbol.asyncDispose]();
  }
  if (plot !== undefined) {
    const points = places.map(({ set, name, psnr, cpuSeconds }) => ({
      ...{ panel: set, on: set, name, psnr, megapixelsPerSecond: 1 / cpuSeconds },
    }));
    await writeFile(plot, speedPlot(points, 'megapixels of the result a second of processor time →'));
  }
  const comparisons = compare(places);
  return {
    tables: [
      ...sets.map(({ name, pictures, megapixels }) => ({
        caption: `${name}, ×2: ${pictures.length} pictures, ${fixed(megapixels)} MP of results`,
        columns: ['', 'dB', 'processor s a MP', 's a MP', 'rounds'],
        rows: places
          .filter(({ set }) => set === name)
          .toSorted((one, other) => other.psnr - one.psnr)
          .map((one) => [
            one.name,
            fixed(one.psnr),
            one.cpuSeconds.toPrecision(3),
            one.wallSeconds.toPrecision(3),
            String(one.rounds),
          ]),
      })),
      {
        caption: 'Processor time of a peer, as a multiple of that of the cheapest of ours that is as good',
        columns: ['', 'pictures', 'ours', 'times', 'above our curve'],
        rows: comparisons.map(({ peer, own, times, isAbove }) => [
          ...[peer.name, peer.set, own?.name ?? '–', own ? fixed(times) : '–', isAbove ? 'yes' : ''],
        ]),
      },
      ...(absent.length > 0
        ? [{ caption: 'Not run', columns: ['', 'why'], rows: absent.map(({ name, reason }) => [name, reason]) }]
        : []),
    ],
    goals: goalsOf(comparisons),
    figures: { places: places.map((one) => ({ ...one })), absent: absent.map((one) => ({ ...one })) } satisfies Json,
  };
}

/** A folder with the first picture alone. */
async function trialOf({ pictures }: PeerSet, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'trial.png'), pictures[0]!.small);
  return folder;
}

async function measureSet(
  set: PeerSet,
  present: readonly Contestant[],
  { pairs, folder, say }: Pick<Setting, 'pairs' | 'folder' | 'say'>,
): Promise<Place[]> {
  const costs = new Map(present.map((contestant) => [contestant, [] as { wallMs: number; cpuMs: number }[]]));
  const folderOf = (contestant: Contestant): string =>
    join(folder, 'results', `${set.name} ${contestant.name}`.replace(/[^\w]+/g, '-'));
  for (let round = 0; round < Math.min(pairs, mostRounds); round++) {
    for (const contestant of round % 2 === 0 ? present : present.toReversed()) {
      const before = costs.get(contestant)!;
      if (before.some(({ wallMs }) => wallMs > longMs)) continue;
      say(`${set.name}, ${contestant.name}`);
      await mkdir(folderOf(contestant), { recursive: true });
      before.push(await contestant.enlarge(set.folder, folderOf(contestant)));
    }
  }
  const places: Place[] = [];
  for (const [contestant, all] of costs) {
    const median = (of: 'wallMs' | 'cpuMs'): number =>
      summarise(all.map((cost) => cost[of])).median / 1000 / set.megapixels;
    places.push({
      ...{ set: set.name, name: contestant.name, kind: contestant.kind, rounds: all.length },
      psnr: await set.score((name) => readFile(join(folderOf(contestant), `${name}.png`))),
      cpuSeconds: median('cpuMs'),
      wallSeconds: median('wallMs'),
    });
  }
  return places;
}

/** How a peer stands to what upres has: by processor time, so that other programs, and a peer's having one thread only, count for nothing. */
interface Comparison {
  readonly peer: Place;
  /** The cheapest of ours that is as good. */
  readonly own: Place | undefined;
  /** How many times the processor time of that the peer takes; 0 where nothing is as good. */
  readonly times: number;
  /** Whether it is better than something of ours, and nothing of ours is both as good and as cheap. */
  readonly isAbove: boolean;
}

function compare(places: readonly Place[]): Comparison[] {
  return places
    .filter(({ kind }) => kind !== 'ours')
    .map((peer) => {
      const ours = places.filter(({ kind, set }) => kind === 'ours' && set === peer.set);
      const [own] = ours
        .filter(({ psnr }) => psnr >= peer.psnr)
        .toSorted((one, other) => one.cpuSeconds - other.cpuSeconds);
      const times = own ? peer.cpuSeconds / own.cpuSeconds : 0;
      return { peer, own, times, isAbove: times < 1 && ours.some(({ psnr }) => psnr < peer.psnr) };
    });
}

function goalsOf(comparisons: readonly Comparison[]): Goal[] {
  const networks = comparisons.filter(({ peer }) => peer.kind === 'network');
  return [
    {
      what: 'peers: share of their results that do not lie above our curve of quality against time',
      value: comparisons.filter(({ isAbove }) => !isAbove).length / comparisons.length,
      bound: { atLeast: 1 },
      show: percent,
    },
    ...(networks.length > 0
      ? [
          {
            what: 'peers with networks: times as fast at their quality or better, the least',
            value: Math.min(...networks.map(({ times }) => times)),
            bound: { atLeast: leastTimes },
            show: fixed,
          },
        ]
      : []),
  ];
}
