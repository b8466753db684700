import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { ThreadPool } from '#src/network/pool/thread-pool.js';
import { runtimeVersion } from '#src/network/pool/runtime.js';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { defaultCacheFolder } from '#src/network/weights/cache-folder.js';
import { WeightsStore } from '#src/network/weights/weights-store.js';
import { runChild } from '../support/child.js';
import { codeOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';
import { classifier } from '../support/networks.js';
import { differences, noise } from '../support/pictures.js';

const picture = noise(40, 30);

/** Loads `bicubic` ×2, the quickest to prepare, computes a picture, and tells whether the weights were mapped. */
async function use(cacheFolder: string): Promise<{ data: ArrayLike<number>; shared: boolean }> {
  await using network = await ThreadSafeNetwork.fromLabel('bicubic', { cacheFolder });
  const { data } = await network.upscaleImage(picture);
  return { data, shared: network.weights.shared };
}

/** The one folder of prepared weights. */
function prepared(cacheFolder: string): string {
  const names = readdirSync(join(cacheFolder, 'weights'));
  expect(names).toHaveLength(1);
  return join(cacheFolder, 'weights', names[0]!);
}

/** Each file with what changes when it is written again. */
function identities(folder: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder).map((name) => {
      const { ino, mtimeMs, size } = statSync(join(folder, name));
      return [name, `${ino} ${mtimeMs} ${size}`];
    }),
  );
}

