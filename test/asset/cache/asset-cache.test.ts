import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import cacache from 'cacache';
import { describe, expect, it } from 'vitest';
import { AssetCache } from '#src/asset/cache/asset-cache.js';
import { projectCacheFolder } from '#src/asset/cache/cache-folder.js';
import { findEntry, layout } from '#src/asset/cache/cacache-folder.js';
import { runChild } from '../../support/child.js';
import { temporaryFolder } from '../../support/folders.js';

interface Facts {
  readonly hash: string;
}

const fill = fileURLToPath(new URL('../fixtures/fill-cache.js', import.meta.url));
const facts: Facts = { hash: 'h' };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Paths of all files in a folder of cacache's. */
function filesIn(folder: string, part: 'content-v2' | 'index-v5'): string[] {
  return readdirSync(join(folder, part), { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, part, name))
    .filter((file) => statSync(file).isFile());
}

function flipLastByte(file: string): void {
  const contents = readFileSync(file);
  contents[contents.length - 1]! ^= 1;
  writeFileSync(file, contents);
}

describe('keeping', () => {
  it('gives back the very bytes and facts', async () => {
    const cache = new AssetCache<Facts>(temporaryFolder());
    expect(await cache.get('k')).toBeUndefined();
    await cache.put('k', bytes('the result'), facts);
    await cache.put('other', bytes('another'), facts);
    const found = await cache.get('k');
    expect(found?.facts).toEqual(facts);
    expect(Buffer.from(found!.data).toString()).toBe('the result');
  });

  it('keeps only the part of a buffer that was given', async () => {
    const cache = new AssetCache<Facts>(temporaryFolder());
    await cache.put('k', bytes('abcdef').subarray(2, 4), facts);
    expect(Buffer.from((await cache.get('k'))!.data).toString()).toBe('cd');
  });

  it('gives back a large result, and not a damaged one', async () => {
    const folder = temporaryFolder();
    const cache = new AssetCache<Facts>(folder);
    const large = Uint8Array.from({ length: 9_000_001 }, (_, i) => (i * 7919) >>> 5);
    await cache.put('k', large, facts);
    const found = await cache.get('k');
    expect(found?.facts).toEqual(facts);
    expect(Buffer.compare(found!.data, large)).toBe(0);
    expect(await cache.stats()).toMatchObject({ entries: 1, bytes: large.length });
    filesIn(folder, 'content-v2').forEach(flipLastByte);
    expect(await cache.get('k')).toBeUndefined();
    expect(await cache.stats()).toMatchObject({ entries: 0 });
    await cache.put('k', large, facts);
    expect(Buffer.compare((await cache.get('k'))!.data, large)).toBe(0);
  });

  it('puts the folder next to the packages of the project around, and nowhere outside of projects', () => {
    const root = temporaryFolder();
    expect(projectCacheFolder(root)).toBeUndefined();
    writeFileSync(join(root, 'package.json'), '{}');
    mkdirSync(join(root, 'src'));
    expect(projectCacheFolder(join(root, 'src'))).toBe(join(root, 'node_modules/.cache/upres'));
  });
});

