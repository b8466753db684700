import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { Upscaler } from '#src/image/upscale.js';
import { readJob } from '#src/server/jobs/stored-job.js';
import { temporaryFolder } from '../support/folders.js';
import { randomNumbers } from '../support/pictures.js';
import { bearer, eventsOf, form, json, smallPicture, type JobAnswer } from './support/job-server.js';

const seed = 20_261_123;
const jobCount = 90;
/** Different enough to tell results apart, few enough to know all of them beforehand. */
const pictureCount = 12;
/** Every few jobs want two files of each image. */
const filesEvery = 4;
/** Jobs that clients have on their way at once. */
const atOnce = 24;
/** Milliseconds that a server lives after it has begun to listen, at most. */
const longestLife = 900;
/** Enough to hit everything, few enough to be done on a busy machine, where each start takes seconds. */
const mostKills = 8;
const leastKills = 5;
const tokens = ['a', 'b', 'c'].map((letter) => letter.repeat(32));
const program = fileURLToPath(new URL('fixtures/job-server.js', import.meta.url));

/** A server that is killed and started again, on the same folder. */
class MortalServer {
  url = '';
  private child: ChildProcess | undefined;

  constructor(private readonly folder: string) {}

  async start(): Promise<void> {
    const child = spawn(process.execPath, [program, this.folder, tokens.join()], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: undefined, VITEST: undefined },
    });
    this.child = child;
    const line = await Promise.race([once(child.stdout, 'data'), once(child, 'close')]);
    this.url = String(line[0]).trim();
    if (!this.url.startsWith('http')) throw new Error(`the server did not start: ${this.url}`);
  }

  get ended(): boolean {
    return this.child?.exitCode !== null || this.child.signalCode !== null;
  }

  async kill(): Promise<void> {
    const child = this.child!;
    if (this.ended) throw new Error('the server has ended by itself');
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
  }
}

/** Fires when the test is over, also where it has failed. */
const over = new AbortController();

/** Tries again for as long as there is no server to answer. */
async function insist<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    over.signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      // What `fetch` and streams throw when the other side is gone; a wrong answer is a plain Error.
      if (!(error instanceof TypeError) && !(error instanceof SyntaxError)) throw error;
      await delay(30);
    }
  }
}

interface Finished {
  readonly n: number;
  readonly id: string;
  readonly headers: Record<string, string>;
  /** Which pictures it was made of. */
  readonly pictures: readonly number[];
  readonly answer: JobAnswer;
  /** `done` events that the client was told of. */
  readonly ends: number;
}

