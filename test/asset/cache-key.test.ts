import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { cacheKey, type ResultOptions } from '#src/asset/cache-key.js';
import type { UpscaleOptions } from '#src/image/upscale.js';
import { codeOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';
import { plainNetwork } from '../support/networks.js';

const source = new Uint8Array([1, 2, 3]);
const folder = temporaryFolder();
const network = join(folder, 'mine.onnx');

beforeAll(() => {
  writeFileSync(network, plainNetwork({ seed: 1 }));
});

describe('the name of a result', () => {
  it('is the same for the same source and options', async () => {
    const key = await cacheKey(source, { upscale: 2, format: 'png' });
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect(await cacheKey(Uint8Array.from(source), { format: 'png', upscale: 2, model: 'auto' })).toBe(key);
  });

  it('differs with everything that makes a result', async () => {
    const all: ResultOptions[] = [
      {},
      { upscale: 2 },
      { upscale: 3 },
      { width: 2 },
      { height: 2 },
      { minWidth: 2 },
      { model: 'art' },
      { model: 'bicubic' },
      { model: network },
      { format: 'png' },
      { format: 'webp' },
      { quality: 2 },
      { colour: 'keep' },
      { alpha: 'bicubic' },
    ];
    const keys = await Promise.all(all.map((options) => cacheKey(source, options)));
    keys.push(await cacheKey(new Uint8Array([1, 2, 4]), {}));
    expect(new Set(keys).size).toBe(all.length + 1);
  });

  it('does not depend on limits, signals and the order of work', async () => {
    const options: UpscaleOptions = {
      upscale: 2,
      maxInputPixels: 5,
      maxOutputPixels: 6,
      priority: 7,
      signal: new AbortController().signal,
      onProgress: () => undefined,
    };
    expect(await cacheKey(source, options)).toBe(await cacheKey(source, { upscale: 2 }));
  });
});

describe('a network of the user’s own', () => {
  it('counts by its bytes, not by its path', async () => {
    const copy = join(folder, 'copy.onnx');
    writeFileSync(copy, readFileSync(network));
    expect(await cacheKey(source, { model: copy })).toBe(await cacheKey(source, { model: network }));
  });

  it('makes other results when it changes, or the weights beside it', async () => {
    mkdirSync(join(folder, 'changing'));
    const file = join(folder, 'changing/mine.onnx');
    writeFileSync(file, plainNetwork({ seed: 1 }));
    const first = await cacheKey(source, { model: file });
    writeFileSync(file, plainNetwork({ seed: 2, width: 8 }));
    const second = await cacheKey(source, { model: file });
    writeFileSync(`${file}.data`, 'weights');
    const third = await cacheKey(source, { model: file });
    writeFileSync(`${file}.data`, 'other weights');
    const fourth = await cacheKey(source, { model: file });
    expect(new Set([first, second, third, fourth]).size).toBe(4);
  });

  it('must be there', async () => {
    expect(await codeOf(cacheKey(source, { model: join(folder, 'none.onnx') }))).toBe('MODEL_NOT_FOUND');
  });
});
