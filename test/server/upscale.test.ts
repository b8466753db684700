import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { machineClass } from '#src/network/machine-class.js';
import { AssetCache } from '#src/asset/cache/asset-cache.js';
import { cacheKey } from '#src/asset/cache/cache-key.js';
import { Upscaler } from '#src/image/upscale.js';
import type { UpresServer } from '#src/server/index.js';
import { codeOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';
import { plainNetwork } from '../support/networks.js';
import { ordersInFlight, until } from '../support/pool.js';
import { ask, form, imageFile, metric, startServer, upscale } from './support/server.js';

let server: UpresServer & { readonly url: string };
let png: Buffer;

beforeAll(async () => {
  server = await startServer();
  png = await imageFile(24, 16);
});

describe('POST /v1/upscale', () => {
  test('gives the very bytes that the core gives, and says what they are', async () => {
    await using upscaler = new Upscaler({ threads: 1 });
    const { data, model } = await upscaler.upscale(png, { upscale: 3, format: 'png' });
    const answer = await upscale(server, png, '?upscale=3');
    expect(answer.status).toBe(200);
    expect(answer.bytes.equals(data)).toBe(true);
    expect(answer.headers).toMatchObject({
      'content-type': 'image/png',
      'content-disposition': 'inline; filename="upscaled.png"',
      'upres-width': '72',
      'upres-height': '48',
      'upres-model': model,
      'upres-device': 'cpu',
      'upres-machine': encodeURIComponent(await machineClass()),
      vary: 'Accept',
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(answer.headers.etag).toMatch(/^"[\da-f]{64}"$/);
  });

  test.each([
    ['', { width: 48, height: 32, format: 'png' }],
    ['?upscale', { width: 48, height: 32, format: 'png' }],
    ['?width=10', { width: 10, format: 'png' }],
    ['?upscale&minWidth=60&format=webp&quality=40', { width: 60, height: 40, format: 'webp' }],
    ['?format=jpg&model=bicubic', { width: 48, format: 'jpeg' }],
    ['?upscale=1', { width: 24, height: 16, format: 'png' }],
  ])('directives %s', async (query, expected) => {
    const { status, bytes } = await upscale(server, png, query);
    expect(status).toBe(200);
    expect(await sharp(bytes).metadata()).toMatchObject(expected);
  });

  test('a form with the image and its directives is as good as a raw body with a query', async () => {
    const raw = await upscale(server, png, '?upscale=2&format=webp');
    const { headers, body } = await form({ anything: png, format: 'webp' });
    const sent = await upscale(server, body, '?upscale=2', { headers });
    expect(sent.status).toBe(200);
    expect(sent.headers.etag).toBe(raw.headers.etag);
    expect(sent.bytes.equals(raw.bytes)).toBe(true);
  });

  test('the Content-Type says how the body is sent; what it is, its bytes say', async () => {
    const answer = await upscale(server, png, '', { headers: { 'content-type': 'image/jpeg' } });
    expect(answer.headers['content-type']).toBe('image/png');
  });

  test.each([
    ['the source’s own where it is accepted', 'image/avif, image/webp, */*;q=0.1', 'image/png'],
    ['the best of what is accepted', 'image/webp, image/jpeg;q=0.5', 'image/webp'],
    ['in the order of the client', 'image/webp;q=0.3, image/jpeg;q=0.9, image/avif;q=0.1', 'image/jpeg'],
    ['whatever of all images', 'text/html, image/*', 'image/png'],
    ['all but the source’s own', 'image/png;q=0, image/gif', 'image/gif'],
  ])('Accept: %s', async (_, accept, type) => {
    const { headers, status } = await upscale(server, png, '?model=bicubic', { headers: { accept } });
    expect(status).toBe(200);
    expect(headers['content-type']).toBe(type);
  });

  test('nothing that is accepted can be made: 406', async () => {
    const { status, problem } = await upscale(server, png, '', { headers: { accept: 'image/svg+xml, text/html' } });
    expect(status).toBe(406);
    expect(problem.code).toBe('NOT_ACCEPTABLE');
  });

  test('a format that is asked for is made, whatever else is accepted', async () => {
    const headers = { accept: 'image/svg+xml' };
    expect((await upscale(server, png, '?format=gif&model=bicubic', { headers })).headers['content-type']).toBe(
      'image/gif',
    );
  });

  test('whoever has the result already gets 412, and nothing is computed or decoded', async () => {
    const first = await upscale(server, png, '?upscale=2');
    const tag = first.headers.etag!;
    const counted = [
      'upres_inference_seconds_count',
      'upres_codec_seconds_count',
      'upres_cache_results_total{result="hit"}',
    ];
    const before = await Promise.all(counted.map((name) => metric(server, name)));
    for (const known of [tag, `W/${tag}`, `"other", ${tag}`]) {
      const again = await upscale(server, png, '?upscale=2', { headers: { 'if-none-match': known } });
      // 304 is for GET and HEAD (RFC 9110, 13.1.2).
      expect(again.status).toBe(412);
      expect(again.problem.code).toBe('NOT_MODIFIED');
      expect(again.headers.etag).toBe(tag);
    }
    expect(await Promise.all(counted.map((name) => metric(server, name)))).toEqual(before);
    // Pixels that no decoder could read are not looked at.
    const damaged = Buffer.concat([png.subarray(0, 40), Buffer.alloc(60, 7)]);
    const key = await cacheKey(damaged, { upscale: 2, model: 'auto', format: 'png' });
    expect((await upscale(server, damaged, '?upscale=2', { headers: { 'if-none-match': `"${key}"` } })).status).toBe(
      412,
    );
    expect((await upscale(server, damaged, '?upscale=2')).problem.code).toBe('INPUT_CORRUPT');
  });

  test('other directives, another source or another format have another tag', async () => {
    const other = await imageFile(24, 16, 'png', 2);
    const tags = await Promise.all([
      upscale(server, png, '?upscale=2'),
      upscale(server, png, '?upscale=2&model=bicubic'),
      upscale(server, png, '?upscale=2&format=webp'),
      upscale(server, png, '?upscale=2&format=webp&quality=50'),
      upscale(server, other, '?upscale=2'),
    ]);
    expect(new Set(tags.map(({ headers }) => headers.etag)).size).toBe(5);
    for (const known of ['*', '*, "nothing"', '"nothing"', 'nothing']) {
      expect((await upscale(server, png, '?upscale=2', { headers: { 'if-none-match': known } })).status).toBe(200);
    }
  });

  test('results are those of builds: what one has computed, the other finds', async () => {
    const cache = temporaryFolder();
    const [first, second] = [await startServer({ cache }), await startServer({ cache })];
    const image = await imageFile(20, 20, 'webp', 9);
    const computed = await upscale(first, image, '?upscale=2');
    const found = await upscale(second, image, '?upscale=2');
    expect(found.bytes.equals(computed.bytes)).toBe(true);
    expect(found.headers['server-timing']).toContain('hit');
    expect(await metric(second, 'upres_inference_seconds_count')).toBe(0);
    expect((await new AssetCache(cache).stats()).entries).toBe(1);
  });

  test('equal requests at once are computed once', async () => {
    const own = await startServer();
    const image = await imageFile(40, 40, 'png', 31);
    const answers = await Promise.all(Array.from({ length: 8 }, () => upscale(own, image, '?upscale=4')));
    expect(new Set(answers.map(({ bytes }) => bytes.toString('base64'))).size).toBe(1);
    expect(await metric(own, 'upres_inference_seconds_count')).toBe(1);
  });

  test('a client that hangs up stops its work', async () => {
    const cache = temporaryFolder();
    const own = await startServer({ cache });
    const image = await imageFile(600, 600, 'jpeg', 4);
    const client = new AbortController();
    const sent = upscale(own, image, '?upscale=4&model=real', { signal: client.signal });
    await until(() => ordersInFlight() > 0);
    client.abort();
    await expect(sent).rejects.toThrow();
    await until(() => ordersInFlight() === 0);
    // Nothing computes any more, and yet there is no result.
    expect((await new AssetCache(cache).stats()).entries).toBe(0);
    expect(await metric(own, 'upres_queue_requests')).toBe(0);
    expect(await metric(own, 'upres_held_bytes')).toBe(0);
    expect(await metric(own, 'upres_requests_total{route="/v1/upscale",method="POST",status="aborted"}')).toBe(1);
    expect((await upscale(own, png)).status).toBe(200);
  });

  test('what takes longer than a request may is given up: 504', async () => {
    const own = await startServer({ limits: { requestSeconds: 0.2 } });
    const { status, problem } = await upscale(own, await imageFile(600, 600, 'jpeg', 5), '?upscale=4&model=real');
    expect(status).toBe(504);
    expect(problem.code).toBe('TIMED_OUT');
    await until(() => ordersInFlight() === 0);
  });
});

describe('what is refused', () => {
  test.each([
    ['?upscal=2', 422, 'BAD_ARGUMENT', /Did you mean "upscale"/],
    ['?upscale=9', 422, 'BAD_ARGUMENT', /1 to 8/],
    ['?upscale=1;2', 422, 'BAD_ARGUMENT', /one value/],
    ['?upscale=2&format=webp;avif', 422, 'BAD_ARGUMENT', /one value/],
    ['?upscale=2&as=srcset', 422, 'BAD_ARGUMENT', /no directive "as"/],
    ['?width=10&width=20', 422, 'BAD_ARGUMENT', /twice/],
    ['?model=/etc/passwd', 422, 'BAD_ARGUMENT', /no model/],
    ['?model=../models/x.onnx', 422, 'BAD_ARGUMENT', /no model/],
    ['?device=abacus', 422, 'BAD_ARGUMENT', /device must be/],
    ['?url=http://169.254.169.254/', 422, 'BAD_ARGUMENT', /no directive "url"/],
    ['?width=999999', 422, 'OUTPUT_TOO_LARGE', /at most|side/],
    ['?width=20000&format=png', 422, 'OUTPUT_TOO_LARGE', /at most 100 megapixels/],
    ['?width=17000&format=webp', 422, 'OUTPUT_TOO_LARGE', /16383/],
  ])('%s', async (query, status, code, detail) => {
    const answer = await upscale(server, png, query);
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    // Of a result that the client did not get.
    expect(answer.headers.etag).toBeUndefined();
    expect(answer.problem).toMatchObject({ type: 'about:blank', status, code });
    expect(answer.problem.detail).toMatch(detail);
  });

  test.each([
    ['nothing', Buffer.alloc(0), 422, 'INPUT_EMPTY'],
    ['no image', Buffer.from('hello'), 415, 'UNSUPPORTED_FORMAT'],
    ['an SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), 415, 'UNSUPPORTED_FORMAT'],
    ['a PDF', Buffer.from('%PDF-1.7'), 415, 'UNSUPPORTED_FORMAT'],
    ['a URL', Buffer.from('https://example.com/x.png'), 415, 'UNSUPPORTED_FORMAT'],
    ['a PNG’s signature alone', Buffer.from('89504e470d0a1a0a', 'hex'), 422, 'INPUT_CORRUPT'],
  ])('%s as the body', async (_, body, status, code) => {
    const answer = await upscale(server, body);
    expect(answer.status).toBe(status);
    expect(answer.problem.code).toBe(code);
  });

  test('a damaged image', async () => {
    const whole = await imageFile(64, 64, 'jpeg');
    const { status, problem } = await upscale(server, whole.subarray(0, whole.length / 2));
    expect(status).toBe(422);
    expect(problem.code).toBe('INPUT_CORRUPT');
  });

  test.each(['text/plain', 'application/json', 'application/x-www-form-urlencoded', 'image', 'nonsense/;;;'])(
    'a Content-Type of %s: 415',
    async (type) => {
      const { status, problem } = await upscale(server, png, '', { headers: { 'content-type': type } });
      expect(status).toBe(415);
      expect(problem.code).toBe('UNSUPPORTED_MEDIA_TYPE');
    },
  );

  test('more pixels than are allowed, before they are decoded: 413', async () => {
    const own = await startServer({ limits: { inputPixels: 1000 } });
    const { status, problem } = await upscale(own, await imageFile(40, 26));
    expect(status).toBe(413);
    expect(problem).toMatchObject({ code: 'INPUT_TOO_LARGE' });
    expect(problem.detail).not.toContain('maxInputPixels');
    expect(await metric(own, 'upres_codec_seconds_count')).toBe(0);
  });

  test('more frames than are allowed, before they are decoded: 413', async () => {
    const own = await startServer({ limits: { frames: 2 } });
    const frame = Buffer.from([0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0]);
    const head = Buffer.from([...Buffer.from('GIF89a'), 1, 0, 1, 0, 0x80, 0, 0, 0, 0, 0, 255, 255, 255]);
    const { status, problem } = await upscale(own, Buffer.concat([head, frame, frame, frame, Buffer.from([0x3b])]));
    expect(status).toBe(413);
    expect(problem).toMatchObject({ code: 'INPUT_TOO_LARGE' });
    expect(problem.detail).not.toContain('maxFrames');
    expect(await metric(own, 'upres_codec_seconds_count')).toBe(0);
  });

  test('a form without a file, with two, or with a directive said twice', async () => {
    const none = await form({ upscale: '2' });
    expect((await upscale(server, none.body, '', none)).problem.detail).toMatch(/no file/);
    const two = await form({ a: png, b: png });
    expect((await upscale(server, two.body, '', two)).status).toBe(413);
    const twice = await form({ a: png, upscale: '2' });
    expect((await upscale(server, twice.body, '?upscale=2', twice)).problem.detail).toMatch(/twice/);
    const unknown = await form({ a: png, path: '/etc/passwd' });
    expect((await upscale(server, unknown.body, '', unknown)).status).toBe(422);
  });

  test('a client may only have a limited number of images in the queue: 429 and when to come back', async () => {
    const own = await startServer({ limits: { requestsPerClient: 1 } });
    const client = new AbortController();
    const slow = upscale(own, await imageFile(600, 600, 'jpeg', 6), '?upscale=4&model=real', { signal: client.signal });
    await until(() => ordersInFlight() > 0);
    const { status, headers, problem } = await upscale(own, png);
    expect(status).toBe(429);
    expect(problem.code).toBe('BUSY');
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    client.abort();
    await expect(slow).rejects.toThrow();
    await until(() => ordersInFlight() === 0);
  });

  test('what is not there, and what is there for another method', async () => {
    expect(await ask(server, '/v2/upscale')).toMatchObject({ status: 404, problem: { code: 'NOT_FOUND' } });
    const { status, headers, problem } = await ask(server, '/v1/upscale');
    expect({ status, code: problem.code, allow: headers.allow }).toEqual({
      status: 405,
      code: 'METHOD_NOT_ALLOWED',
      allow: 'POST',
    });
  });

  test('a fault of the server’s own tells nothing about the machine', async () => {
    const path = join(temporaryFolder(), 'secret-place.onnx');
    await writeFile(path, plainNetwork());
    const own = await startServer({ models: { mine: path } });
    expect((await upscale(own, png, '?model=mine')).headers['upres-model']).toBe('mine');
    await rm(path);
    const { status, problem } = await upscale(own, png, '?model=mine&upscale=3');
    expect(status).toBe(500);
    expect(problem.code).toBe('INTERNAL');
    expect(JSON.stringify(problem)).not.toMatch(/secret-place|onnx/);
  });

  test('a network that can’t be used keeps the server from starting', async () => {
    expect(await codeOf(startServer({ models: { mine: '/nowhere/mine.onnx' } }))).toBe('MODEL_NOT_FOUND');
  });
});

describe('GET /v1/models', () => {
  test('lists what can be asked for, without paths', async () => {
    const path = join(temporaryFolder(), 'hidden.onnx');
    await writeFile(path, plainNetwork());
    const own = await startServer({ models: { mine: path } });
    const { bytes } = await ask(own, '/v1/models');
    const { default: usual, models } = JSON.parse(bytes.toString()) as { default: string; models: { label: string }[] };
    expect(usual).toBe('auto');
    expect(models.map(({ label }) => label)).toEqual(
      expect.arrayContaining(['natural', 'art', 'bicubic', 'auto', 'mine']),
    );
    expect(bytes.toString()).not.toContain('hidden');
  });
});