describe('servers that are killed', () => {
  const upscaler = new Upscaler({ threads: 1 });

  const folder = temporaryFolder();
  const server = new MortalServer(folder);

  afterAll(async () => {
    over.abort();
    await upscaler.dispose();
    if (!server.ended) await server.kill();
  });

  it(`finish ${jobCount} jobs, each once and right`, { timeout: 240_000 }, async () => {
    const random = randomNumbers(seed);
    const sources = await Promise.all(
      Array.from({ length: pictureCount }, (_, n) => smallPicture(n, 24 + 8 * n, 64 - 3 * n)),
    );
    const outputs = [{ format: 'png' }, { format: 'webp' }] as const;
    /** By picture: a PNG and a WebP. */
    const expected = await Promise.all(sources.map((source) => upscaler.upscale(source, { upscale: 2, outputs })));
    await server.start();

    const client = async (n: number, pictures: readonly number[]): Promise<Finished> => {
      const headers = bearer(tokens[n % tokens.length]!);
      const format = n % filesEvery === 0 ? '&format=png;webp' : '';
      const body = (): FormData => form(pictures.map((picture) => [`${picture}.png`, sources[picture]!]));
      const submit = (): Promise<{ id: string }> =>
        insist(async () => {
          const sent = { ...headers, 'idempotency-key': `job-${n}` };
          const answer = await fetch(`${server.url}/v1/jobs?upscale=2${format}`, {
            method: 'POST',
            headers: sent,
            body: body(),
          });
          // 200 where an answer was lost and the job was not.
          return json<{ id: string }>(Promise.resolve(answer), answer.status === 200 ? 200 : 202);
        });
      const { id } = await submit();
      let last: string | undefined;
      let ends = 0;
      /** Follows the job for as long as the server lives; false when there is nothing more to follow. */
      const follow = async (): Promise<boolean> => {
        const seen = last === undefined ? {} : { 'last-event-id': last };
        const response = await fetch(`${server.url}/v1/jobs/${id}/events`, { headers: { ...headers, ...seen } });
        if (response.status === 204) return false;
        if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
        for await (const event of eventsOf(response)) {
          last = event.id ?? last;
          if (event.event === 'done') ends++;
        }
        return true;
      };
      while (await insist(follow));
      // The same key still means the same job.
      expect((await submit()).id).toBe(id);
      const answer = await insist(() => json(fetch(`${server.url}/v1/jobs/${id}`, { headers })));
      return { n, id, headers, pictures, answer, ends };
    };

    const finished: Finished[] = [];
    const jobs = Array.from({ length: jobCount }, (_, n) => ({
      n,
      pictures: Array.from({ length: 1 + random(3) }, () => random(pictureCount)),
    }));
    const clientsDone = new AbortController();
    const clients = Promise.all(
      Array.from({ length: atOnce }, async () => {
        for (let job = jobs.shift(); job; job = jobs.shift()) {
          finished.push(await client(job.n, job.pictures));
        }
      }),
    ).finally(() => {
      clientsDone.abort();
    });
    clients.catch(() => undefined);

    let kills = 0;
    while (kills < mostKills) {
      await delay(random(longestLife));
      if (clientsDone.signal.aborted) break;
      await server.kill();
      kills++;
      await server.start();
    }
    await clients;
    expect(kills).toBeGreaterThanOrEqual(leastKills);

    expect(new Set(finished.map(({ id }) => id)).size).toBe(jobCount);
    for (const { n, answer, ends, pictures, headers, id } of finished) {
      expect(answer.state).toBe('done');
      expect(ends).toBe(1);
      expect(answer.images.map(({ state }) => state)).toEqual(pictures.map(() => 'done'));
      for (const [place, picture] of pictures.entries()) {
        const { results = [] } = answer.images[place]!;
        expect(results).toHaveLength(n % filesEvery === 0 ? 2 : 1);
        for (const [output, { url }] of results.entries()) {
          const result = await fetch(`${server.url}${url}`, { headers });
          expect(Buffer.from(await result.arrayBuffer()).equals(expected[picture]![output]!.data)).toBe(true);
        }
      }
      expect(await json(fetch(`${server.url}/v1/jobs/${id}`, { headers }))).toEqual(answer);
    }
    const listed = await Promise.all(tokens.map((token) => idsOf(server.url, token)));
    expect(listed.flat().sort()).toEqual(finished.map(({ id }) => id).sort());

    await server.kill();
    expect(existsSync(join(folder, 'damaged'))).toBe(false);
    expect((await readdir(join(folder, 'jobs'))).sort()).toEqual(finished.map(({ id }) => id).sort());
    // The kills did hit images that were being computed, or all of this would show little.
    const stored = await Promise.all(finished.map(({ id }) => readFile(join(folder, 'jobs', id, 'job.json'), 'utf8')));
    const interrupted = stored.flatMap((text) => readJob(text).images).filter(({ attempts }) => attempts > 1);
    expect(interrupted.length).toBeGreaterThan(0);
  });
});

async function idsOf(url: string, token: string): Promise<string[]> {
  const ids: string[] = [];
  for (let before = ''; ;) {
    const page = await json<{ jobs: { id: string }[]; next?: string }>(
      fetch(`${url}/v1/jobs?limit=100${before}`, { headers: bearer(token) }),
    );
    ids.push(...page.jobs.map(({ id }) => id));
    if (page.next === undefined) return ids;
    before = `&before=${page.next}`;
  }
}
