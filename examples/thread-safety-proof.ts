// Proves on this machine that one network serves many threads at once, from one copy of its weights:
//
//   npm run proof
//
// Four worker threads call the same network at the same time, first alone, then alongside four clients of an HTTP server that runs
// on the same threads. Shown are: every result has the bytes that one thread computes alone and untiled, over HTTP too; the
// threads of the pool are inside the runtime at once, so that nothing is held while one of them computes; and the operating
// system counts the weights once, however many threads have mapped them.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { ThreadSafeNetwork, type NetworkHandle, type PixelImage, type TileRecord } from 'upres';
import { startServer, upscaleOverHttp } from './http-clients.js';

const callers = 4;
const imagesEach = 4;

/** Clients of the server, each with as many images, one after the other. */
const clients = 4;

/** Share of the busy time in which threads must compute at once. Other programs on the machine cost some: there are three attempts. */
const goal = 0.9;
const attempts = 3;

/** What an observer saw of one call or request; times are milliseconds on a clock that all threads share. */
interface Answer {
  readonly seed: number;
  readonly hash: string;
  readonly asked: number;
  readonly answered: number;
}

/** What a caller saw besides. */
interface Outcome extends Answer {
  readonly tiles: readonly TileRecord[];
}

/** A picture of noise, the same for the same seed in every thread. */
function noise(seed: number): PixelImage {
  const width = 380 + 20 * (seed % 5);
  const height = 420 - 15 * (seed % 7);
  let state = seed + 1;
  const data = Uint8Array.from({ length: width * height * 3 }, () => (state = (state * 48_271) % 2_147_483_647) & 255);
  return { width, height, channels: 3, data };
}

function clock(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

function hashOf({ data }: PixelImage): string {
  return createHash('sha256').update(data).digest('hex');
}

async function call(network: ThreadSafeNetwork, seed: number): Promise<Outcome> {
  const tiles: TileRecord[] = [];
  const asked = clock();
  const result = await network.upscaleImage(noise(seed), {
    tilePixels: 40_000,
    onTile: (tile) => {
      tiles.push(tile);
    },
  });
  return { seed, hash: hashOf(result), asked, answered: clock(), tiles };
}

/** A caller: attaches to the network of the main thread and asks for all its images at once. */
async function beCaller(handle: NetworkHandle, number: number): Promise<void> {
  const network = await ThreadSafeNetwork.attach(handle);
  const seeds = Array.from({ length: imagesEach }, (_, image) => number * imagesEach + image);
  parentPort!.postMessage(await Promise.all(seeds.map((seed) => call(network, seed))));
  await network.dispose();
}

function startCaller(network: ThreadSafeNetwork, number: number): Promise<Outcome[]> {
  const handle = network.share();
  const worker = new Worker(new URL(import.meta.url), { workerData: { handle, number }, transferList: [handle.port] });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

/** Milliseconds during which at least this many of the intervals are running, within [from, to]. */
function timeWith(least: number, intervals: readonly (readonly [number, number])[], from: number, to: number): number {
  const events = intervals
    .flatMap(([start, end]) => [
      { time: Math.min(to, Math.max(from, start)), change: 1 },
      { time: Math.min(to, Math.max(from, end)), change: -1 },
    ])
    .sort((a, b) => a.time - b.time || a.change - b.change);
  let running = 0;
  let total = 0;
  let previous = from;
  for (const { time, change } of events) {
    if (running >= least) total += time - previous;
    running += change;
    previous = time;
  }
  return total;
}

/** Prints a claim with what was seen, and makes the exit code 1 where it does not hold. */
function claim(holds: boolean, what: string, seen: string): void {
  console.log(`${holds ? '  ok    ' : '  FAILED'}  ${what}\n          ${seen}`);
  if (!holds) process.exitCode = 1;
}

/** A client of the server: asks for its images one after the other. */
async function beClient(url: string, number: number): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let image = 0; image < imagesEach; image++) {
    const seed = (callers + number) * imagesEach + image;
    const asked = clock();
    const result = await upscaleOverHttp(url, noise(seed));
    answers.push({ seed, hash: hashOf(result), asked, answered: clock() });
  }
  return answers;
}

