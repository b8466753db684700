import { spawn, spawnSync, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import { freePort } from './free-port.js';

/** A program that tests talk to, which may be paused, killed and started again where it was. */
export interface Service {
  /** Where it is, in the words of the option that takes it. */
  readonly location: string;
  readonly process: ChildProcess;
  start(): Promise<void>;
  /** Ends it at once, as a power cut would end it, and waits for that. */
  kill(): Promise<void>;
}

const stdio: StdioOptions = ['ignore', 'pipe', 'inherit'];

const running = new Set<Service>();

afterAll(async () => {
  await Promise.all([...running].map((service) => service.kill()));
});

async function startService(
  location: string,
  launch: () => ChildProcess,
  ready: (child: ChildProcess) => Promise<unknown>,
): Promise<Service> {
  let child: ChildProcess | undefined;
  const service: Service = {
    location,
    get process() {
      return child!;
    },
    async start() {
      child = launch();
      running.add(service);
      const over = once(child, 'exit').then(() => {
        throw new Error(`${location} ended before it answered`);
      });
      over.catch(() => undefined);
      await Promise.race([ready(child), over]);
    },
    async kill() {
      running.delete(service);
      if (child?.exitCode !== null || child.signalCode !== null) return;
      const over = once(child, 'exit');
      child.kill('SIGKILL');
      await over;
    },
  };
  await service.start();
  return service;
}

const firstLine = async (child: ChildProcess): Promise<void> => {
  await once(createInterface(child.stdout!), 'line');
};

/** A server that speaks S3 and keeps a bucket in a folder. Who asks it is told by the environment of this process. */
export async function startS3(folder: string): Promise<Service> {
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' });
  const port = await freePort();
  const program = fileURLToPath(new URL('s3-server.js', import.meta.url));
  return startService(
    `s3://pictures/some/prefix?endpoint=http://127.0.0.1:${port}`,
    () =>
      // Where the next page of a list begins, it hides with a cipher of old.
      spawn(process.execPath, ['--openssl-legacy-provider', program, folder, String(port), 'pictures'], { stdio }),
    firstLine,
  );
}

const redisPrograms = ['valkey-server', 'redis-server'];

/** The program that speaks Redis on this machine; undefined where there is none. */
export const redisProgram = redisPrograms.find((name) => spawnSync(name, ['--version']).status === 0);

/**
 * Redis, or Valkey, that keeps a log of all changes in a folder.
 * @param more flags of its command line
 */
export async function startRedis(folder: string, ...more: readonly string[]): Promise<Service> {
  const port = await freePort();
  const usual = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--appendonly', 'yes', '--save', ''];
  return startService(
    `redis://127.0.0.1:${port}/0`,
    () => spawn(redisProgram!, [...usual, ...more], { stdio }),
    async (child) => {
      for await (const line of createInterface(child.stdout!)) if (/ready to accept connections/i.test(line)) break;
      child.stdout!.resume();
    },
  );
}
