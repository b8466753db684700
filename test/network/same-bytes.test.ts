import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { builtins } from '../support/builtins.js';
import { onWasm } from '../support/device.js';
import { temporaryFolder } from '../support/folders.js';
import { differences, drawing, noise, type Picture } from '../support/pictures.js';

/** Widths and heights up to that of a small picture, and thin pictures up to a length. */
function sizes(small: number, long: number): fc.Arbitrary<[number, number]> {
  const side = fc.oneof(
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 40 }) },
    { weight: 3, arbitrary: fc.integer({ min: 41, max: small }) },
  );
  const thin = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 200, max: long }));
  return fc.oneof(
    { weight: 4, arbitrary: fc.tuple(side, side) },
    { weight: 1, arbitrary: thin },
    { weight: 1, arbitrary: thin.map(([width, height]): [number, number] => [height, width]) },
  );
}
/** Undefined leaves the tiles to the plan. */
function tilePixels(smallest: number): fc.Arbitrary<number | undefined> {
  return fc.oneof(
    fc.constant(undefined),
    fc.integer({ min: Math.log2(smallest), max: 15 }).map((power) => 2 ** power),
  );
}
const call = {
  channels: fc.constantFrom<1 | 3>(1, 3, 3),
  bits: fc.constantFrom<8 | 16>(8, 8, 16),
  threads: fc.constantFrom(1, 2, 3, 5, 8),
  /** How many columns and rows repeat, so that equal tiles occur; 1 is one colour. */
  period: fc.constantFrom(1, 16, 'drawn' as const, 'drawn' as const, Infinity, Infinity),
};
const cases = fc.record({ size: sizes(180, 600), tilePixels: tilePixels(64), ...call });
/** A tile of 64 pixels would be halo many times over. */
const casesOfHeavy = fc.record({ size: sizes(80, 240), tilePixels: tilePixels(512), ...call });

/** Noise with a period of this many pixels. */
function patterned(width: number, height: number, channels: 1 | 3, bits: 8 | 16, period: number | 'drawn'): Picture {
  if (period === 'drawn') return drawing(width, height, channels, 5, bits);
  const picture = noise(width, height, channels, 5, bits);
  if (period === Infinity) return picture;
  const data = picture.data.map((_, i) => {
    const pixel = Math.floor(i / channels);
    const x = (pixel % width) % period;
    const y = Math.floor(pixel / width) % period;
    return picture.data[((y % height) * width + x) * channels + (i % channels)]!;
  });
  return { ...picture, data };
}

describe.each(builtins)('$label ×$scale', ({ label, scale, heavy }) => {
  const networks = new Map<number, Promise<ThreadSafeNetwork>>();

  /** The network with this number of threads, loaded when it is first needed. */
  function networkOf(threads: number): Promise<ThreadSafeNetwork> {
    const loaded = networks.get(threads) ?? ThreadSafeNetwork.fromLabel(label, { scale, threads });
    networks.set(threads, loaded);
    return loaded;
  }
  afterAll(async () => {
    await Promise.all([...networks.values()].map(async (network) => (await network).dispose()));
  });

  it('gives the bytes of one thread and one tile, for any size, tiles and threads', async () => {
    await fc.assert(
      fc.asyncProperty(
        heavy ? casesOfHeavy : cases,
        async ({ size: [width, height], channels, bits, tilePixels, threads, period }) => {
          const picture = patterned(width, height, channels, bits, period);
          const expected = await (await networkOf(1)).upscaleImage(picture, { tilePixels: Infinity });
          const network = await networkOf(threads);
          const tiled = await network.upscaleImage(picture, tilePixels === undefined ? {} : { tilePixels });
          expect(tiled).toMatchObject({ width: width * scale, height: height * scale, channels });
          expect(differences(tiled.data, expected.data)).toBe(0);
        },
      ),
      { seed: 1_000 + scale, numRuns: heavy ? 4 : 11 },
    );
  });

  it('gives the same floating point numbers', async () => {
    const { data } = noise(90, 70);
    const tensor = { dims: [1, 70, 90, 3] as const, data: Float32Array.from(data, (value) => value / 255) };
    const expected = await (await networkOf(1)).process(tensor, { tilePixels: Infinity });
    const tiled = await (await networkOf(3)).process(tensor, { tilePixels: 1500 });
    expect(differences(tiled.data, expected.data)).toBe(0);
  });
});

/** Plain, in two passes, with weights stored as float16, without any. */
const oneOfEachKind = [
  ['natural', 2],
  ['art', 4],
  ['anime', 2],
  ['bicubic', 2],
] as const;

// In WebAssembly each thread has a copy anyway.
describe.skipIf(onWasm)('weights that each thread has a copy of, because the cache folder cannot be written', () => {
  it('give the same bytes, and one warning', async () => {
    const blocked = join(temporaryFolder(), 'a-file');
    writeFileSync(blocked, '');
    const warnings: string[] = [];
    const listen = (warning: Error & { code?: string }): void => {
      if (warning.code === 'UPRES_WEIGHTS_COPIED') warnings.push(warning.message);
    };
    process.on('warning', listen);
    for (const [label, scale] of oneOfEachKind) {
      await using mapped = await ThreadSafeNetwork.fromLabel(label, { scale });
      await using copied = await ThreadSafeNetwork.fromLabel(label, { scale, cacheFolder: join(blocked, 'below') });
      expect(mapped.weights.shared).toBe(true);
      expect(copied.weights.shared).toBe(false);
      // The speed that was measured is another each time.
      expect({ ...copied.weights.geometry, pixelsPerMs: 0 }).toEqual({ ...mapped.weights.geometry, pixelsPerMs: 0 });
      const picture = noise(120, 90);
      const [a, b] = await Promise.all([
        mapped.upscaleImage(picture, { tilePixels: Infinity }),
        copied.upscaleImage(picture, { tilePixels: 3000 }),
      ]);
      expect(hash(b.data), `${label} ×${scale}`).toBe(hash(a.data));
    }
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', listen);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/own copy of the weights, because the cache folder can't be used: .*a-file/);
  });
});

function hash(data: NodeJS.ArrayBufferView): string {
  return createHash('sha256').update(data).digest('hex');
}