describe('prepared weights', () => {
  it("lie in folders of the user's own that no one else may look into", async () => {
    const cacheFolder = join(temporaryFolder(), 'cache');
    await use(cacheFolder);
    for (const folder of [cacheFolder, join(cacheFolder, 'weights'), prepared(cacheFolder)]) {
      expect(statSync(folder).mode & 0o777, folder).toBe(0o700);
    }
    expect(readdirSync(prepared(cacheFolder)).sort()).toEqual(
      [
        'float32-1.onnx',
        'float32-3.onnx',
        'manifest.json',
        'uint16-1.onnx',
        'uint16-3.onnx',
        'uint8-1.onnx',
        'uint8-3.onnx',
        'trimmed.onnx',
        'trimmed.onnx.data',
      ].sort(),
    );
  });

  it('are used again by the next load, untouched', async () => {
    const cacheFolder = temporaryFolder();
    const first = await use(cacheFolder);
    const before = identities(prepared(cacheFolder));
    const second = await use(cacheFolder);
    expect(identities(prepared(cacheFolder))).toEqual(before);
    expect(differences(first.data, second.data)).toBe(0);
  });

  it('have a folder for each network, and each scale', async () => {
    const cacheFolder = temporaryFolder();
    for (const scale of [2, 3]) await (await ThreadSafeNetwork.fromLabel('nearest', { scale, cacheFolder })).dispose();
    expect(readdirSync(join(cacheFolder, 'weights'))).toHaveLength(2);
  });

  it('are named after the network, the processor and the version of the runtime', async () => {
    const cacheFolder = temporaryFolder();
    await use(cacheFolder);
    await using network = await ThreadSafeNetwork.fromLabel('bicubic', { cacheFolder });
    const [key, machine] = prepared(cacheFolder).split('/').at(-1)!.split('-');
    expect(network.weights.hash.startsWith(key!)).toBe(true);
    expect(machine).toMatch(/^[0-9a-f]{16}$/);
    expect(
      (
        JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
          dependencies: Record<string, string>;
        }
      ).dependencies['onnxruntime-node'],
    ).toBe(runtimeVersion);
  });

  it.each([
    ['a byte is flipped in a graph', 'uint8-3.onnx', flip],
    ['a graph is cut short', 'uint8-3.onnx', cut],
    [
      'a graph is gone',
      'uint16-1.onnx',
      (path: string) => {
        renameSync(path, `${path}.gone`);
      },
    ],
    ['the manifest is cut short', 'manifest.json', cut],
    [
      'the manifest is empty',
      'manifest.json',
      (path: string) => {
        writeFileSync(path, '');
      },
    ],
    [
      'the manifest lists nothing',
      'manifest.json',
      (path: string) => {
        writeFileSync(path, '{"files":{},"geometry":{}}');
      },
    ],
  ])('are found damaged and made again when %s', async (_, name, damage) => {
    const cacheFolder = temporaryFolder();
    const first = await use(cacheFolder);
    const folder = prepared(cacheFolder);
    const before = identities(folder);
    damage(join(folder, name));
    const again = await use(cacheFolder);
    expect(again.shared).toBe(true);
    expect(differences(again.data, first.data)).toBe(0);
    expect(identities(prepared(cacheFolder))[name]).not.toBe(before[name]);
  });

  it('are found damaged when one number of their geometry is another', async () => {
    const cacheFolder = temporaryFolder();
    const first = await use(cacheFolder);
    const path = join(prepared(cacheFolder), 'manifest.json');
    const text = readFileSync(path, 'utf8');
    const changed = text.replace('"left": 2', '"left": 1');
    expect(changed).not.toBe(text);
    writeFileSync(path, changed);
    expect(differences((await use(cacheFolder)).data, first.data)).toBe(0);
    expect(readFileSync(path, 'utf8')).toContain('"left": 2');
  });

  it('are never changed in place: a process that has mapped them keeps what it mapped', async () => {
    const cacheFolder = temporaryFolder();
    await using network = await ThreadSafeNetwork.fromLabel('natural', { cacheFolder });
    const before = await network.upscaleImage(picture);
    const folder = prepared(cacheFolder);
    const kept = `${folder}-kept`;
    renameSync(folder, kept);
    const identity = identities(kept);
    await using second = await ThreadSafeNetwork.fromLabel('natural', { cacheFolder });
    expect(identities(kept)).toEqual(identity);
    expect(differences((await network.upscaleImage(picture)).data, before.data)).toBe(0);
    expect(differences((await second.upscaleImage(picture)).data, before.data)).toBe(0);
  });

  it('are prepared by two processes at once without harm', async () => {
    const cacheFolder = temporaryFolder();
    const script = fileURLToPath(new URL('./fixtures/hash-of-result.js', import.meta.url));
    const children = await Promise.all([1, 2, 3].map(() => runChild(script, [cacheFolder, 'natural', '2'])));
    expect(children.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
      children.map(() => ({ code: 0, stderr: '' })),
    );
    const outcomes = children.map(({ stdout }) => JSON.parse(stdout) as { hash: string; shared: boolean });
    expect(new Set(outcomes.map(({ hash }) => hash)).size).toBe(1);
    expect(outcomes.every(({ shared }) => shared)).toBe(true);
    prepared(cacheFolder);
  });

  it('are prepared once by loads at once in one process', async () => {
    const cacheFolder = temporaryFolder();
    using prepare = vi.spyOn(ThreadPool.prototype, 'prepare');
    const results = await Promise.all([use(cacheFolder), use(cacheFolder), use(cacheFolder)]);
    expect(prepare).toHaveBeenCalledTimes(1);
    for (const { data, shared } of results) {
      expect(shared).toBe(true);
      expect(differences(data, results[0].data)).toBe(0);
    }
    prepared(cacheFolder);
  });

  it('are not prepared twice where the network is to blame', async () => {
    using prepare = vi.spyOn(ThreadPool.prototype, 'prepare');
    const loading = ThreadSafeNetwork.fromBytes(classifier(), { cacheFolder: temporaryFolder() });
    expect(await codeOf(loading)).toBe('MODEL_UNSUPPORTED');
    expect(prepare).toHaveBeenCalledTimes(1);
  });

  it('are prepared again where the folder was swept while the network is open', async () => {
    const cacheFolder = temporaryFolder();
    const deep = { ...picture, data: Uint16Array.from(picture.data, (value) => value * 257) };
    await using network = await ThreadSafeNetwork.fromLabel('bicubic', { cacheFolder, threads: 2 });
    const before = await network.upscaleImage(picture);
    const expected = await network.upscaleImage(deep);
    await using second = await ThreadSafeNetwork.fromLabel('nearest', { cacheFolder, threads: 2 });
    rmSync(join(cacheFolder, 'weights'), { recursive: true });
    // No thread has opened a session for `nearest`, nor for 16 bits of one channel.
    expect((await second.upscaleImage(picture)).width).toBe(80);
    const plane = { ...deep, channels: 1, data: deep.data.subarray(0, 1200) } as const;
    expect((await network.upscaleImage(plane)).data).toHaveLength(4800);
    expect(differences((await network.upscaleImage(picture)).data, before.data)).toBe(0);
    expect(differences((await network.upscaleImage(deep)).data, expected.data)).toBe(0);
    expect(readdirSync(join(cacheFolder, 'weights'))).toHaveLength(2);
  });
});

