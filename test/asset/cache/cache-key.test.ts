import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { AssetCache } from '#src/asset/cache/asset-cache.js';
import { cacheKey, ingredients, type ResultOptions } from '#src/asset/cache/cache-key.js';
import { Source } from '#src/image/image-source.js';
import type { UpscaleOptions } from '#src/image/upscale.js';
import { codeOf } from '../../support/errors.js';
import { temporaryFolder } from '../../support/folders.js';
import { plainNetwork } from '../../support/networks.js';

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
      { lossless: true },
      { lossless: false },
      { animation: 'first-frame' },
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

describe('results of 0.1.0', () => {
  /** The name that a result had there: releases since then differ in their own version, and may in those that they stand on. */
  async function nameThere(bytes: Uint8Array, options: ResultOptions): Promise<string> {
    const made = await ingredients(new Source(bytes), options);
    const there = { ...made, engine: '0.1.0', runtime: '1.30.0', encoder: '0.35.5' };
    return createHash('sha256').update(JSON.stringify(there)).digest('hex');
  }

  // Computed by 0.1.0.
  it.each([
    [{ model: 'anime', upscale: 2, format: 'png' }, 'b55cf23ca74429e81532c471f21bc57b710c4a81ade84a4b4d519886dfcafa23'],
    [
      { model: 'anime', upscale: 2, format: 'webp', quality: 70 },
      'fe1ad87ab7b19f66edd35aa65fffb96ae2b9dc67aad5a55030959c8fbc5b1742',
    ],
    [
      { model: 'anime', width: 800, format: 'avif' },
      'b15609d3d2052c9b791aa7f999c73f4a3a1bfb9e271b9f16e2841e5cf495e93b',
    ],
    [{ model: 'anime', minWidth: 1200 }, '8d9bc439371233ed0ea7d5cec56560429d12c8596c4b122a2f5e6d7b077eff6d'],
    [
      { model: 'bicubic', upscale: 1.5, format: 'jpeg', colour: 'keep', alpha: 'bicubic' },
      'ef2c0816d67ec34d5c6f600da84c98063144b0a9cd8f0af9a111b90ef40b0929',
    ],
  ] as const)('have the names that they had: %j', async (options, name) => {
    expect(await nameThere(source, options)).toBe(name);
  });

  it('are found in the folder that it left', async () => {
    const left = join(import.meta.dirname, '../fixtures/cache-0.1.0');
    const copy = join(temporaryFolder(), 'results');
    cpSync(join(left, 'results'), copy, { recursive: true });
    const cache = new AssetCache(copy);
    const bytes = readFileSync(join(left, 'source.png'));
    for (const options of [{ format: 'png' }, { format: 'webp', quality: 70 }] as const) {
      const kept = await cache.get(await nameThere(bytes, { model: 'anime', upscale: 2, ...options }));
      expect(kept?.facts).toMatchObject({ format: options.format, width: 16, height: 12, model: 'anime' });
    }
  });
});

describe('a network of the user’s own', () => {
  it('counts by its bytes, not by its path', async () => {
    const copy = join(folder, 'copy.onnx');
    writeFileSync(copy, readFileSync(network));
    expect(await cacheKey(source, { model: copy })).toBe(await cacheKey(source, { model: network }));
  });

  it('makes other results when it changes, or the weights next to it', async () => {
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
