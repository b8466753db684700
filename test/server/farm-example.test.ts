import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { childEnvironment, main, upres } from '../cli/support/command.js';
import { temporaryFolder } from '../support/folders.js';
import { redisProgram, startRedis, startS3 } from '../support/services.js';
import { bearer, endOf, form, json, smallPicture } from './support/job-server.js';

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly restart?: string;
}

const folder = fileURLToPath(new URL('../../examples/farm/', import.meta.url));
const { services } = parse(await readFile(join(folder, 'compose.yaml'), 'utf8'), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>;
};
const own = Object.entries(services).filter(([, { image }]) => image === 'upres-farm');
const token = 'a-token-of-the-example';

describe('examples/farm', () => {
  it('waits for services that tell whether they are well', () => {
    expect(own.map(([name]) => name)).toEqual(['front', 'worker', 'send']);
    for (const { depends_on = {} } of Object.values(services)) {
      for (const [name, { condition }] of Object.entries(depends_on)) {
        if (condition === 'service_healthy') expect(services[name]!.healthcheck, name).toBeDefined();
        else expect({ name, restart: services[name]!.restart }).toEqual({ name, restart: undefined });
      }
    }
    for (const { image } of Object.values(services)) expect(image).toMatch(/^upres-farm$|:./);
  });

  it('installs what a farm needs', async () => {
    const dockerfile = await readFile(join(folder, 'Dockerfile'), 'utf8');
    const { peerDependencies } = JSON.parse(await readFile(join(folder, '../../package.json'), 'utf8')) as {
      readonly peerDependencies: Readonly<Record<string, string>>;
    };
    const [, installed] = /npm install (.*)/.exec(dockerfile.replaceAll('\\\n', ''))!;
    const packages = installed!
      .trim()
      .split(/\s+/)
      .filter((word) => !word.startsWith('-'));
    expect(packages).toContain('upres');
    for (const name of packages) if (name !== 'upres') expect(peerDependencies).toHaveProperty([name]);
    for (const name of ['bullmq', 'ioredis', '@aws-sdk/client-s3', 'fastify']) expect(packages).toContain(name);
  });

  describe.skipIf(redisProgram === undefined)('its lines', () => {
    const children: ChildProcess[] = [];
    afterAll(() => {
      for (const child of children) child.kill('SIGKILL');
    });

    it('serve, compute, tell of the queue, and send a folder', async () => {
      const redis = await startRedis(temporaryFolder());
      const s3 = await startS3(temporaryFolder());
      const endpoint = new URL(new URL(s3.location).searchParams.get('endpoint')!).host;
      /** The same words, for what runs here. */
      const here = (word: string): string =>
        word
          .replace('queue:6379', new URL(redis.location).host)
          .replace('storage:9000', endpoint)
          .replace('--port=3270', '--port=0');
      const env = { UPRES_TOKENS: token, AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' };
      const linesOf = (name: string): AsyncIterator<string> => {
        const child = spawn(process.execPath, [main, ...services[name]!.command!.map(here)], {
          env: childEnvironment(undefined, env),
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        children.push(child);
        return createInterface(child.stdout)[Symbol.asyncIterator]();
      };
      const told = await linesOf('front').next();
      const port = new URL(/http:\/\/\S+/.exec(told.value as string)![0]).port;
      const url = `http://127.0.0.1:${port}`;
      const lines = linesOf('worker');

      const body = form([['a.png', await smallPicture(1)]]);
      const headers = bearer(token);
      const job = await json(fetch(`${url}/v1/jobs?model=natural`, { method: 'POST', body, headers }), 202);
      expect(await endOf(`${url}/v1/jobs/${job.id}`, headers)).toMatchObject({ state: 'done' });
      expect(JSON.parse((await lines.next()).value as string)).toMatchObject({ job: job.id, state: 'done' });

      const work = temporaryFolder();
      await mkdir(join(work, 'pictures'));
      for (const seed of [2, 3]) await writeFile(join(work, 'pictures', `${seed}.png`), await smallPicture(seed));
      const sent = await upres(services.send!.command!.map(here), { cwd: work, env });
      expect(sent).toMatchObject({ code: 0 });
      for (const seed of [2, 3]) {
        const { width } = await sharp(join(work, 'larger', `${seed}@2x.png`)).metadata();
        expect(width).toBe(48);
      }

      const [, health, ...words] = services.worker!.healthcheck!.test;
      expect(health).toBe('upres');
      expect(await upres(words.map(here), { cwd: work, env })).toMatchObject({ code: 0 });
      const check = services.front!.healthcheck!.test.map((word) => word.replace('3270', port)).slice(1);
      const ready = spawn(process.execPath, check.slice(1), { stdio: 'inherit' });
      expect(await once(ready, 'exit')).toEqual([0, null]);
    });
  });
});
