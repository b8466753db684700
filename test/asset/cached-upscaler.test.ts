import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { AssetCache } from '#src/asset/cache/asset-cache.js';
import { CachedUpscaler, type ResultFacts } from '#src/asset/cached-upscaler.js';
import { UpresError } from '#src/errors.js';
import type { Upscaler, UpscaleOptions, UpscaleResult } from '#src/image/upscale.js';
import type { Device } from '#src/network/device.js';
import { codeOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';
import { plainNetwork } from '../support/networks.js';
import { until } from '../support/pool.js';

const source = new Uint8Array([1, 2, 3]);

/** An upscaler whose calls end when the test says so. */
class Calls {
  readonly running: {
    readonly options: UpscaleOptions;
    readonly succeed: (text: string, device?: Device) => void;
    readonly fail: (e: Error) => void;
  }[] = [];

  readonly upscaler = (): Upscaler =>
    ({
      upscale: (_: Uint8Array, options: UpscaleOptions) =>
        new Promise<UpscaleResult>((resolve, reject) => {
          options.signal?.addEventListener('abort', () => {
            reject(new UpresError('ABORTED', 'stopped'));
          });
          this.running.push({
            options,
            succeed: (text, device) => {
              resolve(resultOf(text, device));
            },
            fail: reject,
          });
        }),
    }) as unknown as Upscaler;
}

function resultOf(text: string, device: Device = 'cpu'): UpscaleResult {
  const facts = {
    format: 'png',
    width: 10,
    height: 10,
    frames: 1,
    sourceWidth: 5,
    sourceHeight: 5,
    upscale: 2,
  } as const;
  return { data: Buffer.from(text), ...facts, model: 'natural', device, inferenceMs: 1, codecMs: 1 };
}

const textOf = async (result: Promise<{ data: Uint8Array }>): Promise<string> =>
  Buffer.from((await result).data).toString();
const cacheIn = (folder: string): AssetCache<ResultFacts> => new AssetCache<ResultFacts>(folder);

describe('a result that is there', () => {
  it('is given as it was cached, without asking for an upscaler', async () => {
    const folder = temporaryFolder();
    const calls = new Calls();
    const first = new CachedUpscaler(calls.upscaler, cacheIn(folder)).upscale(source, { upscale: 2 });
    await until(() => calls.running.length === 1);
    calls.running[0]!.succeed('pixels');
    expect(await first).toMatchObject({ cached: false, width: 10 });

    const warm = new CachedUpscaler(() => {
      throw new Error('no one should ask');
    }, cacheIn(folder));
    const second = await warm.upscale(source, { upscale: 2 });
    // What it was cached under names the bytes, too.
    expect(second).toEqual({ ...(await first), cached: true, hash: expect.any(String) as string });
  });

  it('is the processor’s, too, where the environment names auto', async () => {
    const folder = temporaryFolder();
    const calls = new Calls();
    const cached = new CachedUpscaler(calls.upscaler, cacheIn(folder));
    const made = cached.upscale(source, { device: 'wasm' });
    await until(() => calls.running.length === 1);
    calls.running[0]!.succeed('pixels', 'wasm');
    await made;
    process.env.UPRES_DEVICE = 'auto';
    try {
      expect(await cached.findCached(source, {})).toMatchObject({ cached: true });
      expect(await cached.findCached(source, { device: 'cpu' })).toBeUndefined();
    } finally {
      delete process.env.UPRES_DEVICE;
    }
  });

  it('is computed again where limits forbid it, so that the limit is what is reported', async () => {
    const calls = new Calls();
    const upscaler = new CachedUpscaler(calls.upscaler, cacheIn(temporaryFolder()));
    const allowed = upscaler.upscale(source, {});
    await until(() => calls.running.length === 1);
    calls.running[0]!.succeed('pixels');
    await allowed;
    for (const limit of [{ maxOutputPixels: 99 }, { maxInputPixels: 24 }]) {
      const count = calls.running.length;
      const forbidden = upscaler.upscale(source, limit);
      await until(() => calls.running.length === count + 1);
      calls.running[count]!.fail(new UpresError('OUTPUT_TOO_LARGE', 'too large'));
      expect(await codeOf(forbidden)).toBe('OUTPUT_TOO_LARGE');
    }
    expect(await textOf(upscaler.upscale(source, { maxOutputPixels: 100, maxInputPixels: 25 }))).toBe('pixels');
  });
});

describe('identical work in flight', () => {
  it('is done once, also for several build tools with one cache', async () => {
    const folder = temporaryFolder();
    const calls = new Calls();
    const one = new CachedUpscaler(calls.upscaler, cacheIn(folder));
    const other = new CachedUpscaler(calls.upscaler, cacheIn(folder));
    const results = [one.upscale(source, {}), one.upscale(source, {}), other.upscale(source, {})];
    await until(() => calls.running.length > 0);
    const different = one.upscale(source, { upscale: 3 });
    await until(() => calls.running.length === 2);
    calls.running.forEach(({ succeed, options }) => {
      succeed(`pixels ${options.upscale ?? 2}`);
    });
    expect(await Promise.all(results.map(textOf))).toEqual(['pixels 2', 'pixels 2', 'pixels 2']);
    expect(await textOf(different)).toBe('pixels 3');
    expect(calls.running).toHaveLength(2);
  });

  it('is not what another device does, which a caller names', async () => {
    const calls = new Calls();
    const upscaler = new CachedUpscaler(calls.upscaler, cacheIn(temporaryFolder()));
    // What is expected where none is named may turn out not to work.
    const results = [upscaler.upscale(source, {}), upscaler.upscale(source, { device: 'cpu' })];
    await until(() => calls.running.length === 2);
    calls.running.forEach(({ succeed }, i) => {
      succeed(`pixels ${i}`);
    });
    expect(new Set(await Promise.all(results.map(textOf))).size).toBe(2);
  });

  it('goes on for the others when one caller leaves', async () => {
    const calls = new Calls();
    const upscaler = new CachedUpscaler(calls.upscaler, undefined);
    const leaving = new AbortController();
    const left = upscaler.upscale(source, { signal: leaving.signal });
    const staying = upscaler.upscale(source, { signal: new AbortController().signal });
    await until(() => calls.running.length === 1);
    leaving.abort();
    expect(await codeOf(left)).toBe('ABORTED');
    expect(calls.running[0]!.options.signal!.aborted).toBe(false);
    calls.running[0]!.succeed('pixels');
    expect(await textOf(staying)).toBe('pixels');
  });

  it('stops when the last caller leaves, and whoever comes then begins anew', async () => {
    const calls = new Calls();
    const upscaler = new CachedUpscaler(calls.upscaler, undefined);
    const leaving = new AbortController();
    const results = [1, 2].map(() => upscaler.upscale(source, { signal: leaving.signal }));
    await until(() => calls.running.length === 1);
    leaving.abort();
    const late = upscaler.upscale(source, {});
    expect(await Promise.all(results.map(codeOf))).toEqual(['ABORTED', 'ABORTED']);
    expect(calls.running[0]!.options.signal!.aborted).toBe(true);
    await until(() => calls.running.length === 2);
    calls.running[1]!.succeed('anew');
    expect(await textOf(late)).toBe('anew');
  });

  it('is not stopped for a caller that can not leave', async () => {
    const calls = new Calls();
    const upscaler = new CachedUpscaler(calls.upscaler, undefined);
    const leaving = new AbortController();
    const staying = upscaler.upscale(source, {});
    const left = upscaler.upscale(source, { signal: leaving.signal });
    await until(() => calls.running.length === 1);
    leaving.abort();
    expect(await codeOf(left)).toBe('ABORTED');
    calls.running[0]!.succeed('pixels');
    expect(await textOf(staying)).toBe('pixels');
  });

  it('is taken over when the build tool that did it is closed', async () => {
    const [closing, staying] = [new Calls(), new Calls()];
    const first = new CachedUpscaler(closing.upscaler, undefined).upscale(source, {});
    await until(() => closing.running.length === 1);
    const second = new CachedUpscaler(staying.upscaler, undefined).upscale(source, {});
    // It has joined once its key is known.
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(staying.running).toHaveLength(0);
    closing.running[0]!.fail(new UpresError('ABORTED', 'the upscaler was disposed'));
    expect(await codeOf(first)).toBe('ABORTED');
    await until(() => staying.running.length === 1);
    staying.running[0]!.succeed('pixels');
    expect(await textOf(second)).toBe('pixels');
  });

  it('never begins for a caller that has left before', async () => {
    const calls = new Calls();
    const upscaler = new CachedUpscaler(calls.upscaler, undefined);
    const early = new AbortController();
    const left = upscaler.upscale(source, { signal: early.signal });
    early.abort();
    expect(await codeOf(left)).toBe('ABORTED');
    expect(await codeOf(upscaler.upscale(source, { signal: AbortSignal.abort() }))).toBe('ABORTED');
    expect(calls.running).toHaveLength(0);
  });
});

describe('errors', () => {
  it('are not cached, and name the file of each caller', async () => {
    const calls = new Calls();
    const upscaler = new CachedUpscaler(calls.upscaler, cacheIn(temporaryFolder()));
    const failing = ['a.png', 'b.png'].map((file) => upscaler.upscale(source, {}, file));
    await until(() => calls.running.length === 1);
    calls.running[0]!.fail(new UpresError('INPUT_CORRUPT', 'damaged'));
    const settled = await Promise.allSettled(failing);
    expect(settled).toMatchObject([
      { reason: { code: 'INPUT_CORRUPT', file: 'a.png' } },
      { reason: { code: 'INPUT_CORRUPT', file: 'b.png' } },
    ]);
    const again = upscaler.upscale(source, {}, 'a.png');
    await until(() => calls.running.length === 2);
    calls.running[1]!.succeed('pixels');
    expect(await textOf(again)).toBe('pixels');
  });
});

describe('a network of the user’s own that is replaced while it computes', () => {
  it('makes a result that is not cached', async () => {
    const model = join(temporaryFolder(), 'mine.onnx');
    writeFileSync(model, plainNetwork({ seed: 1 }));
    const calls = new Calls();
    const upscaler = new CachedUpscaler(calls.upscaler, cacheIn(temporaryFolder()));
    const first = upscaler.upscale(source, { model });
    await until(() => calls.running.length === 1);
    const before = plainNetwork({ seed: 1 });
    writeFileSync(model, plainNetwork({ seed: 2, width: 8 }));
    calls.running[0]!.succeed('made by one of them');
    await first;
    writeFileSync(model, before);
    const again = upscaler.upscale(source, { model });
    await until(() => calls.running.length === 2);
    calls.running[1]!.succeed('made by the first');
    expect(await textOf(again)).toBe('made by the first');
  });
});
