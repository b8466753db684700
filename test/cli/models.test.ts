import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { afterAll, describe, expect, test } from 'vitest';
import { plainNetwork } from '../support/networks.js';
import { jsonLines, sharedCache, upres } from './support/command.js';
import { makeFolder } from './support/folder.js';
import { picture } from './support/pictures.js';

afterAll(() => rm(sharedCache, { recursive: true, force: true }));

describe('upres models add', () => {
  test('tries a network, keeps it with card, figures and sheet, and its name can be used', async () => {
    await using folder = await makeFolder();
    await folder.write({ 'net.onnx': plainNetwork(), 'a.png': await picture(20, 14) });
    const env = { UPRES_MODELS_FOLDER: folder.join('models') };
    const run = (...args: string[]) => upres(args, { cwd: folder.path, env });
    const added = await run('models', 'add', 'net.onnx', '--name', 'mine', '--json');
    expect(added.code).toBe(0);
    const facts = JSON.parse(added.stdout) as { file: string; sheet: string };
    expect(facts).toMatchObject({
      name: 'mine',
      scale: 2,
      range: [0, 1],
      order: 'RGB',
      halo: 4,
      passes: 1,
      pixelsPerSecond: expect.any(Number) as number,
      bytesPerPixel: expect.any(Number) as number,
      changes: { likeness: expect.any(Number) as number, shift: [0, 0, 0].map(() => expect.any(Number) as number) },
    });
    const card = JSON.parse(await readFile(facts.file.replace(/onnx$/, 'card.json'), 'utf8')) as unknown;
    expect(card).toMatchObject({ label: 'mine', scale: 2, receptiveRadius: 4 });
    expect(await sharp(facts.sheet).metadata()).toMatchObject({ width: 2 * 192 + 8, height: 192 });

    const listed = await run('models', 'list', '--json');
    const last = listed.stdout.trim().split('\n').at(-1)!;
    expect(JSON.parse(last)).toMatchObject({ label: 'mine', kind: 'added', scale: 2, halo: 4, file: facts.file });
    expect((await run('models')).stdout).toMatch(/^mine +×2 +[\d.]+ M\/s +4 +/m);

    // The file may go: what was added stays.
    await rm(folder.join('net.onnx'));
    const made = await run('a.png', '--model', 'mine', '-o', 'b.png', '--json');
    expect(jsonLines(made.stdout).get('a.png')).toMatchObject({ width: 40, height: 28, model: facts.file });

    await folder.write({ 'other.onnx': plainNetwork({ seed: 9 }) });
    const taken = await run('models', 'add', 'other.onnx', '--name', 'mine');
    expect([taken.code, taken.stderr]).toEqual([1, expect.stringContaining('OUTPUT_EXISTS')]);
    expect((await run('models', 'remove', 'mine')).code).toBe(0);
    expect((await run('a.png', '--model', 'mine', '-o', 'c.png')).code).toBe(2);

    // Of several at once the last one has the name; nothing else is left.
    const add = () => run('models', 'add', 'other.onnx', '--name', 'both', '--overwrite');
    expect((await Promise.all([add(), add()])).map(({ code }) => code)).toEqual([0, 0]);
    expect(await readdir(folder.join('models'))).toEqual(['both']);
    // A damaged one can be removed.
    await writeFile(folder.join('models/both/facts.json'), '{');
    expect((await run('models', 'remove', 'both')).code).toBe(0);
    expect(await readdir(folder.join('models'))).toEqual([]);
  });

  test.each([
    [['x.onnx', '--name', 'natural'], /label of a built-in/],
    [['x.onnx', '--name', '../x'], /letters, digits/],
    [['y.onnx', '--name', 'y'], /no such file/],
    [['x.onnx', '--name', 'y', '--range', '0,7'], /--range/],
    [['x.onnx', '--name', 'y', '--order', 'GBR'], /--order/],
  ])('%o is refused before any work', async (args, words) => {
    await using folder = await makeFolder();
    await folder.write({ 'x.onnx': 'no network' });
    const env = { UPRES_MODELS_FOLDER: folder.join('models') };
    const { code, stderr } = await upres(['models', 'add', ...args], { cwd: folder.path, env });
    expect([code, stderr]).toEqual([2, expect.stringMatching(words)]);
    expect(await folder.list()).toEqual(['x.onnx']);
  });

  test('a file that is no network leaves nothing', async () => {
    await using folder = await makeFolder();
    await folder.write({ 'x.onnx': 'no network' });
    const env = { UPRES_MODELS_FOLDER: folder.join('models') };
    const { code, stderr } = await upres(['models', 'add', 'x.onnx', '--name', 'x'], { cwd: folder.path, env });
    expect([code, stderr]).toEqual([1, expect.stringContaining('MODEL_INVALID')]);
    expect(await folder.list()).toEqual(['x.onnx']);
  });
});