describe('the folder', () => {
  it('is read in the layout in which cacache writes it', async () => {
    const manifest = createRequire(import.meta.url)('cacache/package.json') as { 'cache-version': unknown };
    expect(manifest['cache-version']).toEqual(layout);
    const folder = temporaryFolder();
    const keys = Array.from({ length: 20 }, (_, index) => `key ${index}`);
    for (const key of keys) await cacache.put(folder, key, Buffer.from(`content of ${key}`), { metadata: { key } });
    // Written again, removed, and removed and written again.
    await cacache.put(folder, keys[0]!, Buffer.from('new content'), { metadata: { key: 'new' } });
    await cacache.rm.entry(folder, keys[1]!);
    await cacache.rm.entry(folder, keys[2]!);
    await cacache.put(folder, keys[2]!, Buffer.from('back again'), { metadata: { key: 'back' } });
    for (const key of [...keys, 'none']) {
      const there = await cacache.get.info(folder, key);
      const expected = there && {
        integrity: there.integrity,
        size: there.size,
        path: there.path,
        metadata: there.metadata as unknown,
      };
      expect(await findEntry(folder, key), key).toEqual(expected ?? undefined);
    }
    expect(await findEntry(folder, keys[1]!)).toBeUndefined();
    expect((await findEntry(folder, keys[2]!))?.metadata).toEqual({ key: 'back' });
  });

  it('is read past lines that are damaged or another key’s', async () => {
    const folder = temporaryFolder();
    await cacache.put(folder, 'key', Buffer.from('content'), { metadata: 1 });
    const [bucket] = filesIn(folder, 'index-v5');
    const line = readFileSync(bucket!, 'utf8');
    const foreign = JSON.stringify({ key: 'another', integrity: 'sha512-AAAA' });
    const sound = (json: string): string => `\n${createHash('sha1').update(json).digest('hex')}\t${json}`;
    writeFileSync(bucket!, `${line}${line.slice(0, 60)}${sound(foreign)}${sound('null')}\n\t\n{}`);
    expect(await findEntry(folder, 'key')).toMatchObject({ metadata: 1 });
    writeFileSync(bucket!, line.slice(0, -2));
    expect(await findEntry(folder, 'key')).toBeUndefined();
  });

  it('may have lost a result that its index has', async () => {
    const folder = temporaryFolder();
    const cache = new AssetCache<Facts>(folder);
    await cache.put('k', bytes('the result'), facts);
    for (const file of filesIn(folder, 'content-v2')) rmSync(file);
    expect(await cache.get('k')).toBeUndefined();
    await cache.put('k', bytes('the result'), facts);
    expect(Buffer.from((await cache.get('k'))!.data).toString()).toBe('the result');
  });
});

describe('damage', () => {
  it.each([
    ['a changed byte', flipLastByte],
    [
      'a file cut short',
      (file: string): void => {
        writeFileSync(file, readFileSync(file).subarray(0, 3));
      },
    ],
    [
      'an empty file',
      (file: string): void => {
        writeFileSync(file, '');
      },
    ],
  ])('%s in a result is noticed, and the result can be cached anew', async (_, damage) => {
    const folder = temporaryFolder();
    const cache = new AssetCache<Facts>(folder);
    await cache.put('k', bytes('the result'), facts);
    filesIn(folder, 'content-v2').forEach(damage);
    expect(await cache.get('k')).toBeUndefined();
    await cache.put('k', bytes('the result'), facts);
    expect(Buffer.from((await cache.get('k'))!.data).toString()).toBe('the result');
  });

  it('in the index is noticed, and the result can be cached anew', async () => {
    const folder = temporaryFolder();
    const cache = new AssetCache<Facts>(folder);
    await cache.put('k', bytes('the result'), facts);
    filesIn(folder, 'index-v5').forEach(flipLastByte);
    expect(await cache.get('k')).toBeUndefined();
    await cache.put('k', bytes('the result'), facts);
    expect(await cache.get('k')).toBeDefined();
  });

  it('is removed by verify, and nothing else', async () => {
    const folder = temporaryFolder();
    const cache = new AssetCache<Facts>(folder);
    await cache.put('good', bytes('the good result'), facts);
    const [good] = filesIn(folder, 'content-v2');
    await cache.put('bad', bytes('the bad result'), facts);
    const bad = filesIn(folder, 'content-v2').find((file) => file !== good)!;
    flipLastByte(bad);
    expect(await cache.verify()).toMatchObject({ kept: 1, removed: 1 });
    expect(await cache.get('good')).toBeDefined();
    expect(await cache.get('bad')).toBeUndefined();
    expect(await cache.stats()).toEqual({ folder, entries: 1, bytes: 15 });
  });
});

describe('a folder that can not be written', () => {
  it('costs a warning, once, and nothing else', async () => {
    const file = join(temporaryFolder(), 'a-file');
    writeFileSync(file, '');
    const warnings: string[] = [];
    const cache = new AssetCache<Facts>(join(file, 'cache'), (message) => warnings.push(message));
    await cache.put('a', bytes('a'), facts);
    await cache.put('b', bytes('b'), facts);
    expect(await cache.get('a')).toBeUndefined();
    expect(warnings).toEqual([
      expect.stringContaining(`results are not cached, because ${join(file, 'cache')} can't be written`),
    ]);
  });
});

