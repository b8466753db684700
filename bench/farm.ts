// `npm run bench:farm`: how far a farm goes. A simulation, with times that are measured here against a real farm; it is checked against that farm, too.
//
//   --quick    fewer pictures and rounds: shows that it works
//   --pictures N   of the largest simulation (default a million)
//   --json FILE    all figures
//   --from FILE    simulates with those of an earlier run; nothing is measured
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  calibrateFarm,
  freshPictures,
  loadOf,
  measureWork,
  type FarmCalibration,
  type Load,
} from './farm-calibration.js';
import {
  simulateFarm,
  type Farm,
  type FarmOutcome,
  type FarmPlaces,
  type FarmTimes,
  type Resource,
  type Use,
} from './farm-model.js';
import { FarmProcesses, type RedisUse } from './farm-processes.js';
import { fixed, percent } from './format.js';
import { describeMachine } from './machine.js';
import { textTable } from './text-table.js';
import { stretchBetween } from './turns.js';
import type { Table } from './measurement.js';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    pictures: { type: 'string' },
    json: { type: 'string' },
    from: { type: 'string' },
  },
});
const million = Number(values.pictures ?? (values.quick ? 20_000 : 1_000_000));

/** Assumed, and printed: one region of a cloud. */
const places: FarmPlaces = {
  roundTrip: 0.0005,
  storageDelay: 0.03,
  storageBytes: 12.5e9,
  // What Amazon names for each prefix of a bucket.
  storageReads: 5500,
  storageWrites: 3500,
  redisBytes: 1.25e9,
};
/** Commands a second that Redis does, those inside of scripts counted: a common figure for one core. Here others may have the machine. */
const redisCommands = 200_000;
/** Dollars: a core for an hour, a thousand reads, a thousand writes. */
const prices = { coreHour: 0.04, reads: 0.0004, writes: 0.005 };
const usual = { threads: 8, cores: 8, fronts: 16, waiting: 10_000, give: true } as const;
/** Pictures in each job: in the usual case, and in the case of large ones. */
const jobSizes = [10, 100] as const;
const [size] = jobSizes;

/** Of tables of what was simulated. */
const columns = [
  'pictures/s',
  'a million takes',
  'workers',
  'Redis',
  'fronts',
  'storage writes',
  'limit',
  'a million costs',
];

/** What is measured. */
interface Measured {
  readonly machine: string;
  readonly worker: FarmTimes['worker'];
  readonly sourceBytes: number;
  readonly resultBytes: number;
  readonly calibrations: readonly (readonly [size: number, calibration: FarmCalibration])[];
  readonly check: Table;
}

