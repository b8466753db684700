import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Upscaler } from '#src/image/upscale.js';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { onWasm } from '../../support/device.js';
import {
  allEvents,
  bearer,
  endOf,
  eventsOf,
  form,
  json,
  smallPicture,
  type JobServer,
  type startServer,
} from './job-server.js';

export const alice = bearer('a'.repeat(32));
export const bob = bearer('b'.repeat(32));
export const tokens = ['a'.repeat(32), 'b'.repeat(32)];
export interface Page {
  readonly jobs: readonly { readonly id: string; readonly imageCount: number }[];
  readonly next?: string;
}

export const image = { 'content-type': 'image/png' };

export function post(
  url: string,
  body: FormData | Uint8Array,
  headers: Record<string, string> = {},
): Promise<Response> {
  const sent = body instanceof FormData ? body : new Uint8Array(body);
  return fetch(url, { method: 'POST', body: sent, headers: { ...alice, ...headers } });
}

export async function codeIn(response: Promise<Response>, status: number): Promise<string> {
  return (await json<{ code: string }>(response, status)).code;
}

/**
 * Runs a test against a server that is new.
 * @param idle whether the test is about what waits, so that nothing need be computed
 */
export type WithServer = (
  test: (server: JobServer) => Promise<void>,
  options?: Parameters<typeof startServer>[1],
  idle?: boolean,
) => Promise<void>;

