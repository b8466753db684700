import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Upscaler } from '#src/image/upscale.js';
import { clientOf } from '#src/server/service/client.js';
import { FileJobStore } from '#src/server/jobs/file-job-store.js';
import { begin, finish } from '#src/server/jobs/job-changes.js';
import { JobSweeper } from '#src/server/jobs/job-sweeper.js';
import { temporaryFolder } from '../support/folders.js';
import { bytesOf, resultOf, submit } from './support/jobs.js';
import {
  allEvents,
  endOf,
  eventsOf,
  form,
  json,
  smallPicture,
  startServer,
  type JobAnswer,
  type JobServer,
} from './support/job-server.js';
import { alice, codeIn, describeJobsApi, image, post, tokens } from './support/jobs-api.js';

/** What is looked at of a job in a server's folder. */
interface StoredJob {
  readonly id: string;
  readonly ended: string;
  readonly images: readonly Record<string, unknown>[];
}

let upscaler: Upscaler;
let pictures: readonly Buffer[];
/** Takes seconds, so that there is time to do something in between. */
let large: Buffer;

beforeAll(async () => {
  upscaler = new Upscaler({ threads: 1 });
  pictures = await Promise.all([1, 2, 3].map((seed) => smallPicture(seed)));
  large = await smallPicture(4, 900, 900);
});

afterAll(async () => {
  await upscaler.dispose();
});

async function withServer(
  test: (server: JobServer) => Promise<void>,
  options: Parameters<typeof startServer>[1] = {},
  folder = temporaryFolder(),
): Promise<void> {
  const running = await startServer(folder, { tokens, ...options });
  try {
    await test(running);
  } finally {
    await running.server.close({ cancel: true });
  }
}

describeJobsApi((test, options) => withServer(test, options));

describe('jobs of 0.1.0', () => {
  const fixture = fileURLToPath(new URL('fixtures/job-0.1.0', import.meta.url));

  it('are there, and the request that made them makes no second one', async () => {
    const folder = temporaryFolder();
    const { id } = await storedJob(folder);
    await withServer(
      async ({ url }) => {
        const job = await json(fetch(`${url}/v1/jobs/${id}`, { headers: alice }));
        expect(job.images.map(({ state }) => state)).toEqual(['done', 'failed']);
        const result = await fetch(`${url}${job.images[0]!.result!.url}`, { headers: alice });
        const bytes = Buffer.from(await result.arrayBuffer());
        expect(bytes.equals(await readFile(join(fixture, 'result-0')))).toBe(true);
        const again = form([
          ['dots.png', await readFile(join(fixture, 'dots.png'))],
          ['bad.png', bytesOf('no image')],
        ]);
        const sent = post(`${url}/v1/jobs?upscale=2&format=webp&model=nearest`, again, { 'idempotency-key': 'k' });
        expect((await json(sent)).id).toBe(id);
      },
      {},
      folder,
    );
  });

  it('go on where they were', async () => {
    const folder = temporaryFolder();
    const { id, own } = await storedJob(folder);
    const { ended, ...job } = JSON.parse(await readFile(join(own, 'job.json'), 'utf8')) as StoredJob;
    const { result, ...picture } = job.images[0]!;
    const running = { ...job, state: 'running', images: [{ ...picture, state: 'running' }, job.images[1]] };
    await writeFile(join(own, 'job.json'), JSON.stringify(running));
    await rename(join(own, 'dots.png'), join(own, 'source-0'));
    await rm(join(own, 'result-0'));
    await withServer(
      async ({ url }) => {
        const answer = await endOf(`${url}/v1/jobs/${id}`, alice);
        expect(answer.images[0]!.result).toMatchObject({ width: 16, type: 'image/webp' });
        expect([ended, result]).not.toContain(undefined);
      },
      {},
      folder,
    );
  });

  /** Puts the job into a server's folder. */
  async function storedJob(folder: string): Promise<{ id: string; own: string }> {
    const { id } = JSON.parse(await readFile(join(fixture, 'job.json'), 'utf8')) as StoredJob;
    const own = join(folder, 'jobs', id);
    await cp(fixture, own, { recursive: true });
    return { id, own };
  }
});

