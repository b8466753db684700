// A farm whose processes are killed, ended and paused at random: every picture that was accepted ends once, with the bytes of a
// single machine, and nothing stays behind. Arguments: pictures (400), blows (60), seed (the time).
import { spawn } from 'node:child_process';
import console from 'node:console';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { Upscaler } from '#src/image/upscale.js';
import { openFarm } from '#src/server/farm/farm.js';
import { openStorage } from '#src/storage/open-storage.js';
import { farmLeft } from './support/farm-left.js';

const pictures = Number(process.argv[2] ?? 400);
const blows = Number(process.argv[3] ?? 60);
const seed = Number(process.argv[4] ?? Date.now() % 2_147_483_647) || 1;
const picturesPerJob = 5;
/** Large enough that workers compute nearly all the time: a blow that hits one which waits shows little. */
const [width, height] = [480, 320];
/** Images that must have been begun again, for a run to show something. */
const leastBegunAgain = Math.floor(blows / 10);
/** Milliseconds after which a request is asked again, of another server. */
const patience = 5000;
/** Milliseconds after which a farm that is left in peace must be done: locks of 30 seconds, and rests of a minute and of four. */
const peace = 8 * 60_000;

let state = seed;
/** @param {number} below */
const random = (below) => {
  state = (state * 48_271) % 2_147_483_647;
  return state % below;
};
/**
 * @template T
 * @param {readonly T[]} list
 */
const oneOf = (list) => /** @type {T} */ (list[random(list.length)]);

const folder = mkdtempSync(join(tmpdir(), 'upres-chaos-'));
const command = fileURLToPath(new URL('../../dist/command/upres.cjs', import.meta.url));
const s3Program = fileURLToPath(new URL('../support/s3-server.js', import.meta.url));
Object.assign(process.env, {
  AWS_ACCESS_KEY_ID: 'S3RVER',
  AWS_SECRET_ACCESS_KEY: 'S3RVER',
  ORT_DISABLE_TELEMETRY: '1',
  NODE_NO_WARNINGS: '1',
});

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  server.close();
  await once(server, 'close');
  return port;
}

/** Lines that workers have printed, one for each picture. @type {Map<string, string[]>} */
const ends = new Map();
/** What processes said besides, and how often. @type {Map<string, number>} */
const said = new Map();

/** A program that is started again whenever it ends. */
class Mortal {
  /**
   * @param {string} name
   * @param {string} program
   * @param {readonly string[]} args
   * @param {RegExp} ready what it prints when others may ask it
   */
  constructor(name, program, args, ready) {
    this.name = name;
    this.program = program;
    this.args = args;
    this.ready = ready;
    /** Processes that have not ended: one that drains may still be there when the next has begun. @type {Set<import('node:child_process').ChildProcess>} */
    this.alive = new Set();
  }

