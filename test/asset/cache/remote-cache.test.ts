import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import sharp from 'sharp';
import { beforeAll, describe, expect, it, onTestFinished, test, vi } from 'vitest';
import { HttpStore } from '#src/asset/cache/http-store.js';
import { openRemote } from '#src/asset/cache/open-remote.js';
import { RemoteCache } from '#src/asset/cache/remote-cache.js';
import type { RemoteStore } from '#src/asset/cache/remote-store.js';
import type { CacheOption } from '#src/asset/cache/cache-option.js';
import { openCache, openForTransfer } from '#src/asset/cache/open-cache.js';
import { Patience } from '#src/asset/cache/patience.js';
import { packResult, unpackResult } from '#src/asset/cache/result-blob.js';
import type { ResultFacts } from '#src/asset/cached-upscaler.js';
import type { ResultCache } from '#src/asset/cache/result-cache.js';
import { main } from '../../cli/support/command.js';
import { runChild } from '../../support/child.js';
import { temporaryFolder } from '../../support/folders.js';
import { ask, startServer } from '../../server/support/server.js';
import { redisProgram, startRedis, startS3 } from '../../support/services.js';
import { startRemote, type Behaviour } from '../support/remote-server.js';

const facts: ResultFacts = {
  format: 'png',
  width: 4,
  height: 4,
  frames: 1,
  sourceWidth: 2,
  sourceHeight: 2,
  upscale: 2,
  model: 'natural',
  modelReason: 'it is a photograph',
  device: 'cpu',
  inferenceMs: 1.5,
  codecMs: 2,
  warnings: ['of its frames only the first was used'],
};
const keyOf = (text: string): string => createHash('sha256').update(text).digest('hex');
const key = keyOf('a');
let data: Uint8Array;

beforeAll(async () => {
  const image = sharp({ create: { width: 4, height: 4, channels: 3, background: 'teal' } });
  data = new Uint8Array(await image.png().toBuffer());
});

/** A machine of the team: a cache of its own in front of the one that they share. */
async function machine(cache: Exclude<CacheOption, string | false>): Promise<{ cache: ResultCache; said: string[] }> {
  const said: string[] = [];
  const opened = await openCache({ folder: temporaryFolder(), ...cache }, process.cwd(), (line) => said.push(line));
  return { cache: opened!, said };
}

const put = (cache: ResultCache, ...names: string[]): Promise<unknown> =>
  Promise.all(names.map((name) => cache.put(keyOf(name), data, facts)));