describe('looking after it', () => {
  it('an empty or missing folder has nothing', async () => {
    const cache = new AssetCache<Facts>(join(temporaryFolder(), 'none'));
    expect(await cache.stats()).toMatchObject({ entries: 0, bytes: 0 });
    expect(await cache.prune({ maxBytes: 0 })).toEqual({ removed: 0 });
    await cache.clear();
  });

  it('prune keeps the newest, as far as they fit', async () => {
    const cache = new AssetCache<Facts>(temporaryFolder());
    for (const key of ['old', 'middle', 'new']) {
      await cache.put(key, bytes(`${key} result`), facts);
      // Entries carry milliseconds.
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    expect(await cache.prune({ maxBytes: 24 })).toEqual({ removed: 1 });
    expect(await cache.get('old')).toBeUndefined();
    expect(await cache.get('middle')).toBeDefined();
    expect(await cache.get('new')).toBeDefined();
    expect(await cache.prune({ maxBytes: 0 })).toEqual({ removed: 2 });
    expect(await cache.stats()).toMatchObject({ entries: 0, bytes: 0 });
  });

  it('prune removes what is older than this many days', async () => {
    const cache = new AssetCache<Facts>(temporaryFolder());
    await cache.put('k', bytes('k'), facts);
    expect(await cache.prune({ maxAgeDays: 1 })).toEqual({ removed: 0 });
    expect(await cache.prune({ maxAgeDays: -1 })).toEqual({ removed: 1 });
  });

  it('clear removes the folder, unless it is more than a cache', async () => {
    const folder = join(temporaryFolder(), 'cache');
    const cache = new AssetCache<Facts>(folder);
    await cache.put('k', bytes('k'), facts);
    await cache.clear();
    expect(existsSync(folder)).toBe(false);

    await cache.put('k', bytes('k'), facts);
    writeFileSync(join(folder, 'precious.txt'), 'not ours');
    await cache.clear();
    expect(readdirSync(folder)).toEqual(['precious.txt']);
    await cache.clear();
    expect(readdirSync(folder)).toEqual(['precious.txt']);
  });

  it('verify removes what a killed process left half written', async () => {
    const folder = temporaryFolder();
    const cache = new AssetCache<Facts>(folder);
    await cache.put('k', bytes('k'), facts);
    const orphan = join(folder, 'content-v2/sha512/aa/bb/cc');
    mkdirSync(join(orphan, '..'), { recursive: true });
    writeFileSync(orphan, 'no one knows');
    utimesSync(orphan, 0, 0);
    expect(await cache.verify()).toMatchObject({ kept: 1, removed: 1 });
    expect(existsSync(orphan)).toBe(false);
  });
});

describe('several processes', () => {
  it('write the same results at once', async () => {
    const folder = temporaryFolder();
    const children = await Promise.all([1, 2].map(() => runChild(fill, [folder, '10', '20000', '5'])));
    expect(children.map(({ code, stderr }) => [code, stderr])).toEqual([
      [0, ''],
      [0, ''],
    ]);
    expect(await new AssetCache<Facts>(folder).stats()).toMatchObject({ entries: 10, bytes: 200_000 });
  });

  it('killed while they write leave nothing that is wrong', async () => {
    const folder = temporaryFolder();
    let lines = 0;
    const child = await runChild(fill, [folder, '1000', '300000', '1'], {
      onLine: (_, process) => {
        if (++lines === 5) process.kill('SIGKILL');
      },
    });
    expect(child.signal).toBe('SIGKILL');
    const cache = new AssetCache<Facts>(folder);
    let found = 0;
    for (let key = 0; key < lines + 20; key++) {
      const entry = await cache.get(`key ${key}`);
      if (!entry) continue;
      found++;
      expect(createHash('sha256').update(entry.data).digest('hex')).toBe(entry.facts.hash);
    }
    expect(found).toBeGreaterThanOrEqual(5);
    await cache.put('key 7', bytes('new'), facts);
    expect(Buffer.from((await cache.get('key 7'))!.data).toString()).toBe('new');
  });
});