const say = (text: string): boolean => process.stderr.write(`  … ${text}\n`);
const measured =
  values.from === undefined ? await measure() : (JSON.parse(await readFile(values.from, 'utf8')) as Measured);
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(measured, undefined, 2)}\n`);
console.log(`${measured.machine}\n`);
say('simulations');
const times = timesWith(measured, size);
const scale = [1, 10, 30, 100, 1000, 10_000].map((workers) => {
  const shape = { ...usual, pictures: million, workers };
  return { shape, outcome: simulateFarm(shape, times, places) };
});
const { worker } = measured;
const base: Farm = { ...usual, pictures: Math.round(million / 10), workers: 100 };
const larger = { ...worker, tiles: Array.from({ length: 16 }, () => worker.tiles).flat() };
const knobs: readonly (readonly [string, Farm, FarmTimes, FarmPlaces])[] = [
  ['100 workers, as above', base, times, places],
  [`${jobSizes[1]} pictures in a job instead of ${size}`, base, timesWith(measured, jobSizes[1]), places],
  ['1,000 pictures wait at most instead of 10,000', { ...base, waiting: 1000 }, times, places],
  ['100,000 pictures wait at most', { ...base, waiting: 100_000 }, times, places],
  ['4 fronts instead of 16', { ...base, fronts: 4 }, times, places],
  ['ten prefixes in the bucket', base, times, { ...places, storageReads: 55_000, storageWrites: 35_000 }],
  ['workers of 64 cores, an eighth as many', { ...base, workers: 13, threads: 64, cores: 64 }, times, places],
  ['pictures of 16 times the pixels', base, { ...times, worker: larger }, places],
  [
    '1,000 workers, and pictures of 16 times the pixels',
    { ...base, workers: 1000 },
    { ...times, worker: larger },
    places,
  ],
];
const turned = knobs.map(([name, shape, own, where]) => ({ name, shape, outcome: simulateFarm(shape, own, where) }));
const tables = [measuredTable(measured), measured.check, scaleTable(scale), knobTable(turned)];
console.log(tables.map(textTable).join('\n\n'));

async function measure(): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'upres-farm-'));
  try {
    const machine = describeMachine();
    const load = await loadOf(480, 320);
    say('what a picture takes of a worker');
    const { resultBytes, ...own } = await measureWork(load, values.quick ? 3 : 7);
    await using farm = await FarmProcesses.start(folder);
    const calibrations: [number, FarmCalibration][] = [];
    for (const each of jobSizes) {
      say(`what a picture takes of Redis and the front, ${each} of them in a job`);
      calibrations.push([each, await calibrateFarm(farm, load, each, Math.ceil(100 / each))]);
    }
    const found = { worker: own, sourceBytes: load.jpeg.length, resultBytes, calibrations };
    const check = await checkAgainstReality(farm, load, timesWith(found, size));
    return {
      machine: `upres ${machine.upres} on ${machine.processor}, ${machine.cores} cores, Node ${machine.node}`,
      ...found,
      check,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Redis does as many commands as are assumed of it; all else is as measured. */
function timesWith(
  { worker: own, sourceBytes, resultBytes, calibrations }: Omit<Measured, 'machine' | 'check'>,
  picturesPerJob: number,
): FarmTimes {
  const { redis, front } = new Map(calibrations).get(picturesPerJob)!;
  const use = ({ commands, bytes }: RedisUse): Use => ({ seconds: commands / redisCommands, bytes });
  const { accept, work, idle, look, count, slots, mend } = redis;
  return {
    worker: own,
    front,
    redis: {
      ...{ accept: use(accept), work: use(work), idle: use(idle), look: use(look), slots: use(slots), mend: use(mend) },
      // One command, whose time grows with what it lists.
      count,
    },
    sourceBytes,
    resultBytes,
  };
}

/** One worker and two on this machine, and the same in the simulation. */
async function checkAgainstReality(farm: FarmProcesses, load: Load, times: FarmTimes): Promise<Table> {
  const pictures = values.quick ? 10 : 20;
  const rows: string[][] = [];
  for (const workers of [1, 2]) {
    say(`${pictures} pictures, ${workers === 1 ? 'one real worker' : `${workers} real workers`}`);
    const computing = ['front'];
    for (let number = 0; number < workers; number++) computing.push(await farm.addWorker());
    // Loads the network in each of them.
    const warm = 6 * workers;
    await farm.send(freshPictures(load, warm), 'natural');
    await farm.finished(warm);
    const before = farm.turns(...computing);
    const start = performance.now();
    for (let sent = 0; sent < pictures; sent += 10) await farm.send(freshPictures(load, 10), 'natural');
    await farm.finished(pictures);
    const real = (performance.now() - start) / 1000;
    const after = farm.turns(...computing);
    await farm.endWorkers();
    // On a machine that others use, too, all takes longer by what its processes waited for a core.
    const stretch = stretchBetween(before, after);
    const here = { ...places, storageDelay: 0, roundTrip: 0, storageBytes: 1e9, redisBytes: 1e9 };
    const shape = { pictures, workers, threads: 1, cores: 4, fronts: 1, waiting: pictures, give: false };
    const { seconds: simulated } = simulateFarm(shape, stretched(times, stretch), here);
    const quiet = simulateFarm(shape, times, here);
    const seconds = (quiet.busy.workers * workers * shape.cores + quiet.busy.fronts) * quiet.seconds;
    const ran = after.runSeconds - before.runSeconds;
    rows.push([
      String(workers),
      ...[ran, seconds].map((value) => fixed(value)),
      percent(seconds / ran - 1),
      ...[real, simulated].map((value) => fixed(value)),
      percent(simulated / real - 1),
      fixed(stretch),
    ]);
  }
  return {
    caption: `The simulation against a real farm on this machine: ${pictures} pictures, workers of one thread`,
    columns: [
      'workers',
      ...['processor time, s', 'simulated', 'off by', 'by the clock, s', 'simulated', 'off by'],
      'times as long since others had the cores',
    ],
    rows,
  };
}

function stretched(times: FarmTimes, factor: number): FarmTimes {
  const { worker, front } = times;
  return {
    ...times,
    worker: {
      decode: worker.decode * factor,
      tiles: worker.tiles.map((seconds) => seconds * factor),
      encode: worker.encode * factor,
      rest: worker.rest * factor,
    },
    front: { accept: front.accept * factor, give: front.give * factor },
  };
}

function measuredTable({ worker: own, calibrations: all }: Measured): Table {
  const { front } = all[0]![1];
  const ms = (seconds: number): string => `${fixed(seconds * 1000)} ms`;
  const us = (seconds: number): string => `${fixed(seconds * 1e6, 1)} µs`;
  const of = (name: string, show: (calibration: FarmCalibration) => string): string[] => [
    name,
    ...all.map(([, calibration]) => show(calibration)),
  ];
  const same = (name: string, value: string): string[] => [name, ...all.map((_, at) => (at === 0 ? value : ''))];
  const kibibytes = (bytes: number): string => `${fixed(bytes / 1024, 1)} KiB`;
  return {
    caption: 'Measured: one picture of 480×320, natural ×2, JPEG to JPEG; seconds of a core',
    columns: ['pictures in each job', ...all.map(([size]) => String(size))],
    rows: [
      same('worker: decode', ms(own.decode)),
      same('worker: tiles', own.tiles.map((seconds) => ms(seconds)).join(' + ')),
      same('worker: encode', ms(own.encode)),
      same('worker: all else', ms(own.rest)),
      same('front: accept', ms(front.accept)),
      same('front: give the result', ms(front.give)),
      of('Redis: commands to accept', ({ counts }) => fixed(counts.commandsToAccept, 1)),
      of('Redis: commands while a worker has it', ({ counts }) => fixed(counts.commandsToWork, 1)),
      of('Redis: to and fro while a worker has it', ({ redis }) => kibibytes(redis.work.bytes)),
      of('Redis: time of each of these commands', ({ redis }) => us(redis.work.seconds / redis.work.commands)),
      of('Redis: commands of a worker that waits, each second', ({ redis }) => fixed(redis.idle.commands, 1)),
      of('Redis: looking whether a job was cancelled', ({ redis }) => kibibytes(redis.look.bytes)),
      of('Redis: counting workers, for each', ({ redis }) => us(redis.count.seconds)),
      of('Redis: commands that look for what was lost, for each that waits', ({ redis }) =>
        fixed(redis.mend.commands, 2),
      ),
      of('storage: GET, PUT, DELETE, LIST', ({ counts: { requests } }) =>
        ['GET', 'PUT', 'DELETE', 'LIST'].map((kind) => fixed(requests[kind] ?? 0)).join(', '),
      ),
    ],
  };
}

function limitOf({ seconds, busy }: FarmOutcome): string {
  const [name, share] = Object.entries(busy).reduce((most, each) => (each[1] > most[1] ? each : most)) as [
    Resource,
    number,
  ];
  return seconds === Infinity ? `${name}: none left` : `${name} ${percent(share, 0)}`;
}

function dollars({ pictures, workers, cores, fronts }: Farm, { seconds }: FarmOutcome): string {
  const hours = seconds / 3600;
  // Redis has two cores; each front one.
  const machines = (workers * cores + fronts + 2) * hours * prices.coreHour;
  const requests = (pictures * (2 * prices.reads + 2 * prices.writes)) / 1000;
  const scale = 1_000_000 / pictures;
  return seconds === Infinity ? '–' : `$${fixed((machines + requests) * scale, 0)}`;
}

function cells(shape: Farm, outcome: FarmOutcome): string[] {
  const { seconds, busy } = outcome;
  const speed = shape.pictures / seconds;
  const takes = seconds === Infinity ? 'stands still' : spanOf(1_000_000 / speed);
  const shares = (['workers', 'Redis', 'fronts', 'storage writes'] as const).map((name) => percent(busy[name], 0));
  return [fixed(speed, speed < 100 ? 1 : 0), takes, ...shares, limitOf(outcome), dollars(shape, outcome)];
}

function spanOf(seconds: number): string {
  if (seconds < 120) return `${fixed(seconds, 0)} s`;
  if (seconds < 7200) return `${fixed(seconds / 60, 0)} min`;
  return seconds < 172_800 ? `${fixed(seconds / 3600, 1)} h` : `${fixed(seconds / 86_400, 1)} days`;
}

function scaleTable(results: readonly { shape: Farm; outcome: FarmOutcome }[]): Table {
  return {
    caption: `Simulated: ${million.toLocaleString('en')} pictures, ${jobSizes[0]} in each job, workers of ${usual.threads} cores, ${usual.fronts} fronts, ${redisCommands.toLocaleString('en')} commands a second`,
    columns: ['workers', ...columns.map((name) => (name === 'workers' ? 'busy' : name))],
    rows: results.map(({ shape, outcome }) => [shape.workers.toLocaleString('en'), ...cells(shape, outcome)]),
  };
}

function knobTable(results: readonly { name: string; shape: Farm; outcome: FarmOutcome }[]): Table {
  return {
    caption: 'Simulated: what moves it',
    columns: ['', ...columns.map((name) => (name === 'workers' ? 'workers busy' : name))],
    rows: results.map(({ name, shape, outcome }) => [name, ...cells(shape, outcome)]),
  };
}