describe('a cache that a team shares', () => {
  it('gives one machine what another has made, byte for byte, and keeps it there', async () => {
    const remote = await startRemote();
    const options = { remote: remote.url, mode: 'read-write', key: 'a secret of the team' } as const;
    const first = await machine(options);
    expect(await first.cache.get(key)).toBeUndefined();
    await first.cache.put(key, data, facts);
    await first.cache.settle!();
    expect([...remote.stored.keys()]).toEqual([key]);
    const second = await machine(options);
    const found = await second.cache.get(key);
    expect(Buffer.from(found!.data)).toEqual(Buffer.from(data));
    expect(found!.facts).toEqual(facts);
    expect(found!.hash).toBe(createHash('sha512').update(data).digest('base64'));
    expect(remote.asked).toEqual([`GET ${key}`, `PUT ${key}`, `GET ${key}`]);
    // The second time it is here, and is the same.
    expect(await second.cache.get(key)).toMatchObject({ facts, hash: found!.hash });
    expect(remote.asked).toHaveLength(3);
    expect([...first.said, ...second.said]).toEqual([]);
  });

  it('is only read where no more is said, and not asked where nothing is cached', async () => {
    const remote = await startRemote();
    const { cache } = await machine({ remote: remote.url });
    await put(cache, 'a');
    await cache.settle!();
    expect(remote.asked).toEqual([]);
    process.env.UPRES_REMOTE_CACHE = remote.url;
    try {
      expect(await openCache(false, process.cwd(), () => undefined)).toBeUndefined();
      const named = (await openCache(temporaryFolder(), process.cwd(), () => undefined))!;
      expect(await named.get(key)).toBeUndefined();
      expect(remote.asked).toEqual([`GET ${key}`]);
    } finally {
      delete process.env.UPRES_REMOTE_CACHE;
    }
  });

  it('sends tokens, and never says them', async () => {
    const seen: (string | undefined)[] = [];
    const remote = await startRemote(({ headers }) => {
      seen.push(headers.authorization);
      return false;
    });
    await (await machine({ remote: remote.url, token: 'secret-token' })).cache.get(key);
    const { host } = new URL(remote.url);
    const url = `http://user:pass%20word@${host}/team`;
    await (await machine({ remote: url })).cache.get(key);
    expect(seen).toEqual(['Bearer secret-token', `Basic ${Buffer.from('user:pass word').toString('base64')}`]);
    const { cache, said } = await machine({ remote: 'http://user:password@127.0.0.1:9/', token: 'secret-token' });
    await cache.get(key);
    expect(said).toEqual(['the remote cache 127.0.0.1:9 is left alone: bad port']);
    const open = machine({ remote: 'ftp://bucket', token: 12 as never });
    await expect(open).rejects.toThrow('cache.remote must be a URL');
    await expect(machine({ remote: 'http://x', token: '' })).rejects.toThrow(/^(?!.*"").*cache.token must be/);
  });

  it.each([
    ['a port that is none', { remote: 'http://user:geheim@host:99999/' }],
    ['another protocol', { remote: 'ftp://user:geheim@host/' }],
    ['a bucket’s secret', { remote: 's3://user:geheim@host/' }],
    ['what no bucket has', { remote: 's3://bucket/?key=geheim' }],
    ['what Redis has not', { remote: 'redis://host/?secret=geheim' }],
    ['a password that is half encoded', { remote: 'http://user:geheim%@host/' }],
    ['a token of two lines', { remote: 'http://host/', token: 'one\ngeheim' }],
    ['a token that no header can carry', { remote: 'http://host/', token: 'geheim…' }],
  ])('refuses %s, and does not say it', async (_, options) => {
    await expect(machine(options)).rejects.toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }));
    await expect(machine(options)).rejects.toThrow(/^(?!.*geheim)/s);
  });

  it.each([
    ['', '/'],
    ['/team', '/team/'],
    ['/team/', '/team/'],
    ['/team?sig=a/b', '/team/', '?sig=a/b'],
    ['/team/?sig=a%2Fb&v=1', '/team/', '?sig=a%2Fb&v=1'],
    ['/team#there', '/team/'],
  ])('lies below the path of its URL: %s', async (written, below, query = '') => {
    const urls: (string | undefined)[] = [];
    const remote = await startRemote(({ url }) => urls.push(url) < 0);
    await (await machine({ remote: `${new URL(remote.url).origin}${written}`, token: 'token\n' })).cache.get(key);
    expect(urls).toEqual([`${below}${key}${query}`]);
  });

  it('is followed to another host, which gets no token', async () => {
    const sent: (string | undefined)[] = [];
    const other = await startRemote(({ headers }) => sent.push(headers.authorization) < 0);
    other.stored.set(key, Buffer.from(await packResult(key, { data, facts }, undefined)));
    const remote = await startRemote((_, response) =>
      Boolean(response.writeHead(302, { location: `${other.url}${key}` }).end()),
    );
    const { cache } = await machine({ remote: remote.url, token: 'secret-token' });
    expect(await cache.get(key)).toMatchObject({ facts });
    expect(sent).toEqual([undefined]);
  });

  it('is the one of the environment where an option is undefined', async () => {
    const remote = await startRemote();
    process.env.UPRES_REMOTE_CACHE = remote.url;
    try {
      await (await machine({ remote: undefined } as never)).cache.get(key);
    } finally {
      delete process.env.UPRES_REMOTE_CACHE;
    }
    expect(remote.asked).toEqual([`GET ${key}`]);
  });
});

