import { readFile, rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OutputLine } from '#src/cli/report.js';
import { openFarm } from '#src/server/farm/farm.js';
import { openWorker } from '#src/server/farm/worker.js';
import type { WorkedImage } from '#src/server/index.js';
import { farmLeft } from '../server/support/farm-left.js';
import { temporaryFolder } from '../support/folders.js';
import { redisProgram, startRedis, type Service } from '../support/services.js';
import { jsonLines, sharedCache, upres } from './support/command.js';
import { type Folder, makeFolder } from './support/folder.js';
import { picture } from './support/pictures.js';

afterAll(() => rm(sharedCache, { recursive: true, force: true }));

describe('the flags of a farm', () => {
  test.each<[string[], RegExp]>([
    [['--queue', 'redis://127.0.0.1:1/0'], /--queue and --storage are both of a farm/],
    [['--storage', 'pictures'], /--queue and --storage are both of a farm/],
    [['--queue', 'http://127.0.0.1', '--storage', 'pictures'], /--queue must be redis:/],
    [['--queue', 'redis://127.0.0.1:1/0', '--storage', 'ftp://here'], /a storage is a folder or s3/],
    [['--queue', 'redis://127.0.0.1:1/0', '--storage', 'pictures', '-m', './net.onnx'], /networks by label/],
  ])('%j', async (flags, words) => {
    await using folder = await makeFolder();
    await folder.write({ 'a.png': await picture(8, 8) });
    const { code, stderr } = await upres(['a.png', ...flags], { cwd: folder.path });
    expect(stderr).toMatch(words);
    expect(code).toBe(2);
  });
});

test('a cache that is none is said before anything is open', async () => {
  await using folder = await makeFolder();
  await folder.write({ 'a.png': await picture(8, 8) });
  const { code, stderr } = await upres(['a.png', '--queue', 'redis://127.0.0.1:1/0', '--storage', 'pictures'], {
    cwd: folder.path,
    env: { UPRES_REMOTE_CACHE: 'ftp://here' },
  });
  expect(stderr).toMatch(/UPRES_REMOTE_CACHE must be/);
  expect(code).toBe(2);
});

