// `npm run bench:farm`: how far a farm goes. A simulation, with times that are measured here against a real farm; it is checked against that farm, too.
//
//   --quick    fewer pictures and rounds: shows that it works
//   --pictures N   of the largest simulation (default a million)
//   --json FILE    all figures
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
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
} from './farm-model.js';
import { FarmProcesses } from './farm-processes.js';
import { fixed, percent } from './format.js';
import { describeMachine } from './machine.js';
import { textTable } from './text-table.js';
import { stretchBetween } from './turns.js';
import type { Table } from './measurement.js';

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, pictures: { type: 'string' }, json: { type: 'string' } },
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
/** Dollars: a core for an hour, a thousand reads, a thousand writes. */
const prices = { coreHour: 0.04, reads: 0.0004, writes: 0.005 };
const usual = { threads: 8, cores: 8, fronts: 8, waiting: 10_000, give: true } as const;
/** Records of jobs in the usual case, and in the case of small ones. */
const jobSizes = [100, 10, 1] as const;

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

const folder = await mkdtemp(join(tmpdir(), 'upres-farm-'));
try {
  const machine = describeMachine();
  console.log(`upres ${machine.upres} on ${machine.processor}, ${machine.cores} cores, Node ${machine.node}\n`);
  const load = await loadOf(480, 320);
  const say = (text: string): boolean => process.stderr.write(`  … ${text}\n`);
  say('what a picture takes of a worker');
  const { resultBytes, ...worker } = await measureWork(load, values.quick ? 3 : 7);
  await using farm = await FarmProcesses.start(folder);
  const calibrations = new Map<number, FarmCalibration>();
  for (const size of jobSizes) {
    say(`what a picture takes of Redis and the front, ${size} of them in a job`);
    const pictures = 100;
    calibrations.set(size, await calibrateFarm(farm, load, size, Math.ceil(pictures / size)));
  }
  const timesWith = (size: number): FarmTimes => {
    const { redis, front } = calibrations.get(size)!;
    return { worker, front, redis, sourceBytes: load.jpeg.length, resultBytes };
  };
  const check = await checkAgainstReality(farm, load, timesWith(10), say);

  const [most] = jobSizes;
  const times = timesWith(most);
  say('simulations');
  const scale = [1, 10, 30, 100, 1000, 10_000].map((workers) => {
    const shape = { ...usual, pictures: million, workers };
    return { shape, outcome: simulateFarm(shape, times, places) };
  });
  const fewer = Math.round(million / 10);
  const base: Farm = { ...usual, pictures: fewer, workers: 300 };
  const twiceWork = { ...worker, tiles: [...worker.tiles, ...worker.tiles, ...worker.tiles, ...worker.tiles] };
  const knobs: readonly (readonly [string, Farm, FarmTimes, FarmPlaces])[] = [
    ['as above, 300 workers', base, times, places],
    ['10 pictures in a job instead of 100', base, timesWith(10), places],
    ['1 picture in a job', base, timesWith(1), places],
    ['1,000 pictures wait at most instead of 10,000', { ...base, waiting: 1000 }, times, places],
    ['100,000 pictures wait at most', { ...base, waiting: 100_000 }, times, places],
    ['32 fronts instead of 8', { ...base, fronts: 32 }, timesWith(10), places],
    ['workers of 64 cores, an eighth as many', { ...base, workers: 38, threads: 64, cores: 64 }, timesWith(10), places],
    ['four times the pixels in each picture', base, { ...timesWith(10), worker: twiceWork }, places],
    ['ten prefixes in the bucket', base, timesWith(10), { ...places, storageReads: 55_000, storageWrites: 35_000 }],
  ];
  const turned = knobs.map(([name, shape, own, where]) => ({ name, shape, outcome: simulateFarm(shape, own, where) }));

  const tables = [measuredTable(times, calibrations), check.table, scaleTable(scale), knobTable(turned)];
  console.log(tables.map(textTable).join('\n\n'));
  if (values.json !== undefined) {
    const figures = {
      machine,
      places,
      prices,
      worker,
      calibrations: [...calibrations],
      check: check.figures,
      scale,
      turned,
    };
    await writeFile(values.json, `${JSON.stringify(figures, undefined, 2)}\n`);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** One worker and two on this machine, and the same in the simulation. */
async function checkAgainstReality(
  farm: FarmProcesses,
  load: Load,
  times: FarmTimes,
  say: (text: string) => boolean,
): Promise<{ table: Table; figures: unknown }> {
  const pictures = values.quick ? 10 : 20;
  const rows: string[][] = [];
  const figures: unknown[] = [];
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
    figures.push({
      workers,
      pictures,
      processor: { real: ran, simulated: seconds },
      clock: { real, simulated },
      stretch,
    });
  }
  const table = {
    caption: `The simulation against a real farm on this machine: ${pictures} pictures, workers of one thread`,
    columns: [
      'workers',
      ...['processor time, s', 'simulated', 'off by', 'by the clock, s', 'simulated', 'off by'],
      'times as long since others had the cores',
    ],
    rows,
  };
  return { table, figures };
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

function measuredTable(times: FarmTimes, calibrations: ReadonlyMap<number, FarmCalibration>): Table {
  const { worker, front } = times;
  const ms = (seconds: number): string => `${fixed(seconds * 1000)} ms`;
  const us = (seconds: number): string => `${fixed(seconds * 1e6, 1)} µs`;
  const all = [...calibrations];
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
      same('worker: decode', ms(worker.decode)),
      same('worker: tiles', worker.tiles.map((seconds) => ms(seconds)).join(' + ')),
      same('worker: encode', ms(worker.encode)),
      same('worker: all else', ms(worker.rest)),
      same('front: accept', ms(front.accept)),
      same('front: give the result', ms(front.give)),
      of('Redis: commands to accept', ({ counts }) => fixed(counts.commandsToAccept, 1)),
      of('Redis: commands while a worker has it', ({ counts }) => fixed(counts.commandsToWork, 1)),
      of('Redis: time to accept', ({ redis }) => us(redis.accept.seconds)),
      of('Redis: time while a worker has it', ({ redis }) => us(redis.work.seconds)),
      of('Redis: to and fro while a worker has it', ({ redis }) => kibibytes(redis.work.bytes)),
      of('Redis: a worker that waits, each second', ({ redis }) => us(redis.idle.seconds)),
      of('Redis: looking whether a job was cancelled', ({ redis }) => us(redis.look.seconds)),
      of('Redis: counting workers, for each', ({ redis }) => us(redis.count.seconds)),
      of('Redis: looking for what was lost, for each that waits', ({ redis }) => us(redis.mend.seconds)),
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
    caption: `Simulated: ${million.toLocaleString('en')} pictures, ${jobSizes[0]} in each job, workers of ${usual.threads} cores, ${usual.fronts} fronts`,
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