test('what a machine has already is pushed once', async () => {
  const remote = await startRemote();
  const folder = temporaryFolder();
  const alone = (await openCache(folder, process.cwd(), () => undefined))!;
  await put(alone, 'a', 'b', 'c');
  const push = (url: string) => runChild(main, ['cache', 'push', '--json', '--cache', folder, '--remote-cache', url]);
  expect(await push(remote.url)).toMatchObject({ code: 0, stdout: '{"results":3,"uploaded":3,"withheld":0}\n' });
  expect(await push(remote.url)).toMatchObject({ code: 0, stdout: '{"results":3,"uploaded":0,"withheld":0}\n' });
  expect(await (await machine({ remote: remote.url })).cache.get(key)).toMatchObject({ facts });
  const closed = await startRemote((_, response) => Boolean(response.writeHead(403).end()));
  expect(await push(closed.url)).toMatchObject({ code: 1, stderr: expect.stringContaining('403') as string });
  const none = await runChild(main, ['cache', 'push', '--cache', folder], { env: { UPRES_REMOTE_CACHE: undefined } });
  expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('--remote-cache') as string });
});

describe('what is not as it was put there', () => {
  const alter = (at: (length: number) => number) => (blob: Buffer) => {
    const copy = Buffer.from(blob);
    copy[at(copy.length)]! ^= 1;
    return copy;
  };
  const said = (change: (facts: Record<string, unknown>) => void) => async () => {
    const told = structuredClone(facts) as unknown as Record<string, unknown>;
    change(told);
    return Buffer.from(await packResult(key, { data, facts: told as unknown as ResultFacts }, undefined));
  };

  it.each<[string, (blob: Buffer) => Buffer | Promise<Buffer>]>([
    ['nothing', () => Buffer.alloc(0)],
    ['an error page', () => Buffer.from('<!doctype html><title>Sign in</title>\n\n')],
    ['zeros', (blob) => Buffer.alloc(blob.length)],
    ['a bit of the picture', alter((length) => length - 5)],
    ['a bit of the facts', alter(() => 170)],
    ['a bit of the seal', alter(() => 30)],
    ['cut short', (blob) => blob.subarray(0, -10)],
    ['cut in its head', (blob) => blob.subarray(0, 100)],
    ['longer', (blob) => Buffer.concat([blob, Buffer.from('x')])],
    ['another’s', async () => Buffer.from(await packResult(keyOf('b'), { data, facts }, undefined))],
    ['no picture', async () => Buffer.from(await packResult(key, { data: Buffer.from('<svg>'), facts }, undefined))],
    ['another format', said((told) => (told.format = 'webp'))],
    ['a width that is none', said((told) => (told.width = -1))],
    ['a width that is a text', said((told) => (told.width = '4'))],
    ['more than there is to say', said((told) => (told.secret = 1))],
    ['a line that a terminal or a CI obeys', said((told) => (told.warnings = ['well\n::add-mask::all']))],
    ['less than there is to say', said((told) => delete told.device)],
  ])('is not used, and is written over: %s', async (_, change) => {
    const remote = await startRemote();
    remote.stored.set(key, await change(Buffer.from(await packResult(key, { data, facts }, undefined))));
    const { cache, said } = await machine({ remote: remote.url, mode: 'read-write' });
    expect(await cache.get(key)).toBeUndefined();
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(/^a result in the remote cache 127\.0\.0\.1:\d+ is not used: /);
    await put(cache, 'a');
    await cache.settle!();
    expect(await unpackResult(key, remote.stored.get(key)!, undefined)).toMatchObject({ facts });
  });

  it.each([
    ['unsigned', undefined],
    ['signed by another', 'another secret'],
  ])('is not believed where there is a key: %s', async (_, secret) => {
    const blob = await packResult(key, { data, facts }, secret);
    expect(await unpackResult(key, blob, 'the secret')).toEqual({ refused: 'it is not signed with the key' });
    expect(await unpackResult(key, blob, undefined)).toMatchObject({ facts });
  });
});