describe('a job in a folder', () => {
  it('is refused at once where it can’t work, and nothing is kept of it', async () => {
    const folder = temporaryFolder();
    await withServer(
      async ({ url }) => {
        expect(await codeIn(post(`${url}/v1/jobs`, new TextEncoder().encode('no image'), image), 415)).toBe(
          'UNSUPPORTED_FORMAT',
        );
        expect(await codeIn(post(`${url}/v1/jobs`, pictures[0]!.subarray(0, 20), image), 422)).toBe('INPUT_CORRUPT');
        expect(await codeIn(post(`${url}/v1/jobs`, new Uint8Array(), image), 422)).toBe('INPUT_EMPTY');
        expect(await codeIn(post(`${url}/v1/jobs`, large, image), 413)).toBe('INPUT_TOO_LARGE');
        expect(await codeIn(post(`${url}/v1/jobs?upscale=9`, pictures[0]!, image), 422)).toBe('BAD_ARGUMENT');
        // 384 pixels become 1,536, which is fine, and 24,576.
        expect(await codeIn(post(`${url}/v1/jobs?upscale=2;8`, pictures[0]!, image), 422)).toBe('OUTPUT_TOO_LARGE');
        expect(await codeIn(post(`${url}/v1/jobs`, form([]), {}), 422)).toBe('BAD_ARGUMENT');
        expect((await json<{ jobs: unknown[] }>(fetch(`${url}/v1/jobs`, { headers: alice }))).jobs).toEqual([]);
      },
      { limits: { inputPixels: 500_000, outputPixels: 24_000 } },
      folder,
    );
    expect(await readdir(join(folder, 'jobs'))).toEqual([]);
    expect(await readdir(join(folder, 'drafts'))).toEqual([]);
  });
});

describe('the end of the server', () => {
  it('leaves what is not finished for the next start', async () => {
    const folder = temporaryFolder();
    const medium = await smallPicture(5, 400, 400);
    let id = '';
    await withServer(
      async ({ url, server }) => {
        ({ id } = await json(
          post(
            `${url}/v1/jobs?upscale=2`,
            form([
              ['a', medium],
              ['b', pictures[0]!],
            ]),
          ),
          202,
        ));
        const stream = eventsOf(await fetch(`${url}/v1/jobs/${id}/events`, { headers: alice }));
        const closing = stream.next().then(() => server.close({ cancel: true }));
        let last: string | undefined;
        for await (const { event } of stream) last = event;
        expect(last).not.toBe('done');
        await closing;
      },
      {},
      folder,
    );
    await withServer(
      async ({ url }) => {
        const ended = await endOf(`${url}/v1/jobs/${id}`, alice);
        expect(ended.state).toBe('done');
        const { data } = await upscaler.upscale(medium, { upscale: 2 });
        const result = await fetch(`${url}/v1/jobs/${id}/images/0/result`, { headers: alice });
        expect(Buffer.from(await result.arrayBuffer()).equals(data)).toBe(true);
      },
      {},
      folder,
    );
  });

  it('finishes what runs when it may wait, and says to clients that they come again', async () => {
    const folder = temporaryFolder();
    let id = '';
    await withServer(
      async ({ url, server }) => {
        const files = form(Array.from({ length: 12 }, (_, n) => [`${n}.png`, large] as const));
        ({ id } = await json(post(`${url}/v1/jobs?upscale=2`, files), 202));
        const stream = eventsOf(await fetch(`${url}/v1/jobs/${id}/events`, { headers: alice }));
        for await (const { data } of stream) {
          const { images = [] } = JSON.parse(data) as Partial<JobAnswer>;
          if (images.some(({ state }) => state === 'running')) break;
        }
        await server.close();
      },
      {},
      folder,
    );
    const store = await FileJobStore.open(folder);
    const { images } = (await store.get(id))!;
    await store.close();
    expect(images.filter(({ state }) => state === 'done').length).toBeGreaterThan(0);
    const waiting = images.filter(({ state }) => state !== 'done');
    expect(waiting.length).toBeGreaterThan(0);
    expect(waiting.every(({ state, attempts }) => state === 'queued' && attempts === 0)).toBe(true);
  });

  it('cuts a client off that does not take its result', async () => {
    const folder = temporaryFolder();
    const store = await FileJobStore.open(folder);
    // More than the sockets between them hold.
    const bytes = new Uint8Array(32 * 2 ** 20);
    const { id } = await submit(store, [bytesOf('x')], { client: clientOf(tokens[0]!).id });
    await store.update(id, (job) => begin(job, 0));
    await store.writeResult(id, 0, 0, bytes);
    await store.update(id, (job) => finish(job, 0, { results: [resultOf(bytes)] }, new Date()));
    await store.close();
    await withServer(
      async ({ url }) => {
        const response = await fetch(`${url}/v1/jobs/${id}/result`, { headers: alice });
        expect(response.status).toBe(200);
        await delay(2000);
        const taken = response.arrayBuffer().then(({ byteLength }) => byteLength);
        await expect(taken).rejects.toThrow(TypeError);
      },
      { limits: { transferSeconds: 1, transferBytesPerSecond: 4 * 2 ** 20 } },
      folder,
    );
  });

  it('says that results have expired', async () => {
    const folder = temporaryFolder();
    let id = '';
    let end = '';
    await withServer(
      async ({ url }) => {
        ({ id } = await json(post(`${url}/v1/jobs`, pictures[0]!, image), 202));
        const events = await allEvents(await fetch(`${url}/v1/jobs/${id}/events`, { headers: alice }));
        end = events.at(-1)!.id!;
      },
      {},
      folder,
    );
    const store = await FileJobStore.open(folder);
    const sweeper = new JobSweeper(store, 7, () => undefined);
    const days = 8 * 24 * 60 * 60 * 1000;
    await sweeper.sweep(new Date(), 0);
    await sweeper.sweep(new Date(Date.now() + days), days);
    await store.close();
    await withServer(
      async ({ url }) => {
        const job = await json(fetch(`${url}/v1/jobs/${id}`, { headers: alice }));
        expect(job).toMatchObject({ state: 'done', expired: true });
        expect(job.images[0]!.result).toBeUndefined();
        expect(await codeIn(fetch(`${url}/v1/jobs/${id}/result`, { headers: alice }), 410)).toBe('GONE');
        // Whoever has seen the end is not told again.
        const events = fetch(`${url}/v1/jobs/${id}/events`, { headers: { ...alice, 'last-event-id': end } });
        expect((await events).status).toBe(204);
      },
      {},
      folder,
    );
  });
});

