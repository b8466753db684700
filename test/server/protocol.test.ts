import { connect } from 'node:net';
import { describe, expect, test, beforeAll } from 'vitest';
import { loggedUrl } from '#src/server/http/request-log.js';
import { problemType, toProblem } from '#src/server/http/problem.js';
import { ask, rawExchange, startServer } from './support/server.js';

let server: Awaited<ReturnType<typeof startServer>>;
let own: string;

beforeAll(async () => {
  server = await startServer({ allowedHosts: ['images.example.com'] });
  own = new URL(server.url).host;
});

interface RawAnswer {
  readonly status: number;
  readonly type: string | undefined;
  readonly code: string | undefined;
}

/** A request as it is written, with one answer. */
async function raw(text: string): Promise<RawAnswer> {
  const answer = await rawExchange(
    server,
    (socket) => socket.write(text),
    (so) => /\r\n\r\n[^]/.test(so) || /^HTTP\/1.1 30/.test(so),
  );
  return {
    status: Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]),
    type: /^content-type: ([\w/+]+)/im.exec(answer)?.[1],
    code: /"code":"(\w+)"/.exec(answer)?.[1],
  };
}

const request = (line: string, ...headers: string[]): string => [`${line} HTTP/1.1`, ...headers, '', ''].join('\r\n');

describe('whose request it is', () => {
  test.each([
    ['one host', (host: string) => request('GET /healthz', `Host: ${host}`), 200],
    ['two hosts, ours first', (host: string) => request('GET /healthz', `Host: ${host}`, 'Host: evil.example'), 400],
    ['two hosts, ours last', (host: string) => request('GET /healthz', 'Host: evil.example', `Host: ${host}`), 400],
    ['one host, twice', (host: string) => request('GET /healthz', `Host: ${host}`, `host: ${host}`), 400],
    ['a URL of ours', (host: string) => request(`GET http://${host}/healthz`, `Host: ${host}`), 200],
    [
      'a URL of ours, and another host',
      (host: string) => request(`GET http://${host}/healthz`, 'Host: evil.example'),
      200,
    ],
    ['a URL of a name that is allowed', () => request('GET http://images.example.com/healthz', 'Host: x'), 200],
    ['a URL in capitals', (host: string) => request(`GET HTTP://${host}/healthz`, `Host: ${host}`), 200],
    ['a URL without a path', (host: string) => request(`HEAD http://${host}`, `Host: ${host}`), 200],
    ['a URL with nothing but a query', (host: string) => request(`GET http://${host}?upscale=2`, `Host: ${host}`), 200],
    ['a URL of another', (host: string) => request('GET http://evil.example/healthz', `Host: ${host}`), 403],
    [
      'a URL of a user at another',
      (host: string) => request(`GET http://${host}@evil.example/healthz`, `Host: ${host}`),
      403,
    ],
    ['a URL without a host', (host: string) => request('GET http:///healthz', `Host: ${host}`), 403],
    ['another scheme', (host: string) => request('GET ftp://evil.example/healthz', `Host: ${host}`), 404],
    ['no URL, of another', () => request('GET /%', 'Host: evil.example'), 403],
    ['too long an id, of another', () => request(`GET /v1/jobs/${'a'.repeat(200)}`, 'Host: evil.example'), 403],
    [
      'two codings',
      (host: string) =>
        request('POST /v1/upscale', `Host: ${host}`, 'Transfer-Encoding: identity', 'Transfer-Encoding: chunked'),
      400,
    ],
    [
      'two tokens',
      (host: string) =>
        request('GET /v1/models', `Host: ${host}`, 'Authorization: Bearer a', 'Authorization: Bearer b'),
      400,
    ],
  ] as const)('%s', async (_, text, status) => {
    const answer = await raw(text(own));
    expect(answer.status).toBe(status);
    if (status >= 400) expect(answer.type).toBe(problemType);
  });
});