describe('a remote that does not do its part', () => {
  const names = Array.from({ length: 40 }, (_, i) => `picture ${i}`);
  const answer =
    (status: number, body = ''): Behaviour =>
    (_, response) => {
      response.writeHead(status).end(body);
      return true;
    };
  const afterSeconds =
    (seconds: number): Behaviour =>
    (_, response) => {
      setTimeout(() => response.writeHead(404).end(), seconds * 1000);
      return true;
    };
  const cases: [string, Behaviour, string][] = [
    ['is slow', afterSeconds(5), 'it is too slow'],
    ['answers 500', answer(500), 'it answers 500 Internal Server Error'],
    ['answers 401', answer(401), 'it answers 401 Unauthorized'],
    ['hangs up', (_, response) => (response.destroy(), true), 'other side closed'],
    [
      'stalls in the middle',
      (_, response) => {
        response.writeHead(200, { 'content-length': 1000 }).write('upres');
        return true;
      },
      'it is too slow',
    ],
    [
      'is cut short',
      (_, response) => {
        response.writeHead(200, { 'content-length': 1000 });
        response.write('upres', () => response.destroy());
        return true;
      },
      'other side closed',
    ],
    [
      'leads in a circle',
      (request, response) => (response.writeHead(302, { location: request.url! }).end(), true),
      'redirect count exceeded',
    ],
  ];

  // At once, since most of it is waiting.
  it('is left alone, with one line, whatever it does', { timeout: 20_000 }, async () => {
    const outcomes = cases.map(async ([name, behave]) => {
      const remote = await startRemote(behave);
      const { cache, said } = await machine({ remote: remote.url, mode: 'read-write' });
      const lookUp = async (picture: string): Promise<void> => {
        expect(await cache.get(keyOf(picture)), name).toBeUndefined();
        await put(cache, picture);
      };
      // Some at once, then one after the other: had each to be waited for, it would take minutes.
      await Promise.all(names.slice(0, 20).map(lookUp));
      for (const picture of names.slice(20)) await lookUp(picture);
      await cache.settle!();
      return {
        name,
        said: said.map((line) => line.replace(/^the remote cache \S+ is left alone: /, '')),
        asked: remote.asked.length,
      };
    });
    for (const [i, outcome] of outcomes.entries()) {
      const [name, , reason] = cases[i]!;
      const { said, asked } = await outcome;
      expect(said, name).toHaveLength(1);
      // On a busy machine any of them may take too long.
      expect([reason, 'it is too slow'], name).toContain(said[0]);
      // Those that were under way; redirects count.
      expect(asked, name).toBeLessThanOrEqual(20 * 21);
    }
  });

  it('fails for a moment: it is asked again', async () => {
    const moments: Behaviour[] = [
      (_, response) => Boolean(response.destroy()),
      (request) => Boolean(request.socket.resetAndDestroy()),
      ...[429, 502, 503, 504].map(
        (status): Behaviour =>
          (_, response) =>
            Boolean(response.writeHead(status, { 'retry-after': '0' }).end('busy')),
      ),
    ];
    const outcomes = moments.map(async (fail) => {
      const failed = new Set<string>();
      const remote = await startRemote((request, response, stored) => {
        const name = `${request.method} ${request.url}`;
        // Whoever sends is heard out: else the connection breaks before the answer is there.
        if (!failed.has(name)) request.resume();
        return !failed.has(name) && Boolean(failed.add(name)) && fail(request, response, stored);
      });
      remote.stored.set(key, Buffer.from(await packResult(key, { data, facts }, undefined)));
      const { cache, said } = await machine({ remote: remote.url, mode: 'read-write' });
      expect(await cache.get(key)).toMatchObject({ facts });
      await put(cache, 'b');
      await cache.settle!();
      expect(said).toEqual([]);
      expect([...remote.stored.keys()]).toEqual([key, keyOf('b')]);
    });
    await Promise.all(outcomes);
  });

  it.each([
    ['speaks no HTTP', 'http', '-ERR unknown command\r\n', /HPE_\w+ \(it speaks no HTTP; with TLS it is https:/],
    ['speaks no TLS', 'https', 'HTTP/1.1 400 Bad Request\r\n\r\n', /ERR_SSL_\w+ \(without TLS it is http:/],
    ['is behind a proxy that wants a name', 'http', 'HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n', /: fetch failed$/],
    ['has moved', 'http', 'HTTP/1.1 307 X\r\nlocation: ftp://geheim@new.example/\r\n\r\n', /^(?!.*geheim).*HTTP/],
  ])('%s: the line says so', async (_, scheme, answer, words) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined).once('data', () => socket.end(answer));
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const { cache, said } = await machine({ remote: `${scheme}://127.0.0.1:${port}/` });
    expect(await cache.get(key)).toBeUndefined();
    expect(said).toEqual([expect.stringMatching(words)]);
  });

  it('is slow in taking: the end waits for it no longer than that', { timeout: 20_000 }, async () => {
    const remote = await startRemote(({ method }, response) => {
      if (method === 'PUT') setTimeout(() => response.writeHead(201).end(), 5000);
      return method === 'PUT';
    });
    const { cache, said } = await machine({ remote: remote.url, mode: 'read-write' });
    await put(cache, ...names);
    await cache.settle!();
    // Each four of them would take five seconds.
    expect(said).toEqual([expect.stringContaining('is left alone: it is too slow')]);
  });

  it('takes nothing: it is read all the same', async () => {
    const remote = await startRemote(({ method }, response) => {
      if (method === 'PUT') response.writeHead(403).end();
      return method === 'PUT';
    });
    remote.stored.set(key, Buffer.from(await packResult(key, { data, facts }, undefined)));
    const { cache, said } = await machine({ remote: remote.url, mode: 'read-write' });
    await put(cache, ...names);
    await cache.settle!();
    expect(await cache.get(key)).toMatchObject({ facts });
    expect(said).toEqual([expect.stringContaining('nothing is uploaded')]);
  });

  it('is empty, and answers: it is asked on for as many as there are', async () => {
    const remote = await startRemote((_, response) => {
      setTimeout(() => response.writeHead(404).end(), 40);
      return true;
    });
    const { cache, said } = await machine({ remote: remote.url });
    for (let i = 0; i < 60; i++) expect(await cache.get(keyOf(`${i}`))).toBeUndefined();
    expect(remote.asked).toHaveLength(60);
    expect(said).toEqual([]);
  });
});