describe('a server with jobs', () => {
  it('shares its folder with no other', async () => {
    const folder = temporaryFolder();
    await withServer(
      async () => {
        await expect(startServer(folder, { tokens })).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
      },
      {},
      folder,
    );
  });

  it('counts them, and starts with a damaged one', async () => {
    const folder = temporaryFolder();
    await mkdir(join(folder, 'jobs', 'damaged-job'), { recursive: true });
    await withServer(
      async ({ url }) => {
        const { id } = await json(post(`${url}/v1/jobs`, pictures[0]!, image), 202);
        await endOf(`${url}/v1/jobs/${id}`, alice);
        const metrics = await (await fetch(`${url}/metrics`, { headers: alice })).text();
        expect(metrics).toMatch(/^upres_jobs\{state="done"\} 1$/m);
        expect(metrics).toMatch(/^upres_jobs\{state="running"\} 0$/m);
      },
      {},
      folder,
    );
  });

  it('describes them', async () => {
    await withServer(async ({ url }) => {
      const document = await json<{ paths: Record<string, Record<string, { responses: object }>> }>(
        fetch(`${url}/openapi.json`),
      );
      const responses = (path: string, method: string): string[] =>
        Object.keys(document.paths[path]?.[method]?.responses ?? {});
      expect(responses('/v1/jobs', 'post')).toEqual(
        expect.arrayContaining(['200', '202', '413', '415', '422', '429', '503']),
      );
      expect(responses('/v1/jobs/{id}/result', 'get')).toEqual(
        expect.arrayContaining(['200', '304', '404', '409', '410']),
      );
      expect(responses('/v1/jobs/{id}', 'delete')).toEqual(expect.arrayContaining(['200', '204', '404']));
      expect(responses('/v1/jobs/{id}/events', 'get')).toEqual(expect.arrayContaining(['200', '204', '404']));
    });
  });
});
