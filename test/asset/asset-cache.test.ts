import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { AssetCache, projectCacheFolder } from '#src/asset/asset-cache.js';
import { runChild } from '../support/child.js';
import { temporaryFolder } from '../support/folders.js';

interface Facts {
  readonly hash: string;
}

const fill = fileURLToPath(new URL('fixtures/fill-cache.js', import.meta.url));
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