it('is not blamed for what keeps this process busy', async () => {
  const remote = await startRemote();
  const said: string[] = [];
  const store = new HttpStore(remote.url, undefined);
  const cache = new RemoteCache(store, (line) => said.push(line), {
    mayWrite: false,
    patience: new Patience({ budgetMs: 200 }),
  });
  const answer = cache.has(key);
  const until = performance.now() + 600;
  while (performance.now() < until);
  expect(await answer).toBe(false);
  expect(said).toEqual([]);
});

it('is waited for only when its client is there, and is left alone where that is not', async () => {
  const said: string[] = [];
  const store = {
    name: 'a store',
    load: () => new Promise((resolve) => setTimeout(resolve, 400)),
    has: () => Promise.resolve(true),
    close: () => undefined,
  } as unknown as RemoteStore;
  const options = () => ({ mayWrite: false, patience: new Patience({ budgetMs: 200 }) });
  expect(await new RemoteCache(store, (line) => said.push(line), options()).has(key)).toBe(true);
  expect(said).toEqual([]);
  const missing = { ...store, load: () => Promise.reject(new Error('npm install it')) };
  expect(await new RemoteCache(missing, (line) => said.push(line), options()).has(key)).toBe(false);
  expect(said).toEqual(['the remote cache a store is left alone: npm install it']);
});