  async start() {
    const child = spawn(this.program, this.args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    this.alive.add(child);
    child.once('exit', () => this.alive.delete(child));
    createInterface(child.stderr).on('line', (line) => {
      const kind = `${this.name.replace(/\d+$/, '')}: ${line.replaceAll(/[\w-]{22}/g, '…').replaceAll(/\d+/g, 'n')}`;
      said.set(kind, (said.get(kind) ?? 0) + 1);
    });
    const lines = createInterface(child.stdout);
    await new Promise((resolve) => {
      child.once('exit', resolve);
      lines.on('line', (line) => {
        if (this.ready.test(line)) resolve(undefined);
        if (!line.startsWith('{')) return;
        const { job, place, state: end } = JSON.parse(line);
        const known = ends.get(`${job} ${place}`);
        if (known) known.push(end);
        else ends.set(`${job} ${place}`, [end]);
      });
      // Workers with a log say nothing when they begin.
      if (this.ready.source === '(?:)') resolve(undefined);
    });
  }

  /** @param {NodeJS.Signals} signal */
  async strike(signal) {
    const child = /** @type {import('node:child_process').ChildProcess} */ (this.child);
    if (child.exitCode !== null || child.signalCode !== null) return this.start();
    if (signal === 'SIGSTOP') {
      child.kill('SIGSTOP');
      // Some are silent for longer than the queue believes in them.
      await delay(this.name.startsWith('worker') && random(3) === 0 ? 45_000 : 500 + random(4000));
      child.kill('SIGCONT');
      return;
    }
    const exit = once(child, 'exit');
    child.kill(signal);
    // A fleet that is restarted begins the next while the last one drains.
    if (signal === 'SIGKILL' || random(2) === 0) await exit;
    await this.start();
  }

  end() {
    for (const child of this.alive) child.kill('SIGKILL');
  }
}

const [redisPort, s3Port, ...frontPorts] = await Promise.all(Array.from({ length: 5 }, freePort));
const queue = `redis://127.0.0.1:${redisPort}/0`;
const storage = `s3://pictures/some/prefix?endpoint=http://127.0.0.1:${s3Port}`;
const shared = ['--queue', queue, '--storage', storage, '--no-cache', '--threads', '1'];
const redisFlags = ['--port', `${redisPort}`, '--bind', '127.0.0.1', '--dir', folder, '--appendonly', 'yes'];
const redis = new Mortal(
  'redis',
  'redis-server',
  [...redisFlags, '--appendfsync', 'always', '--save', ''],
  /ready to accept/i,
);
const s3Flags = ['--openssl-legacy-provider', s3Program, join(folder, 's3'), `${s3Port}`, 'pictures'];
const s3 = new Mortal('storage', process.execPath, s3Flags, /./);
const fronts = frontPorts.map(
  (port, i) =>
    new Mortal(`server${i}`, process.execPath, [command, 'serve', '--port', `${port}`, ...shared], /listens/),
);
const workers = Array.from(
  { length: 4 },
  (_, i) => new Mortal(`worker${i}`, process.execPath, [command, 'worker', '--log', ...shared], /(?:)/),
);
const all = [redis, s3, ...fronts, ...workers];
process.once('exit', () => {
  for (const each of all) each.end();
  rmSync(folder, { recursive: true, force: true });
});

/**
 * Asks servers until one answers.
 * @param {string} path
 * @param {() => RequestInit} init
 * @param {readonly number[]} statuses those that end it
 */
async function insist(path, init = () => ({}), statuses = [200, 202]) {
  for (;;) {
    const url = `http://127.0.0.1:${frontPorts[Math.floor(Math.random() * frontPorts.length)]}${path}`;
    try {
      const response = await fetch(url, { ...init(), signal: AbortSignal.timeout(patience) });
      const body = Buffer.from(await response.arrayBuffer());
      if (statuses.includes(response.status)) return { status: response.status, body };
      const { code = '' } = JSON.parse(String(body) || '{}');
      const kind = `answer ${response.status} ${code}`;
      said.set(kind, (said.get(kind) ?? 0) + 1);
      if (response.status < 500 && response.status !== 429)
        throw new Error(`${path}: ${response.status} ${String(body)}`);
    } catch (error) {
      // What `fetch` throws when the other side is gone or silent.
      if (!(error instanceof TypeError || /** @type {Error} */ (error).name === 'TimeoutError')) throw error;
    }
    await delay(100);
  }
}

/** @param {number} n */
const pictureOf = (n) => {
  const pixels = new Uint8Array(width * height * 3).map(
    (_, i) => (Math.floor(i / 12) * 37 + n * 11 + ((i * n) % 13)) % 256,
  );
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
};

console.log(`seed ${seed}: ${pictures} pictures, ${blows} blows`);
const started = performance.now();
const seconds = () => Math.round((performance.now() - started) / 1000);
await Promise.all([redis.start(), s3.start()]);
await Promise.all([...fronts, ...workers].map((each) => each.start()));

/** @type {string[]} */
const wrong = [];
/** @type {Map<string, number>} */
const counts = new Map();
async function strike() {
  /** @type {Promise<void>[]} */
  const under = [];
  /** @type {Set<Mortal>} */
  const busy = new Set();
  for (let i = 0; i < blows; i++) {
    await delay(500 + random(3000));
    // One that is paused, or ends already, can't be hit again.
    const free = [...all, ...workers, ...workers].filter((each) => !busy.has(each));
    if (free.length === 0) {
      i--;
      continue;
    }
    const target = oneOf(free);
    const signal = oneOf(/** @type {const} */ (['SIGKILL', 'SIGKILL', 'SIGTERM', 'SIGSTOP']));
    busy.add(target);
    const kind = `${target.name.replace(/\d+$/, '')} ${signal}`;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    under.push(target.strike(signal).finally(() => busy.delete(target)));
  }
  await Promise.all(under);
  console.log(`${seconds()} s: the last blow`);
}

const jobs = Math.ceil(pictures / picturesPerJob);
/** @type {Map<string, number>} */
const accepted = new Map();
/** @type {Map<string, string>} */
const endsOfJobs = new Map();
let next = 0;
async function client() {
  for (let n = next++; n < jobs; n = next++) {
    // New work until the last blow.
    await delay(Math.max(0, (n / jobs) * blows * 1900 - (performance.now() - started)));
    const files = await Promise.all(
      Array.from({ length: picturesPerJob }, (_, i) => pictureOf(n * picturesPerJob + i)),
    );
    const body = () => {
      const form = new FormData();
      for (const [i, bytes] of files.entries()) form.append('images', new Blob([new Uint8Array(bytes)]), `${i}.png`);
      return { method: 'POST', body: form, headers: { 'idempotency-key': `job-${n}` } };
    };
    const { id } = JSON.parse(String((await insist('/v1/jobs?model=natural', body)).body));
    if (accepted.has(id)) wrong.push(`two requests have the job ${id}`);
    accepted.set(id, n);
  }
}
const blowing = strike();
await Promise.all(Array.from({ length: 6 }, client));
console.log(`${seconds()} s: ${accepted.size} jobs were accepted`);
await blowing;
const deadline = performance.now() + peace;
for (const id of accepted.keys()) {
  for (;;) {
    const job = JSON.parse(String((await insist(`/v1/jobs/${id}`)).body));
    if (['done', 'failed', 'cancelled'].includes(job.state)) {
      if (job.images.some((/** @type {{ state: string }} */ each) => each.state !== 'done'))
        wrong.push(`job ${id}: ${JSON.stringify(job.images)}`);
      endsOfJobs.set(id, job.state);
      break;
    }
    if (performance.now() > deadline) {
      wrong.push(`job ${id} has not ended: ${JSON.stringify(job)}`);
      break;
    }
    await delay(200);
  }
}
console.log(`${seconds()} s: ${endsOfJobs.size} jobs have ended`);

const upscaler = new Upscaler({ threads: 2 });
let equal = 0;
for (const [id, n] of accepted) {
  const compare = async (/** @type {number} */ place) => {
    const { status, body } = await insist(
      `/v1/jobs/${id}/images/${place}/result`,
      undefined,
      [200, 404, 409, 410, 500],
    );
    const { data } = await upscaler.upscale(await pictureOf(n * picturesPerJob + place), { model: 'natural' });
    if (status === 200 && body.equals(data)) equal++;
    else wrong.push(`picture ${place} of job ${id} has other bytes: ${status}`);
    const told = ends.get(`${id} ${place}`) ?? [];
    if (told.length > 1) wrong.push(`picture ${place} of job ${id} ended ${told.length} times`);
  };
  await Promise.all(Array.from({ length: picturesPerJob }, (_, place) => compare(place)));
}
await upscaler.dispose();

const farm = await openFarm({ queue, storage, atOnce: 1, warn: console.error });
const records = await Promise.all([...accepted.keys()].map((id) => farm.store.get(id)));
const attempts = records.flatMap((job) => job?.images.map((image) => image.attempts) ?? []);
const begunAgain = attempts.filter((times) => times > 1).length;
if (begunAgain < leastBegunAgain)
  wrong.push(`only ${begunAgain} images were begun again: the blows hit workers that waited`);
const places = await openStorage(storage);
async function sources() {
  let count = 0;
  for await (const { key } of places.list('jobs/')) if (key.includes('/source-')) count++;
  return count;
}
const later = new Date(Date.now() + 2 * 60 * 60_000);
const waiting = await sources();
await farm.store.tidy(later);
const stay = await sources();
if (stay > 0) wrong.push(`${stay} sources stay after the sweep`);
for (const id of accepted.keys()) await insist(`/v1/jobs/${id}`, () => ({ method: 'DELETE' }), [204, 404]);
await farm.queue.mend();
await farm.store.tidy(later);
const { keys, objects } = await farmLeft(queue, storage);
if (keys.length > 0) wrong.push(`Redis keeps ${keys.length} keys: ${keys.slice(0, 10).join(', ')}`);
if (objects.length > 0) wrong.push(`the storage keeps ${objects.length} objects: ${objects.slice(0, 5).join(', ')}`);
await farm.close();
await places.close();

console.log(JSON.stringify(Object.fromEntries([...counts].sort())));
for (const [line, count] of [...said].sort((a, b) => b[1] - a[1]).slice(0, 25)) console.log(`${count} × ${line}`);
console.log(
  `${seconds()} s: ${equal} of ${accepted.size * picturesPerJob} pictures equal, begun ${attempts.reduce((sum, n) => sum + n, 0)} times, ` +
    `${begunAgain} of them again, one at most ${Math.max(...attempts)}; ${ends.size} ends were logged; ${waiting} sources waited for the sweep`,
);
for (const line of wrong) console.error(`WRONG: ${line}`);
process.exit(wrong.length > 0 ? 1 : 0);