/** Number of answers with the bytes that one thread computes alone and untiled. */
async function countRight(answers: readonly Answer[]): Promise<number> {
  await using single = await ThreadSafeNetwork.loadBuiltinNatural({ threads: 1 });
  let right = 0;
  for (const { seed, hash } of answers) {
    if (hashOf(await single.upscaleImage(noise(seed), { tilePixels: Infinity })) === hash) right++;
  }
  return right;
}

async function showBytes(outcomes: readonly Outcome[]): Promise<void> {
  const equal = await countRight(outcomes);
  const tiles = outcomes.reduce((sum, outcome) => sum + outcome.tiles.length, 0);
  claim(
    equal === outcomes.length,
    'every result has the bytes that one thread computes alone, without tiles',
    `${equal} of ${outcomes.length} images are equal; they were computed as ${tiles} tiles`,
  );
}

/** From the first question to the last answer. */
function spanOf(answers: readonly Answer[]): readonly [number, number] {
  return [Math.min(...answers.map(({ asked }) => asked)), Math.max(...answers.map(({ answered }) => answered))];
}

/** Worker threads call the network while clients ask a server that computes on the same threads. */
async function showHttp(callAtOnce: () => Promise<Outcome[]>, threads: number): Promise<void> {
  await using server = await startServer(threads);
  // Its own session on each thread comes with the first request.
  await beClient(server.url, 0);
  const [outcomes, answers] = await Promise.all([
    callAtOnce(),
    Promise.all(Array.from({ length: clients }, (_, number) => beClient(server.url, number))).then((all) => all.flat()),
  ]);
  const [from, to] = spanOf(answers);
  const both = timeWith(2, [spanOf(outcomes), spanOf(answers)], from, to);
  const [rightCalls, rightAnswers] = [await countRight(outcomes), await countRight(answers)];
  claim(
    both > 0 && rightAnswers === answers.length && rightCalls === outcomes.length,
    `${clients} HTTP clients and the ${callers} threads get the same bytes, and so do these`,
    `${rightAnswers} of ${answers.length} answers and ${rightCalls} of ${outcomes.length} images are equal; ` +
      `both were waiting for results during ${both.toFixed(0)} of the clients’ ${(to - from).toFixed(0)} ms`,
  );
}

/** How long the threads of the pool were inside the runtime, and how long at least two of them at once, in milliseconds. */
function overlapOf(outcomes: readonly Outcome[]): { used: number; busy: number; parallel: number } {
  // The steady part: all threads of the pool have begun their first tile, none has ended its last.
  const runs = outcomes.flatMap(({ tiles }) => tiles);
  const spans = new Map<number, [number, number]>();
  for (const { thread, started, ended } of runs) {
    const [from, to] = spans.get(thread) ?? [Infinity, -Infinity];
    spans.set(thread, [Math.min(from, started), Math.max(to, ended)]);
  }
  const from = Math.max(...[...spans.values()].map(([start]) => start));
  const to = Math.min(...[...spans.values()].map(([, end]) => end));
  const intervals = runs.map(({ started, ended }) => [started, ended] as const);
  const busy = timeWith(1, intervals, from, to);
  const parallel = timeWith(2, intervals, from, to);
  return { used: spans.size, busy, parallel };
}