describe('what takes long', () => {
  const cacheOf = (url: string, said: string[]) =>
    new RemoteCache(new HttpStore(url, undefined), (line) => said.push(line), {
      mayWrite: false,
      patience: new Patience({ budgetMs: 500 }),
    });
  const heavy = { worth: () => 60_000, read: (bytes: Uint8Array) => Promise.resolve({ bytes }) };
  /** Sends the pieces of a result, with pauses that are longer than the budget all together. */
  const inPieces = (length: number, count: number) =>
    startRemote((_, response) => {
      response.writeHead(200, { 'content-length': length * count });
      let sent = 0;
      const timer = setInterval(() => {
        response.write(Buffer.alloc(length));
        if (++sent === count) clearInterval(timer);
      }, 50);
      response.on('close', () => {
        clearInterval(timer);
      });
      return true;
    });

  it('is waited for as long as it comes and is worth it', async () => {
    const said: string[] = [];
    const remote = await inPieces(100_000, 30);
    expect((await cacheOf(remote.url, said).get(key, heavy))?.bytes).toHaveLength(3_000_000);
    expect(said).toEqual([]);
    const light = { ...heavy, worth: () => 100 };
    expect(await cacheOf(remote.url, said).get(key, light)).toBeUndefined();
    expect(said).toEqual([expect.stringContaining('is left alone: it is too slow')]);
  });

  it('is given up where it comes in drops', async () => {
    const said: string[] = [];
    const remote = await inPieces(10, 200);
    expect(await cacheOf(remote.url, said).get(key, heavy)).toBeUndefined();
    expect(said).toEqual([expect.stringContaining('is left alone: it is too slow')]);
  });
});

describe('an upload that is sent elsewhere', () => {
  it.each([301, 302, 303])('is none where that makes a download of it: %i', async (status) => {
    const remote = await startRemote(({ method, url }, response) => {
      if (method === 'PUT') response.writeHead(status, { location: `${url}-elsewhere` }).end();
      else response.writeHead(200).end('a page');
      return true;
    });
    const { cache, said } = await machine({ remote: remote.url, mode: 'read-write' });
    await put(cache, 'a');
    await cache.settle!();
    expect(remote.asked).toEqual([`PUT ${key}`]);
    expect(said).toEqual([expect.stringMatching(/nothing is uploaded .*: it answers 30/)]);
  });

  it.each([307, 308])('is followed, and another host gets no token: %i', async (status) => {
    const sent: (string | undefined)[] = [];
    const other = await startRemote(({ headers }) => sent.push(headers.authorization) < 0);
    const remote = await startRemote(({ url }, response) =>
      Boolean(response.writeHead(status, { location: new URL(url!, other.url).href }).end()),
    );
    const { cache, said } = await machine({ remote: remote.url, mode: 'read-write', token: 'secret-token' });
    await put(cache, 'a');
    await cache.settle!();
    expect([...other.stored.keys()]).toEqual([key]);
    expect(sent).toEqual([undefined]);
    expect(said).toEqual([]);
  });
});

describe('what came from a remote cache without a key', () => {
  it('is not signed by those who have one, and not believed by them', async () => {
    const open = await startRemote();
    // Whoever may write there has put another picture under that name.
    const poison = new Uint8Array(await sharp(data).negate({ alpha: false }).png().toBuffer());
    open.stored.set(key, Buffer.from(await packResult(key, { data: poison, facts }, undefined)));
    const folder = temporaryFolder();
    const careless = await openCache({ folder, remote: open.url }, process.cwd(), () => undefined);
    expect((await careless!.get(key))!.data).toEqual(Buffer.from(poison));

    const closed = await startRemote();
    const args = ['cache', 'push', '--json', '--cache', folder, '--remote-cache', closed.url];
    const env = { UPRES_REMOTE_CACHE_KEY: 'a secret of the team' };
    const pushed = await runChild(main, args, { env });
    expect(pushed).toMatchObject({ code: 0, stdout: '{"results":1,"uploaded":0,"withheld":1}\n' });
    expect(pushed.stderr).toContain('1 came from a remote cache without this key');
    expect(closed.stored.size).toBe(0);

    // With the key it is computed anew, which takes its place.
    const options = { folder, remote: closed.url, mode: 'read-write', key: 'a secret of the team' } as const;
    const careful = (await openCache(options, process.cwd(), () => undefined))!;
    expect(await careful.get(key)).toBeUndefined();
    await careful.put(key, data, facts);
    await careful.settle!();
    expect((await careful.get(key))!.data).toEqual(Buffer.from(data));
    expect(await unpackResult(key, closed.stored.get(key)!, 'a secret of the team')).toMatchObject({ facts });
  });
});