/** What clients may rely on, wherever jobs are kept and whoever computes them. */
export function describeJobsApi(withServer: WithServer): void {
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

  describe('a job of several files of each image', () => {
    it('decodes and enlarges once, and lists all results', async () => {
      await withServer(async ({ url }) => {
        const query = 'upscale=2;3&format=webp;png&quality=70&model=natural';
        const network = vi.spyOn(ThreadSafeNetwork.prototype, 'upscaleImage');
        const { id } = await json(post(`${url}/v1/jobs?${query}`, form([['a.png', pictures[0]!]])), 202);
        const ended = await endOf(`${url}/v1/jobs/${id}`, alice);
        const { result, results = [] } = ended.images[0]!;
        const own = `/v1/jobs/${id}/images/0`;
        expect(results).toMatchObject([
          { type: 'image/webp', width: 48, url: `${own}/results/0` },
          { type: 'image/png', width: 48, url: `${own}/results/1` },
          { type: 'image/webp', width: 72, url: `${own}/results/2` },
          { type: 'image/png', width: 72, url: `${own}/results/3` },
        ]);
        expect(result).toEqual(results[0]);
        // Two sizes through the network, however many files.
        expect(network).toHaveBeenCalledTimes(2);
        network.mockRestore();
        const outputs = [{ format: 'webp', quality: 70 } as const, { format: 'png' } as const];
        const expected = await Promise.all(
          [2, 3].map((upscale) => upscaler.upscale(pictures[0]!, { upscale, model: 'natural', outputs })),
        );
        for (const [output, { data }] of expected.flat().entries()) {
          const response = await fetch(`${url}${results[output]!.url}`, { headers: alice });
          expect(response.headers.get('content-type')).toBe(results[output]!.type);
          expect(Buffer.from(await response.arrayBuffer()).equals(data)).toBe(true);
        }
        expect(await codeIn(fetch(`${url}${own}/result`, { headers: alice }), 409)).toBe('CONFLICT');
        expect(await codeIn(fetch(`${url}/v1/jobs/${id}/result`, { headers: alice }), 409)).toBe('CONFLICT');
        expect(await codeIn(fetch(`${url}${own}/results/4`, { headers: alice }), 404)).toBe('NOT_FOUND');
      });
    });

    it('is no request for an answer at once', async () => {
      await withServer(async ({ url }) => {
        const answer = await json<{ detail: string }>(
          post(`${url}/v1/upscale?format=webp;png`, pictures[0]!, image),
          422,
        );
        expect(answer.detail).toMatch(/POST \/v1\/jobs/);
      });
    });
  });

  describe('a job of one image', () => {
    it('is accepted, followed and fetched', async () => {
      await withServer(async ({ url }) => {
        const accepted = await post(`${url}/v1/jobs?upscale=2`, pictures[0]!, image);
        const job = await json(Promise.resolve(accepted), 202);
        expect(accepted.headers.get('location')).toBe(`/v1/jobs/${job.id}`);
        expect(job.id).toMatch(/^[\w-]{22}$/);
        expect(job).toMatchObject({ progress: { donePixels: 0, totalPixels: 24 * 16 }, images: [{ pixels: 24 * 16 }] });
        const own = `${url}/v1/jobs/${job.id}`;
        const ended = await endOf(own, alice);
        expect(ended).toMatchObject({ state: 'done', progress: { donePixels: 384, totalPixels: 384 } });
        expect(ended.images[0]?.result).toMatchObject({
          width: 48,
          height: 32,
          format: 'png',
          device: onWasm ? 'wasm' : 'cpu',
        });

        const { data } = await upscaler.upscale(pictures[0]!, { upscale: 2 });
        const result = await fetch(`${own}/result`, { headers: alice });
        expect(result.status).toBe(200);
        expect(result.headers.get('content-type')).toBe('image/png');
        expect(result.headers.get('content-length')).toBe(String(data.length));
        expect(Buffer.from(await result.arrayBuffer()).equals(data)).toBe(true);
        const tag = result.headers.get('etag')!;
        expect(tag).toMatch(/^"[\w-]{43}"$/);
        const again = await fetch(`${own}/result`, { headers: { ...alice, 'if-none-match': tag } });
        expect(again.status).toBe(304);
        expect((await fetch(`${url}${ended.images[0]!.result!.url}`, { headers: alice })).status).toBe(200);

        expect((await fetch(own, { method: 'DELETE', headers: alice })).status).toBe(204);
        expect(await codeIn(fetch(own, { headers: alice }), 404)).toBe('NOT_FOUND');
      });
    });
  });

  describe('a job of several images', () => {
    it('gives each a result, or its own reason for having none', async () => {
      await withServer(async ({ url }) => {
        const files = form([
          ['first.png', pictures[0]!],
          ['notes.txt', new TextEncoder().encode('no image')],
          ['cut.png', pictures[1]!.subarray(0, pictures[1]!.length - 40)],
          ['../../last.png', pictures[2]!],
        ]);
        const { id } = await json(post(`${url}/v1/jobs?upscale=3&format=webp`, files), 202);
        const own = `${url}/v1/jobs/${id}`;
        const ended = await endOf(own, alice);
        expect(ended.state).toBe('done');
        expect(ended.images.map(({ state }) => state)).toEqual(['done', 'failed', 'failed', 'done']);
        expect(ended.images.map(({ problem }) => problem?.code)).toEqual([
          undefined,
          'UNSUPPORTED_FORMAT',
          'INPUT_CORRUPT',
          undefined,
        ]);
        expect(ended.images[0]!.name).toBe('first.png');
        for (const place of [0, 3]) {
          const source = place === 0 ? pictures[0]! : pictures[2]!;
          const { data } = await upscaler.upscale(source, { upscale: 3, format: 'webp' });
          const result = await fetch(`${own}/images/${place}/result`, { headers: alice });
          expect(Buffer.from(await result.arrayBuffer()).equals(data)).toBe(true);
        }
        expect(await codeIn(fetch(`${own}/images/1/result`, { headers: alice }), 409)).toBe('UNSUPPORTED_FORMAT');
        expect(await codeIn(fetch(`${own}/result`, { headers: alice }), 409)).toBe('CONFLICT');
        for (const place of ['4', '-1', '0x0', '..%2f0']) {
          expect(await codeIn(fetch(`${own}/images/${place}/result`, { headers: alice }), 404)).toBe('NOT_FOUND');
        }
      });
    });

    it('takes directives as fields of the form too, but each once', async () => {
      await withServer(async ({ url }) => {
        const files = form([['a.png', pictures[0]!]]);
        files.append('width', '60');
        const { id } = await json(post(`${url}/v1/jobs`, files), 202);
        expect((await endOf(`${url}/v1/jobs/${id}`, alice)).images[0]?.result?.width).toBe(60);
        expect(await codeIn(post(`${url}/v1/jobs?width=50`, files), 422)).toBe('BAD_ARGUMENT');
      });
    });
  });

  describe('an Idempotency-Key', () => {
    it('makes one job, however often the request comes', async () => {
      await withServer(async ({ url }) => {
        const key = { ...image, 'idempotency-key': 'order-66' };
        const answers = await Promise.all(
          Array.from({ length: 5 }, () => post(`${url}/v1/jobs?upscale=2`, pictures[0]!, key)),
        );
        expect(new Set(answers.map(({ headers }) => headers.get('location'))).size).toBe(1);
        expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 202]);
        const { jobs } = await json<{ jobs: { id: string }[] }>(fetch(`${url}/v1/jobs`, { headers: alice }));
        expect(jobs).toHaveLength(1);

        expect(await codeIn(post(`${url}/v1/jobs?upscale=3`, pictures[0]!, key), 422)).toBe('IDEMPOTENCY_KEY_REUSED');
        expect(await codeIn(post(`${url}/v1/jobs?upscale=2`, pictures[1]!, key), 422)).toBe('IDEMPOTENCY_KEY_REUSED');
        const others = await json(post(`${url}/v1/jobs?upscale=3`, pictures[0]!, { ...key, ...bob }), 202);
        expect(others.id).not.toBe(jobs[0]!.id);
        expect(
          await codeIn(post(`${url}/v1/jobs`, pictures[0]!, { ...image, 'idempotency-key': ' ' }), 202).catch(
            () => 'BAD_ARGUMENT',
          ),
        ).toBe('BAD_ARGUMENT');
      });
    });
  });

  describe('a job belongs to its client', () => {
    it('and there is none for others', async () => {
      await withServer(async ({ url }) => {
        const { id } = await json(post(`${url}/v1/jobs`, pictures[0]!, image), 202);
        const own = `${url}/v1/jobs/${id}`;
        await endOf(own, alice);
        for (const path of ['', '/result', '/images/0/result', '/events']) {
          expect(await codeIn(fetch(own + path, { headers: bob }), 404)).toBe('NOT_FOUND');
          expect(await codeIn(fetch(own + path), 401)).toBe('UNAUTHORIZED');
        }
        expect(await codeIn(fetch(own, { method: 'DELETE', headers: bob }), 404)).toBe('NOT_FOUND');
        expect((await json<{ jobs: unknown[] }>(fetch(`${url}/v1/jobs`, { headers: bob }))).jobs).toEqual([]);
        expect((await endOf(own, alice)).state).toBe('done');
      });
    });

    it('who can list them page by page, newest first', async () => {
      await withServer(async ({ url }) => {
        const ids: string[] = [];
        for (let i = 0; i < 5; i++) ids.unshift((await json(post(`${url}/v1/jobs`, pictures[0]!, image), 202)).id);
        const page = (query: string): Promise<Page> => json<Page>(fetch(`${url}/v1/jobs${query}`, { headers: alice }));
        const first = await page('?limit=2');
        const second = await page(`?limit=2&before=${first.next}`);
        const third = await page(`?limit=2&before=${second.next}`);
        expect([first, second, third].flatMap(({ jobs }) => jobs.map(({ id }) => id))).toEqual(ids);
        expect(third.next).toBeUndefined();
        expect(first.jobs[0]!.imageCount).toBe(1);
        for (const [query, detail] of [
          ['limit=0', 'limit must be from 1 to 100, by default 20, not "0"'],
          ['limit=1&limit=2', 'limit must be from 1 to 100, by default 20, not a list'],
          ['before=x', 'before must be `next` of the page before, not "x"'],
          ['limt=5', 'there is no parameter "limt". Did you mean "limit"?'],
        ] as const) {
          const refused = json(fetch(`${url}/v1/jobs?${query}`, { headers: alice }), 422);
          expect(await refused).toMatchObject({ code: 'BAD_ARGUMENT', detail });
        }
        expect(await codeIn(fetch(`${url}/v1/jobs?before=${'x'.repeat(22)}`, { headers: alice }), 422)).toBe(
          'BAD_ARGUMENT',
        );
      });
    });
  });

  describe('the events of a job', () => {
    it('tell its way to the end, which comes once', async () => {
      await withServer(async ({ url }) => {
        const files = form([1, 2, 3].map((n) => [`${n}.png`, pictures[n - 1]!] as const));
        const { id } = await json(post(`${url}/v1/jobs`, files), 202);
        const own = `${url}/v1/jobs/${id}/events`;
        const response = await fetch(own, { headers: alice });
        expect(response.headers.get('content-type')).toContain('text/event-stream');
        const events = await allEvents(response);
        expect(events.filter(({ event }) => event === 'done')).toHaveLength(1);
        const last = events.at(-1)!;
        expect(last.event).toBe('done');
        expect(JSON.parse(last.data)).toMatchObject({ id, state: 'done', progress: { donePixels: 3 * 384 } });
        const ids = events.flatMap((event) => (event.id === undefined ? [] : [Number(event.id)]));
        expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));

        const missed = await fetch(own, { headers: { ...alice, 'last-event-id': '1' } });
        expect((await allEvents(missed)).map(({ event }) => event)).toEqual(['done']);
        const seen = await fetch(own, { headers: { ...alice, 'last-event-id': last.id! } });
        expect(seen.status).toBe(204);
        const strange = await fetch(own, { headers: { ...alice, 'last-event-id': 'NaN, Infinity' } });
        expect((await allEvents(strange)).map(({ event }) => event)).toEqual(['done']);
      });
    });

    it('report progress while an image is computed, and the end when the client cancels', async () => {
      await withServer(async ({ url }) => {
        const { id } = await json(post(`${url}/v1/jobs?model=natural&upscale=4`, large, image), 202);
        const own = `${url}/v1/jobs/${id}`;
        expect(await codeIn(fetch(`${own}/result`, { headers: alice }), 409)).toBe('CONFLICT');
        const names: string[] = [];
        let progress = 0;
        for await (const { event, data } of eventsOf(await fetch(`${own}/events`, { headers: alice }))) {
          names.push(event ?? '');
          if (event !== 'progress') continue;
          const { donePixels, totalPixels } = JSON.parse(data) as { donePixels: number; totalPixels: number };
          expect(donePixels).toBeGreaterThanOrEqual(progress);
          expect(totalPixels).toBe(900 * 900);
          progress = donePixels;
          if (progress > 0 && !names.includes('cancelling')) {
            names.push('cancelling');
            expect((await json(fetch(own, { method: 'DELETE', headers: alice }))).state).toBe('cancelled');
          }
        }
        expect(progress).toBeGreaterThan(0);
        expect(names.at(-1)).toBe('done');
        expect((await json(fetch(own, { headers: alice }))).state).toBe('cancelled');
        expect(await codeIn(fetch(`${own}/result`, { headers: alice }), 410)).toBe('GONE');
        expect((await fetch(own, { method: 'DELETE', headers: alice })).status).toBe(204);
      });
    });

    it('cost nothing once the client has left', async () => {
      await withServer(
        async ({ url }) => {
          const { id } = await json(post(`${url}/v1/jobs?upscale=4`, large, image), 202);
          // More than a client may have open at once.
          for (let i = 0; i < 250; i++) {
            const controller = new AbortController();
            const response = await fetch(`${url}/v1/jobs/${id}/events`, { headers: alice, signal: controller.signal });
            expect(response.status).toBe(200);
            controller.abort();
            if (i % 50 === 49) await delay(50);
          }
          await fetch(`${url}/v1/jobs/${id}`, { method: 'DELETE', headers: alice });
        },
        {},
        true,
      );
    });
  });

  describe('limits', () => {
    it('hold for streams of events', async () => {
      await withServer(
        async ({ url }) => {
          // Enough to compute for as long as it takes to open all streams.
          const files = form(Array.from({ length: 20 }, (_, n) => [`${n}.png`, large] as const));
          const { id } = await json(post(`${url}/v1/jobs?upscale=4`, files), 202);
          const own = `${url}/v1/jobs/${id}`;
          const controller = new AbortController();
          const follow = (): Promise<Response> => fetch(`${own}/events`, { headers: alice, signal: controller.signal });
          const open = await Promise.all(Array.from({ length: 200 }, follow));
          expect(new Set(open.map(({ status }) => status))).toEqual(new Set([200]));
          const refused = await follow();
          expect(refused.status).toBe(429);
          expect(refused.headers.get('retry-after')).toBe('5');
          await refused.body?.cancel();
          controller.abort();
          await fetch(own, { method: 'DELETE', headers: alice });
        },
        {},
        true,
      );
    });

    it('are reported with their statuses', async () => {
      await withServer(
        async ({ url }) => {
          const three = form([1, 2, 3].map((n) => [`${n}.png`, pictures[n - 1]!] as const));
          expect(await codeIn(post(`${url}/v1/jobs`, three), 413)).toBe('BODY_TOO_LARGE');
          await json(post(`${url}/v1/jobs`, pictures[0]!, image), 202);
          const { id } = await json(post(`${url}/v1/jobs`, pictures[0]!, image), 202);
          const refused = await post(`${url}/v1/jobs`, pictures[0]!, image);
          expect(refused.status).toBe(429);
          expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
          // Others have room of their own, and whoever removes a job has it again.
          await json(post(`${url}/v1/jobs`, pictures[0]!, { ...image, ...bob }), 202);
          await endOf(`${url}/v1/jobs/${id}`, alice);
          await fetch(`${url}/v1/jobs/${id}`, { method: 'DELETE', headers: alice });
          await json(post(`${url}/v1/jobs`, pictures[0]!, image), 202);
        },
        { limits: { jobsPerClient: 2, imagesPerJob: 2 } },
      );
    });

    it('count what a client has on the disk', async () => {
      await withServer(
        async ({ url }) => {
          expect(await codeIn(post(`${url}/v1/jobs`, pictures[0]!, image), 429)).toBe('BUSY');
        },
        { limits: { storedBytesPerClient: 100 } },
      );
    });
  });
}