describe.skipIf(redisProgram === undefined)('the command on a farm', () => {
  let redis: Service;
  let shared: { readonly queue: string; readonly storage: string };
  let where: readonly string[];

  beforeAll(async () => {
    redis = await startRedis(temporaryFolder());
    shared = { queue: redis.location, storage: temporaryFolder() };
    where = ['--queue', shared.queue, '--storage', shared.storage];
  });

  const work = (onImage?: (image: WorkedImage) => void) =>
    openWorker({ ...shared, cache: false, threads: 1, ...(onImage && { onImage }) }, { lockMs: 1500, mendMs: 500 });

  async function outputs(folder: Folder): Promise<Record<string, string>> {
    const names = (await folder.list()).filter((name) => name.startsWith('out/'));
    const bytes: Record<string, string> = {};
    for (const name of names) bytes[name] = await readFile(folder.join(name), 'base64');
    return bytes;
  }

  test('writes the same bytes and says the same as on this machine', async () => {
    const animation = await sharp({ create: { width: 16, height: 32, channels: 3, background: 'red' } })
      .gif({ pageHeight: 16 } as object)
      .toBuffer();
    const sources = {
      'in/a.png': await picture(24, 16),
      'in/deep/b.jpg': await sharp(await picture(20, 30))
        .withMetadata({ orientation: 6 })
        .jpeg()
        .toBuffer(),
      'in/c.gif': animation,
      'in/cut.png': (await picture(40, 40)).subarray(0, 200),
      'in/copy.png': await picture(24, 16),
      'in/text.png': Buffer.from('no picture'),
      'in/empty.png': Buffer.alloc(0),
    };
    await using worker = await work();
    await using here = await makeFolder();
    await using there = await makeFolder();
    const flags = ['--width', '40', '--height', '30', '--colour', 'keep', '--alpha', 'bicubic', '--animation', 'keep'];
    flags.push('-f', 'png,jpeg', '-q', '70', '--on-error', 'original', '--max-input-pixels', '900', '--no-cache');
    const run = async (folder: Folder, more: readonly string[]) => {
      await folder.write(sources);
      const { code, stdout } = await upres(['in', '-o', 'out', '--json', ...flags, ...more], { cwd: folder.path });
      const lines = stdout.trim().split('\n');
      const timeless = lines.map((line) => JSON.stringify({ ...(JSON.parse(line) as OutputLine), ms: 0 }));
      return { code, lines: timeless.sort() };
    };
    const said = await run(here, []);
    expect(await run(there, where)).toEqual(said);
    expect(said.lines.filter((line) => line.includes('"modelReason"')).length).toBeGreaterThan(3);
    expect(await outputs(there)).toEqual(await outputs(here));
    expect(await farmLeft(shared.queue, shared.storage)).toEqual({ keys: [], objects: [] });
    await worker.close();
  });

  test('goes on where it was after Ctrl-C, and computes nothing twice', async () => {
    await using folder = await makeFolder();
    const names = Array.from({ length: 3 }, (_, i) => `${i}.png`);
    for (const [i, name] of names.entries()) await folder.write({ [name]: await picture(20 + i, 20) });
    const farm = await openFarm({ ...shared, atOnce: 1, warn: () => undefined });
    let asked = false;
    const interrupted = await upres(['.', '--no-cache', ...where], {
      cwd: folder.path,
      onStderr: (text, child) => {
        if (asked || !text.includes('no worker of the farm is there')) return;
        asked = true;
        void (async () => {
          while ((await farm.store.listOpen()).length < names.length) await delay(20);
          child.kill('SIGINT');
        })();
      },
    });
    expect(interrupted.code, interrupted.stderr).toBe(130);
    expect(interrupted.stderr).toContain('Stopped: 3 images not finished.');
    expect(interrupted.stderr).toContain('the same command goes on with it');
    const done: WorkedImage[] = [];
    const worker = await work((image) => done.push(image));
    while ((await farm.store.listOpen()).length > 0) await delay(20);
    const again = await upres(['.', '--no-cache', ...where], { cwd: folder.path });
    expect(again.code, again.stderr).toBe(0);
    expect(done).toHaveLength(names.length);
    expect((await folder.list()).filter((name) => name.includes('@2x'))).toHaveLength(names.length);
    await worker.close();
    await farm.close();
    expect(await farmLeft(shared.queue, shared.storage)).toEqual({ keys: [], objects: [] });
  });

  test('goes on when the connection is back', async () => {
    await using folder = await makeFolder();
    await folder.write({ 'a.png': await picture(24, 16), 'b.png': await picture(30, 16) });
    const farm = await openFarm({ ...shared, atOnce: 1, warn: () => undefined });
    const running = upres(['.', '--no-cache', ...where], { cwd: folder.path });
    while ((await farm.store.listOpen()).length < 2) await delay(20);
    await redis.kill();
    await delay(500);
    await redis.start();
    await using worker = await work();
    const { code, stderr } = await running;
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/does not answer.*\n(?:.*\n)*.*is there again/);
    expect((await folder.list()).filter((name) => name.includes('@2x'))).toHaveLength(2);
    await worker.close();
    await farm.close();
    expect(await farmLeft(shared.queue, shared.storage)).toEqual({ keys: [], objects: [] });
  });

  test('says that a network is not known, and foresees without the queue', async () => {
    await using folder = await makeFolder();
    await folder.write({ 'a.png': await picture(8, 8) });
    const nowhere = ['--queue', 'redis://127.0.0.1:1/0', '--storage', shared.storage];
    const dry = await upres(['a.png', '--dry-run', '--json', ...nowhere], { cwd: folder.path });
    expect(dry.code, dry.stderr).toBe(0);
    expect(jsonLines(dry.stdout).get('a.png')).toMatchObject({ width: 16, dryRun: true });
    await using worker = await work();
    const { code, stdout } = await upres(['a.png', '-m', 'mine', '--json', ...where], { cwd: folder.path });
    expect(code).toBe(1);
    expect(jsonLines(stdout).get('a.png')).toMatchObject({ error: { code: 'BAD_ARGUMENT' } });
    await worker.close();
    expect(await farmLeft(shared.queue, shared.storage)).toEqual({ keys: [], objects: [] });
  });
});