describe.each([
  ['a bucket', () => startS3(temporaryFolder()), true],
  ['Redis', () => startRedis(temporaryFolder()), redisProgram !== undefined],
] as const)('results in %s', (_, start, isHere) => {
  it.skipIf(!isHere)('are those of a team, and can be pulled', { timeout: 60_000 }, async () => {
    const service = await start();
    const options = { remote: service.location, mode: 'read-write', key: 'a secret of the team' } as const;
    const first = await machine(options);
    expect(await first.cache.get(key)).toBeUndefined();
    await put(first.cache, 'a', 'b', 'c');
    await first.cache.settle!();
    const second = await machine(options);
    const found = await second.cache.get(key);
    expect(found).toMatchObject({ facts });
    expect(Buffer.from(found!.data)).toEqual(Buffer.from(data));
    await second.cache.settle!();
    // Whoever has no key reads, and whoever has another believes nothing.
    expect(await (await machine({ ...options, key: undefined } as never)).cache.get(key)).toMatchObject({ facts });
    const stranger = await machine({ ...options, key: 'another' });
    expect(await stranger.cache.get(key)).toBeUndefined();
    expect(stranger.said).toEqual([expect.stringContaining('it is not signed with the key')]);
    expect([...first.said, ...second.said]).toEqual([]);

    const folder = temporaryFolder();
    const env = { UPRES_REMOTE_CACHE: service.location, UPRES_REMOTE_CACHE_KEY: 'a secret of the team' };
    const run = (...args: string[]) => runChild(main, ['cache', ...args, '--json', '--cache', folder], { env });
    expect(await run('pull')).toMatchObject({ code: 0, stdout: '{"results":3,"downloaded":3}\n' });
    expect(await run('pull')).toMatchObject({ code: 0, stdout: '{"results":3,"downloaded":0}\n' });
    expect(await run('push')).toMatchObject({ code: 0, stdout: '{"results":3,"uploaded":0,"withheld":0}\n' });
    const { stdout } = await run('stats');
    const stats = JSON.parse(stdout) as { entries: number; remote: { entries: number; bytes: number } };
    expect(stats).toMatchObject({ entries: 3, remote: { entries: 3 } });
    const blob = await packResult(key, { data, facts }, 'a secret of the team');
    expect(stats.remote.bytes).toBe(3 * blob.length);

    // What was taken without the key is downloaded again by those who have it.
    const careless = { folder: temporaryFolder(), remote: service.location };
    const pull = async (more: object) =>
      (await openForTransfer({ ...careless, ...more }, process.cwd(), () => undefined)).pull();
    expect(await pull({})).toMatchObject({ results: 3, downloaded: 3 });
    expect(await pull({ key: 'a secret of the team' })).toMatchObject({ results: 3, downloaded: 3 });
    expect(await pull({ key: 'a secret of the team' })).toMatchObject({ results: 3, downloaded: 0 });

    // A result that is no good is written over.
    const store = openRemote(service.location, undefined);
    await store.put(key, Buffer.from('<!doctype html>'), false);
    const third = await machine(options);
    expect(await third.cache.get(key)).toBeUndefined();
    await put(third.cache, 'a');
    await third.cache.settle!();
    expect(await store.get(key, () => undefined)).toHaveLength(blob.length);
    if (service.location.startsWith('redis:')) {
      // A connection that was cut while nobody needed it is opened again.
      const other = new Redis(service.location);
      await other.call('CLIENT', 'KILL', 'TYPE', 'normal');
      await vi.waitUntil(() => store.get(key, () => undefined).catch(() => undefined), { timeout: 20_000 });
      other.disconnect();
    }
    store.close();

    await service.kill();
    const last = await machine(options);
    expect(await last.cache.get(key)).toBeUndefined();
    await put(last.cache, 'a', 'b');
    await last.cache.settle!();
    expect(last.said).toEqual([expect.stringMatching(/^the remote cache \S+ is left alone: /)]);
    expect(await run('stats')).toMatchObject({ code: 1, stdout: expect.stringContaining('"entries":3') as string });
  });
});