describe('every refusal is a problem', () => {
  const post = (type: string, body = 'x', ...more: string[]): string =>
    request('POST /v1/upscale', 'Host: localhost', `Content-Type: ${type}`, `Content-Length: ${body.length}`, ...more) +
    body;
  const get = (path: string, ...more: string[]): string => request(`GET ${path}`, 'Host: localhost', ...more);

  test.each([
    ['a URL that is none', get('/%'), 400, 'BAD_REQUEST'],
    ['a byte that is no character', get('/%ff'), 400, 'BAD_REQUEST'],
    ['half a character in an id', get('/v1/jobs/%c3%28'), 400, 'BAD_REQUEST'],
    ['a percent sign in an id', get('/v1/jobs/%zz'), 400, 'BAD_REQUEST'],
    ['an id of 22 characters', get(`/v1/jobs/${'a'.repeat(22)}`), 404, 'NOT_FOUND'],
    ['an id of 101 characters', get(`/v1/jobs/${'a'.repeat(101)}`), 404, 'NOT_FOUND'],
    ['an id of 8000 characters', get(`/v1/jobs/${'a'.repeat(8000)}/events`), 404, 'NOT_FOUND'],
    ['an encoded id of 9000 characters', get(`/v1/jobs/${'%61'.repeat(3000)}/result`), 404, 'NOT_FOUND'],
    ['a place of 200 digits', get(`/v1/jobs/x/images/${'9'.repeat(200)}/result`), 404, 'NOT_FOUND'],
    ['headers that are too large', get('/healthz', `X: ${'a'.repeat(17_000)}`), 431, 'BAD_REQUEST'],
    ['a path that is too long', get(`/${'a'.repeat(17_000)}`), 431, 'BAD_REQUEST'],
    ['nothing there', get('/nothing'), 404, 'NOT_FOUND'],
    ['a method that is not for it', request('PUT /v1/upscale', 'Host: localhost'), 405, 'METHOD_NOT_ALLOWED'],
    ['a method that few know', request('PROPFIND /v1/jobs', 'Host: localhost'), 405, 'METHOD_NOT_ALLOWED'],
    ['a method that no one knows', request('FOO /v1/jobs', 'Host: localhost'), 400, 'BAD_REQUEST'],
    ['a proxy’s method', request('CONNECT localhost:22', 'Host: localhost'), 405, 'METHOD_NOT_ALLOWED'],
    ['something expected', post('image/png', 'x', 'Expect: the-moon'), 417, 'BAD_REQUEST'],
    ['JSON', post('application/json', '{"a":'), 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['a form that is none', post('multipart/form-data'), 400, 'BAD_REQUEST'],
    ['a form of another kind', post('application/x-www-form-urlencoded', 'a=b'), 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['no media type at all', post('image'), 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['a broken media type', post('image/png/;;='), 415, 'UNSUPPORTED_MEDIA_TYPE'],
    [
      'a length that is none',
      request('POST /v1/upscale', 'Host: localhost', 'Content-Length: 0x10'),
      400,
      'BAD_REQUEST',
    ],
    ['no such HTTP', 'GET / HTTP/7.0\r\n\r\n', 400, 'BAD_REQUEST'],
    ['a bad directive', get('/v1/jobs?limit=0'), 422, 'BAD_ARGUMENT'],
  ])('%s', async (_, text, status, code) => {
    expect(await raw(text)).toEqual({ status, type: problemType, code });
  });

  test('whatever status the framework blames the client with', () => {
    for (let statusCode = 400; statusCode < 500; statusCode++) {
      const { status, code } = toProblem(Object.assign(new Error('words'), { statusCode }));
      expect(status, `${statusCode}`).toBeGreaterThanOrEqual(400);
      expect(status, `${statusCode}`).toBeLessThan(500);
      expect(code).not.toBe('INTERNAL');
    }
    expect(toProblem(Object.assign(new Error('words'), { statusCode: 414 })).status).toBe(414);
    expect(toProblem(Object.assign(new Error('words'), { statusCode: 500 })).code).toBe('INTERNAL');
  });
});

describe('connections that ask for nothing', () => {
  test('are closed after a while, whether they said something or not, and whether they go or not', async () => {
    const quick = await startServer({ limits: { transferSeconds: 1 } });
    const { hostname, port } = new URL(quick.url);
    const closed = ['', 'GET', 'GET /healthz HTTP/1.1\r\n'].map(
      (text) =>
        new Promise<string>((resolve) => {
          // Half open: it never ends its own side.
          const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
          socket.on('error', () => undefined);
          socket.on('connect', () => socket.write(text));
          socket.on('data', () => undefined);
          const probe = setInterval(() => socket.write(text === '' ? '' : 'a'), 500);
          socket.on('close', () => {
            clearInterval(probe);
            resolve('closed');
          });
          if (text === '') socket.on('end', () => setInterval(() => socket.write('a'), 500).unref());
        }),
    );
    expect(await Promise.all(closed)).toEqual(['closed', 'closed', 'closed']);
  });

  test('make room for those that do', async () => {
    const small = await startServer({ limits: { connections: 8 } });
    const { hostname, port } = new URL(small.url);
    const sockets = Array.from({ length: 40 }, () => {
      const socket = connect({ host: hostname, port: Number(port) });
      socket.on('error', () => undefined);
      return socket;
    });
    await expect.poll(() => sockets.filter(({ closed }) => closed).length).toBeGreaterThanOrEqual(32);
    for (let i = 0; i < 20; i++) expect((await ask(small, '/healthz')).status).toBe(200);
    for (const socket of sockets) socket.destroy();
  });
});

test('the log tells directives, and nothing else that a client wrote behind a path', () => {
  expect(
    [
      '/v1/upscale?upscale=2&format=webp',
      '/v1/upscale?upscale=2&token=secret-secret',
      '/v1/upscale?Authorization=Bearer%20secret&width=800',
      '/v1/upscale?model=%3Cscript%3E&width=80',
      `/v1/upscale?model=${'s'.repeat(100)}`,
      '/v1/jobs?limit=5&before=abc',
      '/v1/upscale?secret',
      '/v1/upscale?upscale=2?key=secret',
      '/healthz',
    ].map(loggedUrl),
  ).toEqual([
    '/v1/upscale?upscale=2&format=webp',
    '/v1/upscale?upscale=2',
    '/v1/upscale?width=800',
    '/v1/upscale?width=80',
    '/v1/upscale',
    '/v1/jobs?limit=5&before=abc',
    '/v1/upscale',
    '/v1/upscale',
    '/healthz',
  ]);
});
