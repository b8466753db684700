import { beforeAll, describe, expect, test } from 'vitest';
import type { UpresServer } from '#src/server/index.js';
import { clientOf } from '#src/server/service/client.js';
import { Tokens } from '#src/server/service/tokens.js';
import { ask, imageFile, rawExchange, startServer, upscale } from './support/server.js';

const token = 'first-token-0123456789';
const other = 'other-token-0123456789';

describe('a server on this machine', () => {
  let server: UpresServer & { readonly url: string };
  let port: string;
  let png: Buffer;

  beforeAll(async () => {
    server = await startServer();
    ({ port } = new URL(server.url));
    png = await imageFile(8, 8);
  });

  test.each(['localhost', 'LOCALHOST', '127.0.0.1', '[::1]', 'localhost.'])('answers to %s', async (name) => {
    for (const host of [name, `${name}:${port}`]) {
      expect((await ask(server, '/v1/models', { headers: { host } })).status).toBe(200);
    }
  });

  test.each([
    'example.com',
    'attacker.example:80',
    '127.0.0.1.attacker.example',
    'localhost.attacker.example',
    'attacker.example#localhost',
    'localhost@attacker.example',
    '192.168.0.1',
    '127.0.0.2',
    '[::2]',
    ' ',
    'localhost:port',
    'localhost:1:2',
  ])('does not answer to "%s" (DNS rebinding)', async (host) => {
    for (const path of ['/', '/v1/models', '/healthz', '/openapi.json', '/nothing']) {
      const { status, problem } = await ask(server, path, { headers: { host } });
      expect({ path, status, code: problem.code }).toEqual({ path, status: 403, code: 'FORBIDDEN_HOST' });
    }
  });

  test('does not answer a request without a name', async () => {
    const answer = await rawExchange(server, (socket) => socket.write('GET /v1/models HTTP/1.0\r\n\r\n'));
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    for (const [line, status] of [
      ['', 400],
      ['Host:\r\n', 403],
    ] as const) {
      const request = `GET /v1/models HTTP/1.1\r\n${line}Connection: close\r\n\r\n`;
      const reply = await rawExchange(server, (socket) => socket.write(request));
      expect(reply.slice(0, 12)).toBe(`HTTP/1.1 ${status}`);
    }
  });

  test('tells load balancers that it lives, which say no name, or the address that they know', async () => {
    const health = (path: string, rest = ' HTTP/1.0\r\n\r\n') =>
      rawExchange(server, (socket) => socket.write(`GET ${path}${rest}`));
    for (const path of ['/healthz', '/readyz']) {
      expect(await health(path)).toMatch(/^HTTP\/1\.1 200 /);
      expect(await health(path, ' HTTP/1.0\r\nOrigin: http://evil.example\r\n\r\n')).toMatch(/^HTTP\/1\.1 403 /);
      expect(await health(path, ' HTTP/1.1\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    }
    const tokens = [token];
    const shared = await startServer({ host: '0.0.0.0', tokens, allowedHosts: ['images.example.com'] });
    const own = shared.url.replace('0.0.0.0', '127.0.0.1');
    const status = async (host: string, path: string) => (await ask({ url: own }, path, { headers: { host } })).status;
    for (const host of ['10.1.2.3:3270', '10.1.2.3', '[fd00::1]:3270', 'images.example.com']) {
      expect(await status(host, '/readyz'), host).toBe(200);
    }
    for (const host of ['10.1.2.3.example:3270', 'example.com', '2130706433', '[fd00::1', ' ']) {
      expect(await status(host, '/readyz'), host).toBe(403);
    }
    expect(await status('10.1.2.3:3270', '/v1/models')).toBe(403);
  });

  test('answers to names that its owner allows', async () => {
    const own = await startServer({ allowedHosts: ['Images.example.com'] });
    expect((await ask(own, '/v1/models', { headers: { host: 'images.example.com' } })).status).toBe(200);
    expect((await ask(own, '/v1/models', { headers: { host: 'example.com' } })).status).toBe(403);
  });

  test.each([
    'http://attacker.example',
    'https://localhost.attacker.example',
    'null',
    'http://localhost:1',
    'http://127.0.0.2',
    'file://',
    'nonsense',
    '',
  ])('refuses pages of the origin "%s"', async (origin) => {
    const headers = { host: `localhost:${port}`, origin };
    const { status, problem } = await upscale(server, png, '', { headers });
    expect({ status, code: problem.code }).toEqual({ status: 403, code: 'FORBIDDEN_ORIGIN' });
    expect((await ask(server, '/v1/upscale', { method: 'OPTIONS', headers })).status).toBe(403);
  });

  test('takes requests of its own page', async () => {
    const host = `localhost:${port}`;
    const headers = { host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' };
    expect((await upscale(server, png, '?model=bicubic', { headers })).status).toBe(200);
    // Behind a proxy that speaks TLS.
    const proxied = { host, origin: `https://${host}` };
    expect((await upscale(server, png, '?model=bicubic', { headers: proxied })).status).toBe(200);
  });

  test.each(['cross-site', 'same-site'])('refuses what pages of other sites load (%s)', async (site) => {
    const image = { 'sec-fetch-site': site, 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' };
    for (const path of ['/', '/v1/models', '/healthz', '/metrics', '/page/icon.svg']) {
      const { status, problem } = await ask(server, path, { headers: image });
      expect({ path, status, code: problem.code }).toEqual({ path, status: 403, code: 'FORBIDDEN_ORIGIN' });
    }
    const frame = { 'sec-fetch-site': site, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' };
    expect((await ask(server, '/', { headers: frame })).status).toBe(403);
  });

  test('links of other sites lead to its page, not to more', async () => {
    const headers = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    expect((await ask(server, '/', { headers })).status).toBe(200);
    expect((await ask(server, '/v1/models', { headers })).status).toBe(403);
    expect((await ask(server, '/', { headers, method: 'POST' })).status).toBe(403);
    expect((await upscale(server, png, '', { headers })).status).toBe(403);
  });

  test('every answer forbids what browsers would make of it', async () => {
    for (const path of ['/', '/v1/models', '/nothing', '/healthz']) {
      const { headers } = await ask(server, path);
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'cross-origin-resource-policy': 'same-origin',
        'referrer-policy': 'no-referrer',
      });
      expect(headers['content-security-policy']).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
      expect(headers).not.toHaveProperty('access-control-allow-origin');
    }
  });
});

describe('a server with tokens', () => {
  let server: UpresServer & { readonly url: string };

  beforeAll(async () => {
    server = await startServer({ tokens: [token, other] });
  });

  test.each([
    ['nothing', undefined],
    ['another', 'Bearer another-token-0123456'],
    ['a part of one', `Bearer ${token.slice(0, -1)}`],
    ['one and more', `Bearer ${token}0`],
    ['two', `Bearer ${token} ${other}`],
    ['another scheme', `Basic ${token}`],
    ['the scheme alone', 'Bearer'],
    ['an empty one', 'Bearer '],
    ['upper case', `Bearer ${token.toUpperCase()}`],
  ])('refuses %s', async (_, authorization) => {
    const headers = authorization === undefined ? {} : { authorization };
    for (const path of ['/v1/models', '/metrics']) {
      const answer = await ask(server, path, { headers });
      expect(answer.status).toBe(401);
      expect(answer.problem.code).toBe('UNAUTHORIZED');
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
    }
    // The body is not read: it would not be an image.
    expect((await upscale(server, 'x', '?nonsense', { headers })).status).toBe(401);
  });

  test('takes each of them, with any number of blanks and in any case of the scheme', async () => {
    for (const authorization of [`Bearer ${token}`, `bearer  ${other}`]) {
      expect((await ask(server, '/v1/models', { headers: { authorization } })).status).toBe(200);
    }
  });

  test('the page, its document and the probes need none', async () => {
    for (const path of ['/', '/page/page.css', '/openapi.json', '/healthz', '/readyz']) {
      expect((await ask(server, path)).status).toBe(200);
    }
    expect((await ask(server, '/nothing')).status).toBe(404);
  });

  test('clients are told apart, and their ids tell nothing about their tokens', () => {
    const tokens = new Tokens([token, other]);
    const client = tokens.client(`Bearer ${token}`);
    expect(tokens.client(`Bearer ${token}`)).toBe(client);
    expect(tokens.client(`Bearer ${other}`)).not.toBe(client);
    expect(client.id).toBe(clientOf(token).id);
    expect(client.id).toMatch(/^[\w-]{22}$/);
    expect(token).not.toContain(client.id);
  });
});
