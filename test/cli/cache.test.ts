import { readFile, rm, writeFile } from 'node:fs/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { jsonLines, sharedCache, upres } from './support/command.js';
import { makeFolder } from './support/folder.js';
import { picture } from './support/pictures.js';

afterAll(() => rm(sharedCache, { recursive: true, force: true }));

const makeLines = async (folder: string, ...flags: string[]) => {
  const { code, stdout, stderr } = await upres(['a.png', '--json', '--quiet', '--cache', 'kept', ...flags], {
    cwd: folder,
  });
  expect(code, stderr).toBe(0);
  return jsonLines(stdout).get('a.png');
};

describe('the cache', () => {
  test('gives the same bytes again without computing, and says so', async () => {
    await using folder = await makeFolder();
    await folder.write({ 'a.png': await picture(24, 16) });
    expect(await makeLines(folder.path)).toMatchObject({ cached: false });
    const first = await readFile(folder.join('a@2x.png'));
    await rm(folder.join('a@2x.png'));
    expect(await makeLines(folder.path)).toMatchObject({ cached: true });
    expect(await readFile(folder.join('a@2x.png'))).toEqual(first);
  });

  test('is not asked for another size, model or source', async () => {
    await using folder = await makeFolder();
    await folder.write({ 'a.png': await picture(24, 16) });
    await makeLines(folder.path);
    expect(await makeLines(folder.path, '-x', '3')).toMatchObject({ cached: false });
    expect(await makeLines(folder.path, '-m', 'art')).toMatchObject({ cached: false });
    await folder.write({ 'a.png': await picture(16, 24) });
    expect(await makeLines(folder.path)).toMatchObject({ cached: false });
  });

  test('is neither read nor written with --no-cache', async () => {
    await using folder = await makeFolder();
    await folder.write({ 'a.png': await picture(24, 16) });
    const once = () => upres(['a.png', '--json', '--quiet', '--no-cache'], { cwd: folder.path });
    expect(jsonLines((await once()).stdout).get('a.png')).toMatchObject({ cached: false });
    expect(jsonLines((await once()).stdout).get('a.png')).toMatchObject({ cached: false });
  });

  test('lies in the project, where build tools keep theirs', async () => {
    await using folder = await makeFolder();
    await folder.write({ 'package.json': new TextEncoder().encode('{}') });
    const { stdout } = await upres(['cache', 'stats', '--json'], { cwd: folder.path });
    expect(JSON.parse(stdout)).toMatchObject({
      folder: folder.join('node_modules/.cache/upres'),
      entries: 0,
      bytes: 0,
    });
  });

  test('is counted, pruned by size and cleared', async () => {
    await using folder = await makeFolder();
    await folder.write({ 'a.png': await picture(24, 16) });
    await makeLines(folder.path);
    await makeLines(folder.path, '-x', '3');
    const look = async (...words: string[]): Promise<unknown> => {
      const { code, stdout, stderr } = await upres(['cache', ...words, '--cache', 'kept', '--json'], {
        cwd: folder.path,
      });
      expect(code, stderr).toBe(0);
      return JSON.parse(stdout);
    };
    expect(await look('stats')).toMatchObject({ entries: 2 });
    expect(await look('verify')).toMatchObject({ kept: 2, removed: 0 });
    expect(await look('prune', '--max-size', '1')).toMatchObject({ removed: 2, entries: 0 });
    await makeLines(folder.path);
    await look('clear');
    expect(await look('stats')).toMatchObject({ entries: 0, bytes: 0 });
  });

  test.each([
    [['cache', 'purne'], 'cache takes stats, verify, prune, clear, push, pull, not "purne". Did you mean "prune"?'],
    [['models', 'lst'], 'models takes list, add, remove, not "lst". Did you mean "list"?'],
    [['models', 'check', 'a.onnx'], 'models takes list, add, remove, not "check".'],
  ])('an unknown action is wrong usage: %j', async (args, message) => {
    await using folder = await makeFolder();
    const { code, stderr } = await upres(args, { cwd: folder.path });
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  test('that can’t be written is said once, and the pictures are made all the same', async () => {
    await using folder = await makeFolder();
    const bytes = await picture(24, 16);
    await folder.write({ 'a.png': bytes, 'b.png': bytes });
    await writeFile(folder.join('kept'), 'a file where the folder should be');
    const { code, stderr } = await upres(['.', '--cache', 'kept'], { cwd: folder.path });
    expect(code).toBe(0);
    expect(stderr.match(/can't be written/g)).toHaveLength(1);
  });
});
