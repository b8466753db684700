import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Redis } from 'ioredis';
import { freePort } from '../test/support/free-port.js';
import { command, fromRoot } from './paths.js';
import { addTurns, turnsOf, type Turns } from './turns.js';

/** What Redis has done since its start. */
export interface RedisUse {
  /** Seconds of its main thread, which does all commands. */
  readonly seconds: number;
  /** Those inside of scripts counted, too. */
  readonly commands: number;
  /** To and from its clients. */
  readonly bytes: number;
}

/** A real farm on this machine: Redis, a server that speaks S3, one front, and workers, each a process of its own. Linux only. */
export class FarmProcesses implements AsyncDisposable {
  /** Where they meet, as `--queue` and `--storage` say it. */
  readonly where: { readonly queue: string; readonly storage: string };
  url = '';
  private readonly children = new Map<string, ChildProcess>();
  private ended = 0;
  private waiting: (() => void) | undefined;

  private constructor(
    private readonly redis: Redis,
    storagePort: number,
    queue: string,
  ) {
    this.where = { queue, storage: `s3://pictures/bench?endpoint=http://127.0.0.1:${storagePort}` };
  }

  /** @param folder in which Redis and the storage keep what is theirs */
  static async start(folder: string): Promise<FarmProcesses> {
    const program = ['valkey-server', 'redis-server'].find((name) => spawnSync(name, ['--version']).status === 0);
    if (program === undefined) throw new Error('this needs redis-server or valkey-server');
    Object.assign(process.env, {
      AWS_ACCESS_KEY_ID: 'S3RVER',
      AWS_SECRET_ACCESS_KEY: 'S3RVER',
      NODE_NO_WARNINGS: '1',
      AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE: '1',
    });
    mkdirSync(join(folder, 'redis'), { recursive: true });
    const [redisPort, storagePort] = [await freePort(), await freePort()];
    const queue = `redis://127.0.0.1:${redisPort}/0`;
    const redis = new Redis(queue, { lazyConnect: true, maxRetriesPerRequest: null });
    const farm = new FarmProcesses(redis, storagePort, queue);
    // However this process ends, none of them stays.
    process.once('exit', () => {
      for (const child of farm.children.values()) child.kill('SIGKILL');
    });
    const flags = ['--port', String(redisPort), '--bind', '127.0.0.1', '--dir', join(folder, 'redis')];
    // As docs/scale.md wants it.
    await farm.launch(
      'redis',
      program,
      [...flags, '--appendonly', 'yes', '--save', ''],
      /ready to accept connections/i,
    );
    const s3 = fromRoot('test', 'support', 's3-server.js');
    const s3Args = ['--openssl-legacy-provider', s3, join(folder, 's3'), String(storagePort), 'pictures'];
    await farm.launch('s3', process.execPath, s3Args, /^\d+$/);
    const limits = ['jobsPerClient=100000', 'jobBytes=1G', 'storedBytesPerClient=1000G'];
    const serve = ['serve', '--port', '0', ...farm.flags(), '--no-cache', '--limit', ...limits];
    const line = await farm.launch('front', process.execPath, [command, ...serve], /http:\/\//);
    farm.url = /http:\/\/\S+?(?=\/?(\s|$))/.exec(line)![0];
    return farm;
  }

  /** Starts one more worker, which computes on one thread. */
  async addWorker(): Promise<string> {
    const name = `worker ${[...this.children.keys()].filter((each) => each.startsWith('worker')).length + 1}`;
    const args = [command, 'worker', ...this.flags(), '--no-cache', '-t', '1', '--log'];
    const child = this.spawn(name, process.execPath, args);
    createInterface(child.stdout!).on('line', (line) => {
      if (!line.startsWith('{')) return;
      this.ended++;
      this.waiting?.();
    });
    await this.redis.ping();
    return name;
  }

  /** Sends a job. Returns its id. */
  async send(pictures: readonly Uint8Array[], model: string): Promise<string> {
    const body = new FormData();
    for (const [at, bytes] of pictures.entries()) body.append('images', new Blob([new Uint8Array(bytes)]), `${at}.jpg`);
    const answer = await fetch(`${this.url}/v1/jobs?model=${model}`, { method: 'POST', body });
    if (answer.status !== 202) throw new Error(`a job was not accepted: ${answer.status} ${await answer.text()}`);
    return ((await answer.json()) as { id: string }).id;
  }

  /** Waits until so many pictures have ended since the last call of it. */
  async finished(pictures: number): Promise<void> {
    while (this.ended < pictures) await new Promise<void>((resolve) => (this.waiting = resolve));
    this.ended -= pictures;
  }

  async redisUse(): Promise<RedisUse> {
    const number = (text: string, name: string): number =>
      Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(text)?.[1]);
    const [cpu, stats, commands] = await Promise.all(
      ['cpu', 'stats', 'commandstats'].map((part) => this.redis.info(part)),
    );
    const seconds = ['sys', 'user'].map((kind) => number(cpu!, `used_cpu_${kind}_main_thread`));
    const bytes = ['input', 'output'].map((way) => number(stats!, `total_net_${way}_bytes`));
    const calls = [...commands!.matchAll(/:calls=(\d+)/g)].map(([, count]) => Number(count));
    return { seconds: sum(seconds), bytes: sum(bytes), commands: sum(calls) };
  }

  /** Requests that the storage has answered, of each kind. */
  async requests(): Promise<Readonly<Record<string, number>>> {
    const s3 = this.children.get('s3')!;
    const answer = once(s3, 'message');
    s3.send('requests');
    return ((await answer) as [Record<string, number>])[0];
  }

  /** Of one process, or of several together. */
  turns(...names: readonly string[]): Turns {
    const chosen = names.length > 0 ? names : [...this.children.keys()];
    return addTurns(chosen.map((name) => turnsOf(this.children.get(name)!.pid!)));
  }

  async endWorkers(): Promise<void> {
    await Promise.all([...this.children].filter(([name]) => name.startsWith('worker')).map(([name]) => this.end(name)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.redis.disconnect();
    await Promise.all([...this.children.keys()].map((name) => this.end(name)));
  }

  private flags(): string[] {
    return ['--queue', this.where.queue, '--storage', this.where.storage];
  }

  private async end(name: string): Promise<void> {
    const child = this.children.get(name)!;
    this.children.delete(name);
    const over = once(child, 'exit');
    child.kill('SIGKILL');
    await over;
  }

  private spawn(name: string, program: string, args: readonly string[]): ChildProcess {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit', name === 's3' ? 'ipc' : 'ignore'] });
    this.children.set(name, child);
    return child;
  }

  private async launch(name: string, program: string, args: readonly string[], ready: RegExp): Promise<string> {
    const child = this.spawn(name, program, args);
    const lines = createInterface(child.stdout!);
    return new Promise((resolve, reject) => {
      lines.on('line', (line) => {
        if (ready.test(line)) resolve(line);
      });
      child.once('exit', (code) => {
        reject(new Error(`${name} ended with ${code}`));
      });
    });
  }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
