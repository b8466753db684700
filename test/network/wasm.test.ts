import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { codeOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';
import { noise } from '../support/pictures.js';

const cacheFolder = temporaryFolder();

/** The largest difference, in levels. */
const difference = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let largest = a.length === b.length ? 0 : Infinity;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
};

describe('a network in WebAssembly', () => {
  let inWasm: ThreadSafeNetwork;
  let native: ThreadSafeNetwork;
  beforeAll(async () => {
    inWasm = await ThreadSafeNetwork.fromLabel('natural', { scale: 2, threads: 2, device: 'wasm', cacheFolder });
    native = await ThreadSafeNetwork.fromLabel('natural', { scale: 2, threads: 2, device: 'cpu', cacheFolder });
  });
  afterAll(async () => {
    await inWasm.dispose();
    await native.dispose();
  });

  it('says so, and that each thread has weights of its own', () => {
    expect(inWasm).toMatchObject({ device: 'wasm', threads: 2, factor: 2, label: 'natural' });
    expect(inWasm.weights).toMatchObject({ shared: false, hash: native.weights.hash });
    expect(inWasm.gpu).toBeUndefined();
  });

  it.each([
    ['8 bit', noise(31, 22), 1],
    ['grey', noise(31, 22, 1), 1],
    ['16 bit', noise(24, 25, 3, 5, 16), 8],
  ] as const)('computes what native code does, with the bytes of any tiles: %s', async (_, picture, levels) => {
    const whole = await inWasm.upscaleImage(picture, { tilePixels: Infinity });
    const inTiles = await inWasm.upscaleImage(picture, { tilePixels: 500 });
    expect(Buffer.compare(Buffer.from(inTiles.data.buffer), Buffer.from(whole.data.buffer))).toBe(0);
    const expected = await native.upscaleImage(picture);
    expect(whole).toMatchObject({ width: picture.width * 2, height: picture.height * 2, channels: picture.channels });
    expect(difference(whole.data, expected.data)).toBeLessThanOrEqual(levels);
  });

  it('can be aborted in mid-run', async () => {
    const abort = new AbortController();
    const running = inWasm.upscaleImage(noise(200, 200), {
      signal: abort.signal,
      tilePixels: 2000,
      onTile: () => {
        abort.abort();
      },
    });
    expect(await codeOf(running)).toBe('ABORTED');
  });

  it('is prepared once, and found by the next that loads it', async () => {
    await using again = await ThreadSafeNetwork.fromLabel('natural', { scale: 2, device: 'wasm', cacheFolder });
    const picture = noise(12, 9);
    expect((await again.upscaleImage(picture)).data).toEqual((await inWasm.upscaleImage(picture)).data);
  });
});
