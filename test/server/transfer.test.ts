import { readdir, readFile, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { rangeOf } from '#src/server/http/byte-range.js';
import { TransferAllowance } from '#src/server/http/transfer.js';
import { FileJobStore } from '#src/server/jobs/file-job-store.js';
import { begin, finish } from '#src/server/jobs/job-changes.js';
import { anonymous } from '#src/server/service/client.js';
import type { UpresServer } from '#src/server/index.js';
import { temporaryFolder } from '../support/folders.js';
import { bytesOf, resultOf, submit } from './support/jobs.js';
import { ask, imageFile, metric, rawExchange, startServer } from './support/server.js';

const mebibyte = 2 ** 20;
/** More than the buffers of both ends of a connection hold. */
const size = 24 * mebibyte;
const limits = { transferSeconds: 1, transferBytesPerSecond: 16 * 1024 };

let server: UpresServer & { readonly url: string };
let folder: string;
let id: string;
let path: string;
let tag: string;
const bytes = new Uint8Array(size).map((_, i) => (i * 31 + (i >> 12)) % 251);

beforeAll(async () => {
  folder = temporaryFolder();
  const store = await FileJobStore.open(folder);
  ({ id } = await submit(store, [bytesOf('x')], { client: anonymous.id }));
  await store.update(id, (job) => begin(job, 0));
  await store.writeResult(id, 0, 0, bytes);
  await store.update(id, (job) => finish(job, 0, { results: [resultOf(bytes)] }, new Date()));
  await store.close();
  path = `/v1/jobs/${id}/result`;
  tag = `"${resultOf(bytes).sha256}"`;
  server = await startServer({ folder, limits });
});

describe('a slow line', () => {
  test('may take a result in many times the seconds of silence', async () => {
    const started = performance.now();
    const taken = await new Promise<number>((resolve, reject) => {
      get(`${server.url}${path}`, { agent: false }, (response) => {
        let sum = 0;
        response.on('error', reject);
        response.on('end', () => {
          resolve(sum);
        });
        // A pause after each half mebibyte, within what the buffers hold.
        let due = mebibyte / 2;
        response.on('data', (chunk: Buffer) => {
          sum += chunk.length;
          if (sum < due) return;
          due += mebibyte / 2;
          response.pause();
          setTimeout(() => response.resume(), 60);
        });
      }).on('error', reject);
    });
    expect(taken).toBe(size);
    // Else the line was none.
    expect(performance.now() - started).toBeGreaterThan(2 * limits.transferSeconds * 1000);
  });

  test('may send an image in many times the seconds of silence', async () => {
    const image = await imageFile(200, 200);
    const answer = await rawExchange(
      server,
      (socket) => {
        const head = ['POST /v1/upscale?model=nearest HTTP/1.1', 'Host: localhost', 'Content-Type: image/png'];
        socket.write([...head, `Content-Length: ${image.length}`, 'Connection: close', '', ''].join('\r\n'));
        void (async () => {
          for (let at = 0; at < image.length && !socket.destroyed; at += 8192) {
            socket.write(image.subarray(at, at + 8192));
            await delay(200);
          }
        })();
      },
      (text) => text.includes('\r\n\r\n'),
    );
    expect(image.length / 8192 / 5).toBeGreaterThan(2 * limits.transferSeconds);
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('is patient in the measure of what moves', () => {
    const outcome = (bytesPerSecond: readonly number[], credit = 0): number => {
      const allowance = new TransferAllowance({ transferSeconds: 10, transferBytesPerSecond: 1000 }, credit);
      return bytesPerSecond.findIndex((moved) => !allowance.note(moved, 1));
    };
    const seconds = (count: number, rate: number): number[] => Array.from({ length: count }, () => rate);
    expect(outcome(seconds(10_000, 1000))).toBe(-1);
    expect(outcome(seconds(10_000, 35_000))).toBe(-1);
    // Silence: cut in the tenth second, however much came before.
    expect(outcome(seconds(20, 0))).toBe(9);
    expect(outcome([...seconds(5, 1e9), ...seconds(20, 0)])).toBe(5 + 9 - 1);
    // Half the least rate: about twice as long as silence.
    expect(outcome(seconds(40, 500))).toBe(18);
    expect(outcome([...seconds(1, 5000), ...seconds(20, 0)], 5000)).toBe(1 + 13);
  });
});

describe('a part of a result', () => {
  const last = size - 1;
  test.each([
    ['from a place on', `bytes=${size - 5}-`, undefined, [size - 5, last]],
    ['from here to there', 'bytes=1-3', undefined, [1, 3]],
    ['one byte', 'bytes=0-0', undefined, [0, 0]],
    ['the last ones', 'bytes=-4', undefined, [size - 4, last]],
    ['more than there is', `bytes=${size - 2}-${size * 9}`, undefined, [size - 2, last]],
    ['in capitals', 'Bytes=2-3', undefined, [2, 3]],
    ['of what the client has', 'bytes=1-3', 'same', [1, 3]],
  ] as const)('%s', async (_, range, condition, [start, end]) => {
    const headers = { range, ...(condition && { 'if-range': tag }) };
    const answer = await ask(server, path, { headers });
    expect(answer.status).toBe(206);
    expect(answer.headers).toMatchObject({
      'content-range': `bytes ${start}-${end}/${size}`,
      'content-length': String(end - start + 1),
      'accept-ranges': 'bytes',
      etag: tag,
    });
    expect(answer.bytes.equals(bytes.subarray(start, end + 1))).toBe(true);
  });

  test.each([
    ['no range', undefined, undefined],
    ['several', 'bytes=0-1,4-5', undefined],
    ['another unit', 'pages=1-2', undefined],
    ['no number', 'bytes=a-b', undefined],
    ['nothing', 'bytes=-', undefined],
    ['the wrong way round', 'bytes=5-2', undefined],
    ['of what has changed', 'bytes=0-1', '"other"'],
    ['by a weak tag', 'bytes=0-1', 'W/"same"'],
    ['by a date', 'bytes=0-1', 'Sun, 29 Nov 2026 06:00:00 GMT'],
  ])('everything: %s', (_, range, condition) => {
    expect(rangeOf(range, condition, '"same"', 10)).toBeUndefined();
  });

  test.each(['bytes=10-', 'bytes=10-20', 'bytes=-0'])('nothing: %s', (range) => {
    expect(rangeOf(range, undefined, '"same"', 10)).toBe('unsatisfiable');
  });

  test.each([
    ['"other"', 412],
    ['W/same', 412],
    ['"other", same', 206],
    ['*', 206],
  ])('is given where the result is one of those that are wanted: %s', async (known, status) => {
    const headers = { range: 'bytes=1-3', 'if-match': known.replace('same', tag) };
    const answer = await ask(server, path, { headers });
    expect(answer.status).toBe(status);
    if (status === 412) expect(answer.problem).toMatchObject({ code: 'CONFLICT' });
  });

  test('behind the end is 416, and HEAD and a client that has everything know no parts', async () => {
    const behind = await ask(server, path, { headers: { range: `bytes=${size}-` } });
    expect(behind.problem).toMatchObject({ status: 416, code: 'RANGE_NOT_SATISFIABLE' });
    expect(behind.headers['content-range']).toBe(`bytes */${size}`);
    const head = await ask(server, path, { method: 'HEAD', headers: { range: 'bytes=1-3' } });
    expect(head.status).toBe(200);
    expect(head.headers['content-length']).toBe(String(size));
    for (const known of [tag, '*', `W/${tag}`]) {
      const had = await ask(server, path, { headers: { range: 'bytes=1-3', 'if-none-match': known } });
      expect(had.status).toBe(304);
    }
  });
});

// The last: what it does can't be undone.
test('a result whose bytes the disk has changed is not served, in whole or in part, and its job says so', async () => {
  const names = await readdir(folder, { recursive: true });
  const file = join(
    folder,
    names.find((name) => name.includes(id) && name.includes('result'))!,
  );
  const stored = await readFile(file);
  stored[size / 2]! ^= 1;
  await writeFile(file, stored);
  for (const headers of [{ range: 'bytes=0-9' }, {}]) {
    const answer = await ask(server, path, { headers });
    expect(answer.problem).toMatchObject({ status: 409, code: 'INTERNAL' });
    expect(answer.headers.etag).not.toBe(tag);
  }
  const job = JSON.parse((await ask(server, `/v1/jobs/${id}`)).bytes.toString()) as { images: unknown[] };
  expect(job.images).toMatchObject([{ state: 'failed', problem: { code: 'INTERNAL' } }]);
  expect(await metric(server, 'upres_held_bytes')).toBe(0);
});
