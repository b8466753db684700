import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { makeModel } from '../model/graph/import/tfjs-model.js';
import { jsonLines, sharedCache, upres } from './support/command.js';
import { makeFolder, type Folder } from './support/folder.js';
import { picture } from './support/pictures.js';

afterAll(() => rm(sharedCache, { recursive: true, force: true }));

const fixture = (name: string): string => fileURLToPath(new URL(`../model/fixtures/rsr/${name}`, import.meta.url));

async function folderWithRsr(): Promise<Folder> {
  const folder = await makeFolder();
  await copyFile(fixture('c_f2_w2_d2_g0.rsr'), folder.join('net.rsr'));
  return folder;
}

async function writeTfjs(folder: Folder): Promise<void> {
  const { files } = makeModel({
    layers: [
      {
        kind: 'Conv2D',
        config: { kernel_size: [3, 3], strides: [1, 1], padding: 'same', activation: 'linear', use_bias: true },
        weights: { kernel: [3, 3, 3, 3], bias: [3] },
      },
      { kind: 'UpSampling2D', config: { size: [2, 2], interpolation: 'nearest' } },
    ],
  });
  await folder.write({ 'model.json': files.bytes, ...Object.fromEntries(files.companions) });
}

describe('upres import', () => {
  test('writes the ONNX file and its card, and says what was found', async () => {
    await using folder = await folderWithRsr();
    const { code, stdout, stderr } = await upres(['import', 'net.rsr'], { cwd: folder.path });
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toContain('net.onnx and model.json: from rsr');
    expect(stdout).toMatch(/scale +×2/);
    expect(stdout).toMatch(/channels +3 \(RGB\), values 0\.\.1/);
    expect(stdout).toMatch(/parameters +1,322/);
    expect(stdout).toMatch(/sees +4 pixels around each/);
    expect(await folder.list()).toEqual(['model.json', 'net.onnx', 'net.rsr']);
    const card = JSON.parse(await readFile(folder.join('model.json'), 'utf8')) as unknown;
    expect(card).toMatchObject({ label: 'net', scale: 2, file: 'net.onnx', receptiveRadius: 4, width: 2, logDepth: 2 });
  });

  test('says when a network looks at the whole picture', async () => {
    await using folder = await makeFolder();
    const { stdout } = await upres(['import', fixture('c_f2_w2_d2_g1_bias.rsr'), '-o', 'g.onnx'], { cwd: folder.path });
    expect(stdout).toContain('the whole picture, through GlobalAveragePool');
  });

  test('makes the same pictures as the file itself', async () => {
    await using folder = await folderWithRsr();
    await folder.write({ 'a.png': await picture(20, 14) });
    expect((await upres(['import', 'net.rsr', '-o', 'other.onnx'], { cwd: folder.path })).code).toBe(0);
    for (const [model, out] of [
      ['net.rsr', '1.png'],
      ['other.onnx', '2.png'],
    ] as const) {
      // prettier-ignore
      const { code, stderr } = await upres(['a.png', '-m', model, '-o', out, '--no-cache'], { cwd: folder.path });
      expect(code, stderr).toBe(0);
    }
    expect(await readFile(folder.join('1.png'))).toEqual(await readFile(folder.join('2.png')));
  });

  test("leaves a TensorFlow.js model.json alone: the card has the network's name", async () => {
    await using folder = await makeFolder();
    await writeTfjs(folder);
    const before = await readFile(folder.join('model.json'));
    const { code, stdout } = await upres(['import', 'model.json', '-o', 'fine.onnx', '--overwrite', '--json'], {
      cwd: folder.path,
    });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      output: 'fine.onnx',
      card: 'fine.card.json',
      format: 'TensorFlow.js layers model',
      scale: 2,
      channels: 3,
      range: 255,
      receptiveRadius: expect.any(Number) as number,
      globalOperators: [],
    });
    expect(await readFile(folder.join('model.json'))).toEqual(before);
    await folder.write({ 'a.png': await picture(20, 14) });
    for (const [model, out] of [
      ['./model.json', '1.png'],
      ['fine.onnx', '2.png'],
    ] as const) {
      // prettier-ignore
      const run = await upres(['a.png', '-m', model, '-o', out, '--json', '--quiet', '--no-cache'], { cwd: folder.path });
      expect(run.code, run.stderr).toBe(0);
      expect(jsonLines(run.stdout).get('a.png')).toMatchObject({ width: 40, height: 28 });
    }
    expect(await readFile(folder.join('1.png'))).toEqual(await readFile(folder.join('2.png')));
  });

  test('does it again without a word, but never replaces a file that it did not write', async () => {
    await using folder = await folderWithRsr();
    for (let time = 0; time < 2; time++)
      expect((await upres(['import', 'net.rsr'], { cwd: folder.path })).code).toBe(0);
    await writeFile(folder.join('net.onnx'), 'mine');
    const refused = await upres(['import', 'net.rsr'], { cwd: folder.path });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('--overwrite');
    expect(await readFile(folder.join('net.onnx'), 'utf8')).toBe('mine');
    expect((await upres(['import', 'net.rsr', '--overwrite'], { cwd: folder.path })).code).toBe(0);
    expect((await readFile(folder.join('net.onnx'))).length).toBeGreaterThan(1000);
  });

  test('writes nothing of a damaged file', async () => {
    await using folder = await makeFolder();
    const { code, stderr } = await upres(['import', fixture('bad_nan.rsr'), '-o', 'net.onnx'], { cwd: folder.path });
    expect(code).toBe(1);
    expect(stderr).toMatch(/at byte 296.*K0<-0 holds NaN/);
    expect(await folder.list()).toEqual([]);
  });

  test('tells errors as JSON', async () => {
    await using folder = await makeFolder();
    const { code, stdout } = await upres(['import', fixture('bad_magic.rsr'), '-o', 'net.onnx', '--json'], {
      cwd: folder.path,
    });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'MODEL_INVALID' } });
  });

  test('a file that is not there, another ending, ONNX onto itself: wrong usage', async () => {
    await using folder = await folderWithRsr();
    for (const args of [['nothing.rsr'], ['net.rsr', '-o', 'net.bin'], []]) {
      expect((await upres(['import', ...args], { cwd: folder.path })).code).toBe(2);
    }
    await upres(['import', 'net.rsr'], { cwd: folder.path });
    const again = await upres(['import', 'net.onnx'], { cwd: folder.path });
    expect(again.code).toBe(2);
    expect(again.stderr).toContain('ONNX already');
  });

  test('gives an ONNX file a copy with a card', async () => {
    await using folder = await folderWithRsr();
    await upres(['import', 'net.rsr'], { cwd: folder.path });
    const { code, stdout } = await upres(['import', 'net.onnx', '-o', 'copy.onnx', '--json'], { cwd: folder.path });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ format: 'ONNX', scale: 2, card: 'copy.card.json' });
    expect(await readFile(folder.join('copy.onnx'))).toEqual(await readFile(folder.join('net.onnx')));
  });
});