function showOverlap(outcomes: readonly Outcome[], threads: number): void {
  const turns = Array.from({ length: callers }, (_, number) => {
    const own = outcomes.filter(({ seed }) => Math.floor(seed / imagesEach) === number);
    return [Math.min(...own.map(({ asked }) => asked)), Math.max(...own.map(({ answered }) => answered))] as const;
  });
  const first = Math.min(...turns.map(([asked]) => asked));
  const last = Math.max(...turns.map(([, answered]) => answered));
  const together = timeWith(callers, turns, first, last);
  claim(
    together > 0,
    `${callers} threads call the network at once`,
    `all ${callers} were waiting for results during ${together.toFixed(0)} of ${(last - first).toFixed(0)} ms`,
  );

  const { used, busy, parallel } = overlapOf(outcomes);
  claim(
    used === threads && parallel / busy >= goal,
    'threads of the pool compute at once: no lock is held around the runtime',
    `${used} threads; at least two were inside run() during ${parallel.toFixed(0)} of ${busy.toFixed(0)} busy ms ` +
      `(${((100 * parallel) / busy).toFixed(1)} %; behind a lock it would be 0 %)`,
  );
}

/** Sums of what the kernel says of all mappings of files with weights, in KiB, by its own words. */
function mappedWeights(): { mappings: number; sums: Map<string, number> } {
  const sums = new Map<string, number>();
  let mappings = 0;
  let ours = false;
  for (const line of readFileSync('/proc/self/smaps', 'utf8').split('\n')) {
    if (/^[0-9a-f]+-[0-9a-f]+ /.test(line)) {
      ours = line.endsWith('/weights.data');
      if (ours) mappings++;
    }
    const [, word, size] = /^(\w+):\s+(\d+) kB$/.exec(line) ?? [];
    if (ours && word && size) sums.set(word, (sums.get(word) ?? 0) + Number(size));
  }
  return { mappings, sums };
}

function showMemory(threads: number): void {
  if (process.platform !== 'linux') {
    console.log('  --      how often the weights lie in memory can only be shown on Linux (/proc/self/smaps)');
    return;
  }
  const { mappings, sums } = mappedWeights();
  const of = (word: string): number => sums.get(word) ?? 0;
  claim(
    mappings > 0 && of('Anonymous') === 0 && of('Pss') <= (1.5 * of('Rss')) / threads,
    `${threads} threads read the same pages of the file of weights`,
    `/proc/self/smaps, all ${mappings} mappings of weights.data together, in KiB:`,
  );
  const meanings = [
    ['Rss', 'what the threads see, page by page'],
    ['Pss', 'what that takes: a page that n mappings share counts 1/n in each'],
    ['Shared_Clean', 'seen by several threads, as on disk'],
    ['Shared_Dirty', 'seen by several threads, not written to disk yet'],
    ['Private_Clean', 'seen by one thread, as on disk'],
    ['Private_Dirty', 'seen by one thread, not written to disk yet'],
    ['Anonymous', 'copied for one thread: nothing'],
  ] as const;
  for (const [word, meaning] of meanings)
    console.log(`          ${word.padEnd(14)}${String(of(word)).padStart(7)}  ${meaning}`);
}

async function main(): Promise<void> {
  const threads = Math.max(2, Math.min(4, availableParallelism()));
  await using network = await ThreadSafeNetwork.loadBuiltinNatural({ threads });
  console.log(
    `${network.display} ×${network.factor}, ${network.weights.parameters} parameters; ` +
      `${threads} threads compute for ${callers} worker threads that call with ${imagesEach} images each\n`,
  );
  const callAtOnce = async (): Promise<Outcome[]> =>
    (await Promise.all(Array.from({ length: callers }, (_, number) => startCaller(network, number)))).flat();
  let outcomes = await callAtOnce();
  for (let attempt = 1; attempt < attempts; attempt++) {
    const { busy, parallel } = overlapOf(outcomes);
    if (parallel / busy >= goal) break;
    outcomes = await callAtOnce();
  }
  showOverlap(outcomes, threads);
  // The threads that computed still hold their sessions.
  showMemory(threads);
  await showBytes(outcomes);
  await showHttp(callAtOnce, threads);
  console.log(process.exitCode ? '\nNot proven on this machine.' : '\nProven on this machine.');
}

if (isMainThread) {
  await main();
} else {
  const { handle, number } = workerData as { handle: NetworkHandle; number: number };
  await beCaller(handle, number);
}