describe('a folder that someone else could write to', () => {
  it.each([
    [
      'a link',
      (cacheFolder: string, elsewhere: string) => {
        symlinkSync(elsewhere, join(cacheFolder, 'weights'));
      },
    ],
    [
      'one that all may write to',
      (cacheFolder: string) => {
        mkdirSync(join(cacheFolder, 'weights'));
        chmodSync(join(cacheFolder, 'weights'), 0o777);
      },
    ],
    [
      "one that the user's group may write to",
      (cacheFolder: string) => {
        mkdirSync(join(cacheFolder, 'weights'));
        chmodSync(join(cacheFolder, 'weights'), 0o770);
      },
    ],
  ])('is not trusted: %s', async (_, make) => {
    const cacheFolder = temporaryFolder();
    const elsewhere = temporaryFolder();
    make(cacheFolder, elsewhere);
    const expected = await use(temporaryFolder());
    const { shared, data } = await use(cacheFolder);
    expect(shared).toBe(false);
    expect(differences(data, expected.data)).toBe(0);
    expect(readdirSync(elsewhere)).toEqual([]);
    expect(readdirSync(join(cacheFolder, 'weights'))).toEqual([]);
  });

  it('is not trusted: prepared weights with the right name that are a link, or that others may write to', async () => {
    const cacheFolder = temporaryFolder();
    await use(cacheFolder);
    const folder = prepared(cacheFolder);
    const store = new WeightsStore(cacheFolder);
    await using network = await ThreadSafeNetwork.fromLabel('bicubic', { cacheFolder });
    const key = network.weights.hash;
    expect(await store.find(key)).toBeDefined();
    chmodSync(folder, 0o777);
    expect(await store.find(key)).toBeUndefined();
    chmodSync(folder, 0o700);
    const moved = join(temporaryFolder(), 'moved');
    renameSync(folder, moved);
    symlinkSync(moved, folder);
    expect(await store.find(key)).toBeUndefined();
    // Nothing behind a link is touched.
    expect(readdirSync(moved).length).toBeGreaterThan(0);
  });
});

describe('the store', () => {
  it('removes what killed processes left behind, and leaves alone what others are writing', async () => {
    const cacheFolder = temporaryFolder();
    const store = new WeightsStore(cacheFolder);
    const [old, fresh] = [await store.createDraft(), await store.createDraft()];
    const hoursAgo = new Date(Date.now() - 2 * 60 * 60 * 1000);
    writeFileSync(join(old, 'core.onnx.data'), 'half');
    utimesSync(old, hoursAgo, hoursAgo);
    const draft = await store.createDraft();
    expect(readdirSync(join(cacheFolder, 'weights')).sort()).toEqual(
      [fresh, draft].map((path) => path.split('/').at(-1)!).sort(),
    );
  });

  it('leaves nothing behind when a network can not be prepared', async () => {
    const cacheFolder = temporaryFolder();
    await ThreadSafeNetwork.fromBytes(new Uint8Array(50).fill(7), { cacheFolder }).catch(() => undefined);
    expect(readdirSync(join(cacheFolder, 'weights'))).toEqual([]);
  });

  it('knows nothing before anything was prepared, and makes no folder by looking', async () => {
    const cacheFolder = join(temporaryFolder(), 'none');
    expect(await new WeightsStore(cacheFolder).find('0'.repeat(64))).toBeUndefined();
    expect(existsSync(cacheFolder)).toBe(false);
  });

  it('gives a draft its name once; the second comes too late and goes', async () => {
    const cacheFolder = temporaryFolder();
    await use(cacheFolder);
    const folder = prepared(cacheFolder);
    const before = identities(folder);
    await using network = await ThreadSafeNetwork.fromLabel('bicubic', { cacheFolder });
    const store = new WeightsStore(cacheFolder);
    const draft = await store.createDraft();
    writeFileSync(join(draft, 'manifest.json'), 'of another process');
    await store.publish(draft, network.weights.hash);
    expect(existsSync(draft)).toBe(false);
    expect(identities(folder)).toEqual(before);
  });

  it('lies where the environment says', () => {
    const before = process.env.UPRES_CACHE_FOLDER;
    process.env.UPRES_CACHE_FOLDER = '/somewhere/else';
    expect(defaultCacheFolder()).toBe('/somewhere/else');
    delete process.env.UPRES_CACHE_FOLDER;
    expect(defaultCacheFolder()).toMatch(/upres/);
    if (before !== undefined) process.env.UPRES_CACHE_FOLDER = before;
  });

  it("keeps the same bytes for a file's hash", async () => {
    const cacheFolder = temporaryFolder();
    await use(cacheFolder);
    const folder = prepared(cacheFolder);
    const { files } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as {
      files: Record<string, string>;
    };
    for (const [name, hash] of Object.entries(files)) {
      expect(
        createHash('sha256')
          .update(readFileSync(join(folder, name)))
          .digest('hex'),
      ).toBe(hash);
    }
    expect(Object.keys(files).sort()).toEqual(
      readdirSync(folder)
        .filter((name) => name !== 'manifest.json')
        .sort(),
    );
  });
});

function flip(path: string): void {
  const bytes = readFileSync(path);
  const middle = bytes.length >> 1;
  bytes[middle] = bytes[middle]! ^ 1;
  writeFileSync(path, bytes);
}

function cut(path: string): void {
  truncateSync(path, statSync(path).size - 1);
}
