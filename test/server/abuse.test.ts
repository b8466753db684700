import { readdirSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { UpresServer } from '#src/server/index.js';
import { temporaryFolder } from '../support/folders.js';
import { ask, form, imageFile, metric, rawExchange, startServer, upscale } from './support/server.js';

const mebibyte = 2 ** 20;
const limits = {
  bodyBytes: 2 * mebibyte,
  inputPixels: 1_000_000,
  transferSeconds: 2,
  transferBytesPerSecond: mebibyte,
  heldBytes: 32 * mebibyte,
};

let server: UpresServer & { readonly url: string };
let png: Buffer;
const folder = temporaryFolder();

beforeAll(async () => {
  server = await startServer({ limits, folder });
  png = await imageFile(8, 8);
});

// Whatever was done to it, the server lives, holds nothing any more and works.
afterEach(async () => {
  await expect.poll(() => metric(server, 'upres_held_bytes'), { timeout: 8000 }).toBe(0);
  expect(await metric(server, 'upres_queue_requests')).toBe(0);
  expect((await upscale(server, png, '?model=nearest')).status).toBe(200);
});

/** Sends the head of a request, then what the function gives until it gives nothing or the server has enough. */
function stream(head: readonly string[], next: () => Buffer | undefined): Promise<string> {
  return rawExchange(
    server,
    (socket) => {
      socket.write(['POST /v1/upscale HTTP/1.1', 'Host: localhost', ...head, '', ''].join('\r\n'));
      const more = (): void => {
        while (!socket.destroyed) {
          const chunk = next();
          if (!chunk) return;
          if (!socket.write(chunk)) {
            socket.once('drain', more);
            return;
          }
        }
      };
      more();
    },
    (text) => text.includes('"code"'),
  );
}

const chunk = (bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);

describe('bodies that are too much', () => {
  test('an announced one is refused before it is sent', async () => {
    const answer = await stream(['Content-Type: image/png', `Content-Length: ${10 * 2 ** 40}`], () => undefined);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain('BODY_TOO_LARGE');
  });

  test('one that is sent all the same', async () => {
    expect((await upscale(server, Buffer.alloc(3 * mebibyte))).problem).toMatchObject({
      status: 413,
      code: 'BODY_TOO_LARGE',
    });
  });

  test('an endless one without a length is refused at the limit, and nothing of the rest is kept', async () => {
    const noise = chunk(Buffer.alloc(64 * 1024, 1));
    const before = process.memoryUsage().rss;
    let most = 0;
    let sent = 0;
    const answer = await stream(['Content-Type: image/png', 'Transfer-Encoding: chunked'], () => {
      sent += noise.length;
      most = Math.max(most, process.memoryUsage().rss);
      return noise;
    });
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(sent).toBeGreaterThan(limits.bodyBytes);
    expect(most - before).toBeLessThan(64 * mebibyte);
  });

  test('an endless form: within the file, before its first part, or of parts without end', async () => {
    const type = 'Content-Type: multipart/form-data; boundary=x';
    const head = [type, 'Transfer-Encoding: chunked'];
    const part = 'Content-Disposition: form-data; name="f"; filename="f.png"\r\nContent-Type: image/png\r\n\r\n';
    const field = 'Content-Disposition: form-data; name="f"\r\n\r\nv';
    const zeros = chunk(Buffer.alloc(64 * 1024, 48));
    for (const [start, more] of [
      [`--x\r\n${part}`, zeros],
      ['', zeros],
      [`--x\r\n${part}1\r\n`, chunk(Buffer.from(`--x\r\n${part}1\r\n`.repeat(100)))],
      [`--x\r\n${field}\r\n`, chunk(Buffer.from(`--x\r\n${field}\r\n`.repeat(1000)))],
      [`--x\r\nX-Header: `, zeros],
    ] as const) {
      const first = [chunk(Buffer.from(start === '' ? ' ' : start))];
      const answer = await stream(head, () => first.pop() ?? more);
      expect(answer).toMatch(/^HTTP\/1\.1 4(?:13|00|22) /);
      expect(answer).toContain('"code"');
    }
  });

  test('many at once hold no more than they may', async () => {
    const body = Buffer.alloc(limits.bodyBytes, 1);
    const answers = await Promise.all(Array.from({ length: 40 }, () => upscale(server, body)));
    const statuses = new Set(answers.map(({ status }) => status));
    expect([...statuses].filter((status) => ![415, 429, 503].includes(status))).toEqual([]);
    for (const { status, headers } of answers) {
      if (status === 429 || status === 503) expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    }
  });
});

describe('bodies that do not come', () => {
  test('a request that never ends is cut off', async () => {
    const answer = await stream(['Content-Type: image/png', 'Content-Length: 1000'], () => undefined);
    expect(answer).toMatch(/^HTTP\/1\.1 4(?:08|00) /);
  });

  test('one that trickles is cut off, however alive it looks', async () => {
    const answer = await rawExchange(server, (socket) => {
      socket.write(
        'POST /v1/upscale HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 9999\r\n\r\n',
      );
      const timer = setInterval(() => socket.write('x'), 50);
      socket.on('close', () => {
        clearInterval(timer);
      });
    });
    expect(answer).toMatch(/^HTTP\/1\.1 4(?:08|00) /);
  });

  test('headers that never end are cut off', async () => {
    const answer = await rawExchange(server, (socket) => {
      socket.write('GET /v1/models HTTP/1.1\r\nHost: localhost\r\n');
      const timer = setInterval(() => socket.write('X-A: b\r\n'), 50);
      socket.on('close', () => {
        clearInterval(timer);
      });
    });
    expect(answer).toMatch(/^HTTP\/1\.1 (?:408|431) /);
    expect(answer).toContain('application/problem+json');
  });

  test('a client that leaves in the middle leaves nothing behind', async () => {
    for (const type of ['image/png', 'multipart/form-data; boundary=x']) {
      await rawExchange(server, (socket) => {
        socket.write(
          `POST /v1/upscale HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}\r\nContent-Length: 1000000\r\n\r\n--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nabc`,
        );
        setTimeout(() => socket.destroy(), 50);
      });
    }
  });
});

describe('what is no HTTP, or no form', () => {
  test.each([
    ['a head of 10 MB', `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(10 * mebibyte)}\r\n\r\n`, 431],
    ['ten thousand headers', `GET / HTTP/1.1\r\nHost: localhost\r\n${'A: b\r\n'.repeat(10_000)}\r\n`, 431],
    ['a path of 1 MB', `GET /${'a'.repeat(mebibyte)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 431],
    ['garbage', '\0\0\0\0\r\n\r\n', 400],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
    [
      'two lengths (smuggling)',
      'POST /v1/upscale HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['a line break in a header', 'GET / HTTP/1.1\r\nHost: localhost\r\nX: a\rSet-Cookie: b\r\n\r\n', 400],
    [
      'a bad chunk',
      'POST /v1/upscale HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      400,
    ],
  ])('%s', async (_, text, status) => {
    const answer = await rawExchange(server, (socket) => socket.write(Buffer.from(text, 'latin1')));
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  const disposition = 'Content-Disposition: form-data; name="f"; filename="f.png"';
  test.each([
    ['without a boundary', 'multipart/form-data', 'x'],
    ['with an empty boundary', 'multipart/form-data; boundary=', 'x'],
    ['with a huge boundary', `multipart/form-data; boundary=${'x'.repeat(5000)}`, 'x'],
    ['of nothing', 'multipart/form-data; boundary=x', ''],
    ['of garbage', 'multipart/form-data; boundary=x', 'garbage'],
    ['that is cut short', 'multipart/form-data; boundary=x', `--x\r\n${disposition}\r\n\r\nabc`],
    ['with an empty part', 'multipart/form-data; boundary=x', '--x\r\n\r\n\r\n--x--'],
    ['of boundaries only', 'multipart/form-data; boundary=x', '--x\r\n--x\r\n--x\r\n--x--'],
    [
      'with a field called __proto__',
      'multipart/form-data; boundary=x',
      `--x\r\nContent-Disposition: form-data; name="__proto__"\r\n\r\n1\r\n--x\r\n${disposition}\r\n\r\nabc\r\n--x--`,
    ],
    [
      'with a field of a megabyte',
      'multipart/form-data; boundary=x',
      `--x\r\nContent-Disposition: form-data; name="model"\r\n\r\n${'n'.repeat(mebibyte)}\r\n--x--`,
    ],
    [
      'with JSON where a text belongs',
      'multipart/form-data; boundary=x',
      `--x\r\nContent-Disposition: form-data; name="model"\r\nContent-Type: application/json\r\n\r\n{"a":1}\r\n--x--`,
    ],
    [
      'with broken JSON',
      'multipart/form-data; boundary=x',
      `--x\r\nContent-Disposition: form-data; name="model"\r\nContent-Type: application/json\r\n\r\n{\r\n--x--`,
    ],
  ])('a form %s', async (_, type, body) => {
    const { status, problem } = await upscale(server, body, '', { headers: { 'content-type': type } });
    expect([400, 413, 415, 422]).toContain(status);
    expect(problem.status).toBe(status);
    expect(problem.code).toMatch(/^[A-Z_]+$/);
  });
});

describe('pictures that are too much', () => {
  test('a PNG whose header promises more than is allowed is not decoded', async () => {
    const bomb = await sharp({ create: { width: 8000, height: 8000, channels: 3, background: 'black' } })
      .png({ compressionLevel: 9 })
      .toBuffer();
    expect(bomb.length).toBeLessThan(limits.bodyBytes);
    const before = process.memoryUsage().rss;
    const { status, problem } = await upscale(server, bomb, '?upscale=1');
    expect({ status, code: problem.code }).toEqual({ status: 413, code: 'INPUT_TOO_LARGE' });
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * mebibyte);
  });

  test('frames count: a small animation with a thousand of them', async () => {
    const frames = 1000;
    const bomb = await sharp(Buffer.alloc(40 * 40 * frames * 3), {
      raw: { width: 40, height: 40 * frames, channels: 3, pageHeight: 40 },
    })
      .gif({ delay: Array<number>(frames).fill(10), keepDuplicateFrames: true })
      .toBuffer();
    for (const query of ['', '?format=png']) {
      expect((await upscale(server, bomb, query)).problem.code).toBe('INPUT_TOO_LARGE');
    }
  });

  test('a header that lies: millions on a side, and nothing behind it', async () => {
    const header = Buffer.from(png);
    header.writeUInt32BE(0x7fffffff, 16);
    header.writeUInt32BE(0x7fffffff, 20);
    const { status } = await upscale(server, header);
    expect([413, 422]).toContain(status);
  });

  test('metadata that unpacks to a thousand times its size', async () => {
    const icc = deflateSync(Buffer.alloc(200 * mebibyte), { level: 9 });
    const data = Buffer.concat([Buffer.from('iCCPx\0\0'), icc]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length - 4);
    const bomb = Buffer.concat([png.subarray(0, 33), length, data, Buffer.alloc(4), png.subarray(33)]);
    const before = process.memoryUsage().rss;
    const { status } = await upscale(server, bomb, '?model=nearest');
    expect([200, 422]).toContain(status);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * mebibyte);
  });

  test.each([
    ['an SVG that includes a file', '<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'],
    ['an SVG behind a comment', `<!--${' '.repeat(5000)}--><svg xmlns="http://www.w3.org/2000/svg"/>`],
    ['XML with an entity of a file', '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><svg>&b;</svg>'],
    ['a PDF', '%PDF-1.4\n1 0 obj'],
    [
      'a script for ImageMagick',
      'push graphic-context\nviewbox 0 0 1 1\nfill "url(http://localhost/)"\npop graphic-context',
    ],
    ['PostScript', '%!PS\n(/etc/passwd) (r) file'],
    ['a CSV', '1,2\n3,4\n'],
    ['a portable pixmap', 'P6 1 1 255\nabc'],
    ['a Radiance', '#?RADIANCE\n'],
    ['a FITS', 'SIMPLE  =                    T'],
    ['a playlist', '#EXTM3U\nhttp://localhost/'],
  ])('%s is none of the formats that are served', async (_, body) => {
    expect((await upscale(server, body)).problem).toMatchObject({ status: 415, code: 'UNSUPPORTED_FORMAT' });
  });

  test('and where the first bytes deceive, its decoder is not there', async () => {
    // This process is the server's own: what it refuses, it refuses here too.
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
    await expect(sharp(svg).metadata()).rejects.toThrow(/unsupported/);
    await expect(sharp(Buffer.from('P6 1 1 255\nabc')).metadata()).rejects.toThrow(/unsupported/);
    expect(await sharp(png).metadata()).toMatchObject({ format: 'png' });
  });
});

describe('addresses and paths where none belong', () => {
  test('nothing is ever fetched: every field, header and name that could hold an address', async () => {
    const asked: string[] = [];
    const { createServer } = await import('node:http');
    const bait = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.end(png);
    });
    await new Promise<void>((resolve) => bait.listen(0, '127.0.0.1', resolve));
    const { port } = bait.address() as { port: number };
    const url = `http://127.0.0.1:${port}/bait`;
    const fields = [
      'url',
      'src',
      'source',
      'image',
      'model',
      'format',
      'upscale',
      'width',
      'preset',
      'device',
      'callback',
      'webhook',
    ];
    for (const field of fields) {
      const query = `?${field}=${encodeURIComponent(url)}`;
      expect((await upscale(server, png, query)).status).toBe(422);
      const sent = await form({ file: png, [field]: url });
      expect((await upscale(server, sent.body, '', sent)).status).toBe(422);
    }
    for (const name of [
      'x-forwarded-host',
      'x-original-url',
      'x-rewrite-url',
      'referer',
      'x-callback',
      'link',
      'forwarded',
    ]) {
      expect((await upscale(server, png, '?model=nearest', { headers: { [name]: url } })).status).toBe(200);
    }
    expect((await upscale(server, url)).status).toBe(415);
    const named = new TextEncoder().encode(
      `--x\r\nContent-Disposition: form-data; name="f"; filename="${url}"\r\nContent-Type: message/external-body; access-type=URL; URL="${url}"\r\nContent-Location: ${url}\r\n\r\n${url}\r\n--x--\r\n`,
    );
    const multipart = { 'content-type': 'multipart/form-data; boundary=x' };
    expect((await upscale(server, named, '', { headers: multipart })).status).toBe(415);
    // An absolute target, as proxies get it.
    await rawExchange(server, (socket) =>
      socket.write(`GET ${url} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`),
    );
    await new Promise((resolve) => bait.close(resolve));
    expect(asked).toEqual([]);
  });

  test.each([
    '/../package.json',
    '/page/../../package.json',
    '/page/%2e%2e/%2e%2e/package.json',
    '/page/..%2f..%2fpackage.json',
    '/page/..%5c..%5cpackage.json',
    '/page/page.js%00.css',
    '//etc/passwd',
    '/v1/jobs/..%2f..%2fetc',
    '/v1/jobs/%2e%2e',
    '/%',
    '/%ff%fe',
    '/v1/upscale/%zz',
    '/__proto__',
    '/constructor',
  ])('the path %s', async (path) => {
    const { status, problem } = await ask(server, path);
    expect([400, 404]).toContain(status);
    expect(problem.status).toBe(status);
  });

  test('names of files are names: nothing is written where they point', async () => {
    const before = readdirSync(folder).sort();
    const name = '../../../../tmp/upres-abuse';
    const body = Buffer.concat([
      Buffer.from(`--x\r\nContent-Disposition: form-data; name="f"; filename="${name}"\r\n\r\n`),
      png,
      Buffer.from('\r\n--x--\r\n'),
    ]);
    const headers = { 'content-type': 'multipart/form-data; boundary=x' };
    const answer = await upscale(server, body, '?model=nearest', { headers });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-disposition']).toBe('inline; filename="upscaled.png"');
    expect(readdirSync(folder).sort()).toEqual(before);
  });

  test('no header of an answer holds what a client wrote', async () => {
    const attempts = ['%0d%0aSet-Cookie:%20a=b', '%0aX-Injected:%20yes', '%C4%8D%C4%8AX-Injected:%20yes'];
    for (const text of attempts) {
      for (const path of [`/v1/upscale?model=${text}`, `/v1/upscale?format=${text}`, `/${text}`]) {
        const { headers, status } = await ask(server, path, {
          method: 'POST',
          body: png,
          headers: { 'content-type': 'image/png' },
        });
        expect([404, 422]).toContain(status);
        expect(Object.keys(headers)).not.toContain('x-injected');
        expect(Object.keys(headers)).not.toContain('set-cookie');
      }
    }
  });
});

test('a client that does not take its answer loses it, and nothing is held for it', async () => {
  const image = await imageFile(300, 300);
  const held = async (): Promise<boolean> => (await metric(server, 'upres_held_bytes')) > 0;
  const answer = await rawExchange(server, (socket) => {
    socket.write(
      `POST /v1/upscale?upscale=8&model=bicubic&format=tiff HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: ${image.length}\r\n\r\n`,
    );
    socket.write(image);
    socket.pause();
    // Whether it was cut off shows only to whoever looks.
    void (async () => {
      while (!(await held())) await delay(20);
      while (await held()) await delay(100);
      socket.resume();
    })();
  });
  const length = Number(/content-length: (\d+)/.exec(answer)?.[1]);
  expect(answer.length).toBeLessThan(length);
  expect(await metric(server, 'upres_held_bytes')).toBe(0);
  expect(await metric(server, 'upres_queue_requests')).toBe(0);
});

test('connections without a request do not keep others out', async () => {
  const { hostname, port } = new URL(server.url);
  const idle = Array.from({ length: 200 }, () =>
    httpRequest({
      hostname,
      port,
      method: 'POST',
      path: '/v1/upscale',
      agent: false,
      headers: { 'content-type': 'image/png', 'content-length': 1000 },
    }),
  );
  for (const request of idle) {
    request.on('error', () => undefined);
    request.flushHeaders();
  }
  expect((await upscale(server, png, '?model=nearest')).status).toBe(200);
  for (const request of idle) request.destroy();
});