test('what has no list can’t be pulled, and says so', async () => {
  const remote = await startRemote();
  const args = ['--cache', temporaryFolder(), '--remote-cache', remote.url];
  const pulled = await runChild(main, ['cache', 'pull', ...args]);
  expect(pulled.code).toBe(2);
  expect(pulled.stderr).toContain('has no list of its results: only s3:// and redis:// can be pulled');
  const nowhere = ['--cache', temporaryFolder(), '--remote-cache', 'redis://me:geheim@127.0.0.1:9/'];
  expect(await runChild(main, ['cache', 'pull', ...nowhere])).toMatchObject({
    code: 1,
    stderr: 'note: the remote cache 127.0.0.1:9 is left alone: connect ECONNREFUSED 127.0.0.1:9\n',
  });
  expect(await runChild(main, ['cache', 'stats', ...args])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('has no list of its results') as string,
  });
});

test('a server takes results from a remote cache, and gives them to it', { timeout: 60_000 }, async () => {
  const remote = await startRemote();
  const cache = { remote: remote.url, mode: 'read-write' } as const;
  const post = async (folder: string): Promise<{ bytes: Buffer; server: { close(): Promise<void> } }> => {
    const server = await startServer({ cache: { ...cache, folder } });
    const body = new Uint8Array(data);
    const response = await fetch(`${server.url}/v1/upscale?upscale=2&model=bicubic`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'image/png' },
    });
    expect(response.status).toBe(200);
    return { bytes: Buffer.from(await response.arrayBuffer()), server };
  };
  const first = await post(temporaryFolder());
  await first.server.close();
  expect([...remote.stored.keys()]).toHaveLength(1);
  const second = await post(temporaryFolder());
  expect(second.bytes).toEqual(first.bytes);
  expect(remote.asked.map((line) => line.split(' ')[0])).toEqual(['GET', 'PUT', 'GET']);
});

test('the server of upres is one where it is asked to: it keeps results, and nothing else', async () => {
  const token = 'a-token-that-nobody-guesses';
  const server = await startServer({ shareCache: true, tokens: [token] });
  const remote = `${server.url}/v1/cache/`;
  const options = { remote, token, key: 'a secret', mode: 'read-write' } as const;
  const first = await machine(options);
  await put(first.cache, 'a', 'b');
  await first.cache.settle!();
  const second = await machine(options);
  expect(await second.cache.get(key)).toMatchObject({ facts });
  expect(await second.cache.get(keyOf('nothing'))).toBeUndefined();
  expect([...first.said, ...second.said]).toEqual([]);

  const blob = await packResult(key, { data, facts }, undefined);
  const send = (name: string, body: Uint8Array | string, more: Record<string, string> = {}) =>
    ask(server, `/v1/cache/${name}`, {
      method: 'PUT',
      body,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream', ...more },
    });
  expect((await send(key, blob, { 'if-none-match': '*' })).status).toBe(412);
  expect((await send(keyOf('c'), blob)).problem.code).toBe('BAD_ARGUMENT');
  expect((await send(key, 'anything')).problem.code).toBe('BAD_ARGUMENT');
  expect((await send('../jobs', blob)).status).toBe(404);
  expect((await send(key.toUpperCase(), blob)).status).toBe(422);
  expect((await send(key, blob, { authorization: 'Bearer another-token-of-16' })).status).toBe(401);
  // What was refused has changed nothing.
  expect(await (await machine(options)).cache.get(key)).toMatchObject({ facts });
  expect((await ask(await startServer(), `/v1/cache/${key}`)).status).toBe(404);
});
