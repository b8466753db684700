import { copyFile, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { modelFiles, modelStamp } from '#src/model/catalogue/model-files.js';
import { modelFromFile } from '#src/model/catalogue/model.js';
import { looksLikePath } from '#src/model/catalogue/formats/formats.js';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { codeOf } from '../../../support/errors.js';
import { temporaryFolder } from '../../../support/folders.js';
import { makeModel, type TestModel } from './tfjs-model.js';

const cacheFolder = temporaryFolder();
afterAll(() => rm(cacheFolder, { recursive: true, force: true }));

const rsrFile = fileURLToPath(new URL('../../fixtures/rsr/c_f2_w2_d2_g1_bias.rsr', import.meta.url));

function smallModel(): TestModel {
  return makeModel({
    layers: [
      {
        kind: 'Conv2D',
        config: { kernel_size: [3, 3], strides: [1, 1], padding: 'same', activation: 'linear', use_bias: true },
        weights: { kernel: [3, 3, 3, 3], bias: [3] },
      },
      { kind: 'UpSampling2D', config: { size: [2, 2], interpolation: 'nearest' } },
    ],
    shardBytes: 200,
  });
}

async function writeModel(folder: string): Promise<string> {
  const { files } = smallModel();
  for (const [name, bytes] of files.companions) await writeFile(join(folder, name), bytes);
  await writeFile(join(folder, 'model.json'), files.bytes);
  return join(folder, 'model.json');
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('a file in another format than ONNX', () => {
  test('is known as a path by its ending', () => {
    for (const path of ['a.onnx', 'a.param', 'model.json', 'a.RSR', 'folder/a', 'folder\\a'])
      expect(looksLikePath(path)).toBe(true);
    for (const label of ['natural', 'anime-noise1', 'onnx', 'a.b']) expect(looksLikePath(label)).toBe(false);
  });

  test('consists of all its files: each belongs to its identity', async () => {
    const folder = temporaryFolder();
    const path = await writeModel(folder);
    const before = await modelFromFile(path);
    expect(before.card).toMatchObject({ file: 'model.json', sha256: sha256(await readFile(path)) });
    const shard = join(folder, 'group1-shard2.bin');
    const bytes = new Uint8Array(await readFile(shard));
    bytes[4]! ^= 1;
    await writeFile(shard, bytes);
    expect((await modelFromFile(path)).key).not.toBe(before.key);
    // What was hashed is what must be built.
    expect(await codeOf(before.build())).toBe('MODEL_INVALID');
  });

  test('consists of all its files: each is watched', async () => {
    const folder = temporaryFolder();
    const path = await writeModel(folder);
    expect(modelFiles(path)).toEqual([
      path,
      ...[1, 2].map((shard) => join(folder, `group1-shard${shard}.bin`)),
      join(folder, 'model.card.json'),
    ]);
    const before = await modelStamp(path);
    expect(await modelStamp(path)).toBe(before);
    await utimes(join(folder, 'group1-shard2.bin'), 1, 1);
    expect(await modelStamp(path)).not.toBe(before);
  });

  test('without a part of it says which is missing', async () => {
    const folder = temporaryFolder();
    const path = await writeModel(folder);
    await rm(join(folder, 'group1-shard2.bin'));
    await expect(modelFromFile(path)).rejects.toThrow(/group1-shard2\.bin, is not there/);
    expect(await codeOf(modelFromFile(path))).toBe('MODEL_NOT_FOUND');
  });

  test('is identified without being read: damage shows when it is built', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'bad.rsr');
    await writeFile(path, 'no network');
    const model = await modelFromFile(path);
    expect(model.key).toMatch(/^[0-9a-f]{64}$/);
    expect(await codeOf(model.build())).toBe('MODEL_INVALID');
  });

  test('may have a card, which is believed more than what the importer decided', async () => {
    const folder = temporaryFolder();
    const path = await writeModel(folder);
    const plain = await modelFromFile(path);
    const card = { sha256: plain.card.sha256, label: 'mine', input: { range: [0, 1] }, output: { range: [0, 1] } };
    await writeFile(join(folder, 'model.card.json'), JSON.stringify(card));
    const told = await modelFromFile(path);
    expect(told.card.label).toBe('mine');
    expect(told.key).not.toBe(plain.key);
    // 0..255 needs a multiplication, 0..1 does not.
    expect((await told.build()).core.length).toBeLessThan((await plain.build()).core.length);
  });

  test('that was converted has its card in either place', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'net.rsr');
    await copyFile(rsrFile, path);
    const { card } = await modelFromFile(path);
    for (const name of ['model.json', 'net.card.json']) {
      await writeFile(join(folder, name), JSON.stringify({ sha256: card.sha256, label: name }));
      expect((await modelFromFile(path)).card.label).toBe(name);
    }
  });

  test('runs as a ThreadSafeNetwork, which knows what the file tells of its size, also when it was prepared before', async () => {
    for (let time = 0; time < 2; time++) {
      await using network = await ThreadSafeNetwork.loadFromFile(rsrFile, { cacheFolder, threads: 1 });
      expect(network.factor).toBe(2);
      expect(network.weights).toMatchObject({ width: 2, logDepth: 2, globalNodeFactor: 1, parameters: 1538 });
      expect(network.weights.geometry.globalOperators).toEqual(['GlobalAveragePool']);
      const image = { width: 9, height: 8, channels: 3 as const, data: new Uint8Array(216).fill(100) };
      expect(await network.upscaleImage(image)).toMatchObject({ width: 18, height: 16 });
    }
  });
});
