import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { TileRecord } from '#src/network/pool/call.js';
import type { CallOptions, NetworkOptions } from '#src/network/network-options.js';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { onWasm } from '../support/device.js';
import { codeOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';
import { classifier, globalNetwork, plainNetwork, stridedNetwork } from '../support/networks.js';
import { differences, flat, noise, type Picture } from '../support/pictures.js';
import { ordersInFlight, pool, threadsNow, until } from '../support/pool.js';
import type { Progress } from '#src/pixels.js';

function natural(options: NetworkOptions = {}): Promise<ThreadSafeNetwork> {
  return ThreadSafeNetwork.loadBuiltinNatural(options);
}

/** Tiles so small that an image of some hundred pixels has many. */
const small = 4000;

describe('a network', () => {
  let network: ThreadSafeNetwork;

  beforeAll(async () => {
    network = await natural({ threads: 2 });
  });
  afterAll(async () => {
    await network.dispose();
  });

  it('says what it is', async () => {
    const device = onWasm ? 'wasm' : 'cpu';
    expect(network).toMatchObject({ factor: 2, label: 'natural', display: 'Natural', device, threads: 2 });
    expect(network.weights.parameters).toBe(70_000);
    expect(network.weights.hash).toMatch(/^[0-9a-f]{64}$/);
    expect(network.weights.shared).toBe(!onWasm);
    expect(Object.isFrozen(network.weights)).toBe(true);
    await using anime = await ThreadSafeNetwork.loadBuiltinAnime();
    expect(anime.label).toBe('anime');
  });

  it('is found by label and scale, in a file, and in bytes', async () => {
    await using triple = await ThreadSafeNetwork.fromLabel('natural', { scale: 3 });
    expect(triple.factor).toBe(3);
    const bytes = plainNetwork();
    await using fromBytes = await ThreadSafeNetwork.fromBytes(bytes, { name: 'mine' });
    expect(fromBytes).toMatchObject({ label: 'mine', factor: 2 });
    const path = join(temporaryFolder(), 'own.onnx');
    writeFileSync(path, bytes);
    await using fromFile = await ThreadSafeNetwork.loadFromFile(path);
    expect(fromFile).toMatchObject({ label: 'own', factor: 2 });
    const picture = noise(20, 10);
    const [a, b] = await Promise.all([fromBytes.upscaleImage(picture), fromFile.upscaleImage(picture)]);
    expect(differences(a.data, b.data)).toBe(0);
  });

  describe('process()', () => {
    it('enlarges a tensor of any size', async () => {
      for (const [height, width] of [
        [1, 1],
        [7, 31],
        [64, 3],
      ] as const) {
        const { data, dims } = await network.process({
          dims: [1, height, width, 3],
          data: new Float32Array(height * width * 3).fill(0.5),
        });
        expect(dims).toEqual([1, height * 2, width * 2, 3]);
        expect(data).toBeInstanceOf(Float32Array);
        expect(data).toHaveLength(height * width * 12);
      }
    });

    it('clips to 0..1', async () => {
      const picture = noise(24, 24);
      const data = Float32Array.from(picture.data, (value) => (value < 128 ? 0 : 1));
      const result = await network.process({ dims: [1, 24, 24, 3], data });
      expect(Math.min(...result.data)).toBe(0);
      expect(Math.max(...result.data)).toBe(1);
    });

    it('computes what upscaleImage() does', async () => {
      const picture = noise(30, 20);
      const image = await network.upscaleImage(picture);
      const tensor = await network.process({
        dims: [1, 20, 30, 3],
        data: Float32Array.from(picture.data, (value) => Math.fround(value / 255)),
      });
      const rounded = Uint8Array.from(tensor.data, (value) => Math.round(value * 255));
      expect(largestDifference(rounded, image.data)).toBeLessThanOrEqual(1);
    });

    it('gives back memory of its own, that can be transferred', async () => {
      const { data } = await network.process({ dims: [1, 2, 2, 3], data: new Float32Array(12) });
      expect(structuredClone(data, { transfer: [data.buffer] })).toHaveLength(48);
    });

    it.each([
      ['another number of channels', { dims: [1, 2, 2, 4], data: new Float32Array(16) }],
      ['two images', { dims: [2, 2, 2, 3], data: new Float32Array(24) }],
      ['no batch', { dims: [2, 2, 3], data: new Float32Array(12) }],
      ['fewer values than its shape says', { dims: [1, 2, 2, 3], data: new Float32Array(11) }],
      ['no pixels', { dims: [1, 0, 2, 3], data: new Float32Array(0) }],
      ['another type', { dims: [1, 2, 2, 3], data: new Float64Array(12) }],
    ])('refuses a tensor of %s', async (_, tensor) => {
      const given = tensor as unknown as Parameters<ThreadSafeNetwork['process']>[0];
      expect(await codeOf(network.process(given))).toBe('BAD_ARGUMENT');
    });
  });

  describe('upscaleImage()', () => {
    it('keeps the type and the channels', async () => {
      for (const channels of [1, 3] as const) {
        for (const bits of [8, 16] as const) {
          const picture = noise(21, 13, channels, 3, bits);
          const result = await network.upscaleImage(picture);
          expect(result).toMatchObject({ width: 42, height: 26, channels });
          expect(result.data.constructor).toBe(picture.data.constructor);
          expect(result.data).toHaveLength(42 * 26 * channels);
        }
      }
    });

    it('computes the same with 16 bits, more finely', async () => {
      const eight = noise(25, 25);
      const sixteen = { ...eight, data: Uint16Array.from(eight.data, (value) => value * 257) };
      const [a, b] = await Promise.all([network.upscaleImage(eight), network.upscaleImage(sixteen)]);
      expect(
        largestDifference(
          a.data,
          Uint8Array.from(b.data, (value) => Math.round(value / 257)),
        ),
      ).toBeLessThanOrEqual(1);
      expect(b.data.some((value) => value % 257 !== 0)).toBe(true);
    });

    it('takes one channel as grey', async () => {
      // Of middling greys, since both sides limit to the range of the type, but at different steps.
      const noisy = noise(25, 25, 1);
      const plane = { ...noisy, data: noisy.data.map((value) => 100 + (value >> 3)) };
      const grey: Picture = {
        ...plane,
        channels: 3,
        data: Uint8Array.from({ length: 25 * 25 * 3 }, (_, i) => plane.data[Math.floor(i / 3)]!),
      };
      const [a, b] = await Promise.all([network.upscaleImage(plane), network.upscaleImage(grey)]);
      const mean = Uint8Array.from(a.data, (_, i) =>
        Math.round((b.data[3 * i]! + b.data[3 * i + 1]! + b.data[3 * i + 2]!) / 3),
      );
      expect(largestDifference(a.data, mean)).toBeLessThanOrEqual(1);
    });

    it('leaves the input alone', async () => {
      const picture = noise(40, 40);
      const copy = Uint8Array.from(picture.data);
      await network.upscaleImage(picture);
      expect(picture.data).toEqual(copy);
    });

    it('takes pixels from the middle of a buffer and from shared memory', async () => {
      const picture = noise(16, 16);
      const { data } = await network.upscaleImage(picture);
      for (const buffer of [new ArrayBuffer(2000), new SharedArrayBuffer(2000), new SharedArrayBuffer(768)]) {
        const view = new Uint8Array(buffer, buffer.byteLength - 768);
        view.set(picture.data);
        expect(differences((await network.upscaleImage({ ...picture, data: view })).data, data)).toBe(0);
      }
    });

    it.each([
      ['four channels', { width: 2, height: 2, channels: 4, data: new Uint8Array(16) }, /alpha/],
      ['no pixels', { width: 0, height: 2, channels: 3, data: new Uint8Array(0) }, /1×1/],
      ['half pixels', { width: 1.5, height: 2, channels: 3, data: new Uint8Array(9) }, /1×1/],
      ['too few values', { width: 2, height: 2, channels: 3, data: new Uint8Array(11) }, /12 values, not 11/],
      ['floating point numbers', { width: 2, height: 2, channels: 3, data: new Float32Array(12) }, /process/],
      ["a canvas's clamped bytes", { width: 2, height: 2, channels: 3, data: new Uint8ClampedArray(12) }, /Uint8Array/],
      ['a plain array', { width: 2, height: 2, channels: 3, data: new Array<number>(12).fill(0) }, /Uint8Array/],
    ])('refuses %s', async (_, image, message) => {
      const refused = network.upscaleImage(image as unknown as Picture);
      await expect(refused).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
      await expect(refused).rejects.toThrow(message);
    });
  });

  describe('options of a call', () => {
    it.each<[string, CallOptions]>([
      ['tilePixels: 0', { tilePixels: 0 }],
      ['tilePixels: NaN', { tilePixels: NaN }],
      ['priority: NaN', { priority: NaN }],
    ])('refuses %s', async (_, options) => {
      expect(await codeOf(network.upscaleImage(noise(4, 4), options))).toBe('BAD_ARGUMENT');
    });
  });

  describe('onProgress', () => {
    it('rises to the whole image', async () => {
      const seen: Progress[] = [];
      await network.upscaleImage(noise(300, 200), {
        tilePixels: small,
        onProgress: (progress) => {
          seen.push(progress);
        },
      });
      expect(seen.length).toBeGreaterThan(10);
      expect(seen.every(({ totalPixels }) => totalPixels === 60_000)).toBe(true);
      const done = seen.map(({ donePixels }) => donePixels);
      expect(done).toEqual([...done].sort((a, b) => a - b));
      expect(done.at(-1)).toBe(60_000);
    });

    it('fails only its own call when it throws', async () => {
      const picture = noise(200, 200);
      const options = { tilePixels: small };
      const mistake = new Error('my own mistake');
      const failing = network.upscaleImage(picture, {
        ...options,
        onProgress: () => {
          throw mistake;
        },
      });
      const other = network.upscaleImage(picture, options);
      await expect(failing).rejects.toBe(mistake);
      expect((await other).data).toHaveLength(480_000);
    });
  });

  describe('a repeated tile', () => {
    it('is computed once, and the bytes are the same', async () => {
      const picture = flat(400, 400, [12, 200, 99]);
      let tiles = 0;
      const tiled = await network.upscaleImage(picture, { tilePixels: small, onTile: () => tiles++ });
      const whole = await network.upscaleImage(picture, { tilePixels: Infinity });
      expect(differences(tiled.data, whole.data)).toBe(0);
      expect(tiles).toBeLessThanOrEqual(4);
    });
  });

  describe('an AbortSignal', () => {
    it('that was aborted before refuses the call', async () => {
      const reason = new Error('changed my mind');
      await expect(network.upscaleImage(noise(9, 9), { signal: AbortSignal.abort(reason) })).rejects.toMatchObject({
        code: 'ABORTED',
        cause: reason,
      });
    });

    it('ends a call whose turn has not come', async () => {
      await using single = await natural({ threads: 1 });
      const running = single.upscaleImage(noise(300, 300), { tilePixels: small, priority: 1 });
      const abort = new AbortController();
      let tiles = 0;
      const waiting = single.upscaleImage(noise(300, 300), { signal: abort.signal, onTile: () => tiles++ });
      await new Promise((resolve) => setImmediate(resolve));
      abort.abort();
      expect(await codeOf(waiting)).toBe('ABORTED');
      await running;
      expect(tiles).toBe(0);
    });

    it('ends a call within the tiles that threads are computing', async () => {
      const abort = new AbortController();
      let tiles = 0;
      const call = network.upscaleImage(noise(600, 600), {
        tilePixels: small,
        signal: abort.signal,
        onTile: () => {
          if (++tiles === 5) abort.abort(new Error('enough'));
        },
      });
      expect(await codeOf(call)).toBe('ABORTED');
      // Each thread has at most the tile that it computes and one ahead; it is given no more.
      let left = ordersInFlight();
      expect(left).toBeLessThanOrEqual(4);
      while (left > 0) {
        await new Promise((resolve) => setImmediate(resolve));
        const now = ordersInFlight();
        expect(now).toBeLessThanOrEqual(left);
        left = now;
      }
      expect(tiles).toBe(5);
    });

    it('ends a call at whatever moment it comes, also between two steps of its beginning', async () => {
      const picture = noise(150, 150);
      for (let steps = 0; steps < 30; steps++) {
        const abort = new AbortController();
        const call = network.upscaleImage(picture, { signal: abort.signal, tilePixels: small });
        const code = codeOf(call);
        for (let step = 0; step < steps; step++) await Promise.resolve();
        abort.abort();
        expect(await code, `after ${steps} steps`).toBe('ABORTED');
      }
    });

    it('does nothing after the end of the call', async () => {
      const abort = new AbortController();
      const result = await network.upscaleImage(noise(9, 9), { signal: abort.signal });
      abort.abort();
      expect(result.width).toBe(18);
    });

    it('always gives ABORTED, whatever the reason', async () => {
      for (const reason of [undefined, 'text', null, new Error('error')]) {
        const abort = new AbortController();
        const call = network.upscaleImage(noise(200, 200), { signal: abort.signal });
        abort.abort(reason);
        expect(await codeOf(call)).toBe('ABORTED');
      }
    });
  });
});

describe('options of a network', () => {
  it.each<[string, object]>([
    ['threads: 0', { threads: 0 }],
    ['threads: 1.5', { threads: 1.5 }],
    ['threads: 257', { threads: 257 }],
    ["device: 'gpu'", { device: 'gpu' }],
    ['memoryBudget: 0', { memoryBudget: 0 }],
    ['memoryBudget: NaN', { memoryBudget: NaN }],
    ['maxQueue: 0', { maxQueue: 0 }],
    ['scale: 2.5', { scale: 2.5 }],
    ['scale: 0', { scale: 0 }],
  ])('refuse %s', async (_, options) => {
    expect(await codeOf(natural(options as NetworkOptions))).toBe('BAD_ARGUMENT');
  });

  it('refuse a label that does not exist, and name those that do', async () => {
    const load = ThreadSafeNetwork.fromLabel('naturall');
    await expect(load).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    await expect(load).rejects.toThrow(/natural,.* art,.* bicubic/);
  });

  it('refuse a scale that no chain of the label reaches', async () => {
    expect(await codeOf(ThreadSafeNetwork.fromLabel('art', { scale: 3 }))).toBe('BAD_ARGUMENT');
  });
});

describe('maxQueue', () => {
  it('refuses one call more, and takes calls again when there is room', async () => {
    await using network = await natural({ threads: 1, maxQueue: 2 });
    const picture = noise(100, 100);
    const taken = [network.upscaleImage(picture), network.upscaleImage(picture)];
    expect(await codeOf(network.upscaleImage(picture))).toBe('QUEUE_FULL');
    await Promise.all(taken);
    expect((await network.upscaleImage(picture)).width).toBe(200);
  });
});

describe('turns', () => {
  it('go to the higher priority first, always', async () => {
    await using network = await natural({ threads: 1 });
    const order: string[] = [];
    const later: Promise<unknown>[] = [];
    const call = (name: string, priority: number): Promise<unknown> =>
      network.upscaleImage(noise(200, 200, 3, priority + 10), {
        priority,
        tilePixels: small,
        onTile: () => {
          if (order.push(name) === 1) later.push(call('low', -1), call('high', 1));
        },
      });
    await call('usual', 0);
    await Promise.all(later);
    const firstHigh = order.indexOf('high');
    const lastHigh = order.lastIndexOf('high');
    // The tile that was being computed and the one ahead came before; then nothing but the highest.
    expect(firstHigh).toBeLessThanOrEqual(4);
    expect(new Set(order.slice(firstHigh, lastHigh + 1))).toEqual(new Set(['high']));
    expect(order.indexOf('low')).toBeGreaterThan(order.lastIndexOf('usual'));
  });

  it('come soon for a tiny image behind a huge one', async () => {
    await using network = await natural({ threads: 2 });
    let hugeTiles = 0;
    let hugeDone = false;
    const huge = network.upscaleImage(noise(700, 700), { tilePixels: small, onTile: () => hugeTiles++ }).then(() => {
      hugeDone = true;
    });
    await until(() => hugeTiles > 3);
    const before = hugeTiles;
    await network.upscaleImage(noise(20, 20));
    expect(hugeDone).toBe(false);
    expect(hugeTiles - before).toBeLessThanOrEqual(8);
    await huge;
  });

  it('come for a network that is still to be prepared, behind a huge image of another', async () => {
    await using network = await natural({ threads: 2 });
    let hugeDone = false;
    let tiles = 0;
    const huge = network.upscaleImage(noise(900, 900), { tilePixels: small, onTile: () => tiles++ }).then(() => {
      hugeDone = true;
    });
    await until(() => tiles > 3);
    await using other = await ThreadSafeNetwork.fromBytes(plainNetwork({ seed: 77 }));
    expect(hugeDone).toBe(false);
    expect(other.factor).toBe(2);
    await huge;
  });

  it('respect the number of threads of each network', async () => {
    await using one = await natural({ threads: 1 });
    await using two = await ThreadSafeNetwork.fromLabel('art', { threads: 2 });
    const records: TileRecord[] = [];
    const options = { tilePixels: small, onTile: (record: TileRecord) => records.push(record) };
    await Promise.all([
      ...[1, 2, 3].map((seed) => one.upscaleImage(noise(120, 120, 3, seed), options)),
      two.upscaleImage(noise(200, 200), { tilePixels: small }),
    ]);
    records.sort((a, b) => a.started - b.started);
    for (let i = 1; i < records.length; i++) expect(records[i]!.started).toBeGreaterThanOrEqual(records[i - 1]!.ended);
  });
});

describe('dispose()', () => {
  // Whatever a test did, the threads end with the last network.
  afterEach(() => {
    expect(threadsNow()).toHaveLength(0);
  });

  it('finishes the calls under way', async () => {
    const network = await natural();
    const calls = [1, 2, 3].map((seed) => network.upscaleImage(noise(150, 150, 3, seed), { tilePixels: small }));
    await network.dispose();
    const open = Symbol('open');
    for (const call of calls) expect(await Promise.race([call, Promise.resolve(open)])).not.toBe(open);
  });

  it('aborts them with { cancel: true }', async () => {
    const network = await natural({ threads: 2 });
    let tiles = 0;
    const calls = [1, 2, 3].map((seed) =>
      codeOf(network.upscaleImage(noise(500, 500, 3, seed), { tilePixels: small, onTile: () => tiles++ })),
    );
    await until(() => tiles > 2);
    await network.dispose({ cancel: true });
    expect(await Promise.all(calls)).toEqual(['ABORTED', 'ABORTED', 'ABORTED']);
    expect(tiles).toBeLessThan(20);
  });

  it('can be hurried after it began to wait', async () => {
    const network = await natural();
    const call = codeOf(network.upscaleImage(noise(700, 700), { tilePixels: small }));
    const waiting = network.dispose();
    await network.dispose({ cancel: true });
    await waiting;
    expect(await call).toBe('ABORTED');
  });

  it('ends the threads also when an aborted call still occupies one', async () => {
    const network = await natural({ threads: 2 });
    const abort = new AbortController();
    const call = codeOf(network.upscaleImage(noise(400, 400), { signal: abort.signal, tilePixels: Infinity }));
    await until(() => ordersInFlight() > 0);
    abort.abort();
    expect(await call).toBe('ABORTED');
    await network.dispose();
  });

  it('refuses calls afterwards', async () => {
    const network = await natural();
    await network.dispose();
    expect(await codeOf(network.upscaleImage(noise(4, 4)))).toBe('DISPOSED');
    expect(await codeOf(network.process({ dims: [1, 1, 1, 3], data: new Float32Array(3) }))).toBe('DISPOSED');
    expect(() => network.share()).toThrow(expect.objectContaining({ code: 'DISPOSED' }));
    await network.dispose();
  });

  it('is what `await using` calls', async () => {
    let outside: ThreadSafeNetwork;
    {
      await using network = await natural();
      outside = network;
      await network.upscaleImage(noise(4, 4));
    }
    expect(await codeOf(outside.upscaleImage(noise(4, 4)))).toBe('DISPOSED');
  });

  it('ends the threads with the last network, and a new one starts them again', async () => {
    const first = await natural({ threads: 2 });
    const second = await ThreadSafeNetwork.fromLabel('bicubic');
    await first.upscaleImage(noise(200, 200), { tilePixels: small });
    const threads = threadsNow();
    expect(threads).toHaveLength(2);
    await first.dispose();
    expect(threadsNow()).toHaveLength(2);
    await second.upscaleImage(noise(9, 9));
    await second.dispose();
    await Promise.all(threads.map(({ ended }) => ended));
    expect(threadsNow()).toHaveLength(0);

    await using again = await natural();
    expect((await again.upscaleImage(noise(9, 9))).width).toBe(18);
  });

  it('of one of two loads of the same network leaves the other at work, on the same sessions', async () => {
    const first = await natural();
    const second = await natural();
    expect([...pool()!.weights.values()].map(({ users }) => users)).toEqual([2]);
    await first.upscaleImage(noise(9, 9));
    await first.dispose();
    expect((await second.upscaleImage(noise(9, 9))).width).toBe(18);
    await second.dispose();
    expect(pool()!.weights.size).toBe(0);
  });
});

describe('a worker thread', () => {
  it('can not create a network, and is told what to do instead', async () => {
    const worker = new Worker(new URL('./fixtures/create-in-worker.js', import.meta.url), { execArgv: [] });
    const answer = await new Promise((resolve) => worker.once('message', resolve));
    expect(answer).toMatchObject({
      code: 'NOT_MAIN_THREAD',
      loaded: false,
      message: expect.stringMatching(/share\(\).*attach\(handle\)/) as string,
    });
    await worker.terminate();
  });
});

describe('a network that looks at the whole image', () => {
  let bytes: Uint8Array;
  beforeAll(() => {
    bytes = globalNetwork();
  });

  it('is known by its graph', async () => {
    await using network = await ThreadSafeNetwork.fromBytes(bytes);
    expect(network.weights.geometry.halo).toBeUndefined();
    expect(network.weights.geometry.globalOperators).toContain('InstanceNormalization');
  });

  it('is never cut into tiles', async () => {
    await using network = await ThreadSafeNetwork.fromBytes(bytes, { threads: 4 });
    let tiles = 0;
    const picture = noise(150, 100);
    const result = await network.upscaleImage(picture, { tilePixels: 1000, onTile: () => tiles++ });
    expect(tiles).toBe(1);
    const whole = await network.upscaleImage(picture, { tilePixels: Infinity });
    expect(differences(result.data, whole.data)).toBe(0);
  });

  it('is refused above the memory budget, unless approximation is accepted', async () => {
    await using network = await ThreadSafeNetwork.fromBytes(bytes, { memoryBudget: 2 ** 20 });
    const picture = noise(500, 400);
    expect(await codeOf(network.upscaleImage(picture))).toBe('INPUT_TOO_LARGE');
    let tiles = 0;
    const result = await network.upscaleImage(picture, { acceptApproximation: true, onTile: () => tiles++ });
    expect(result.data).toHaveLength(1000 * 800 * 3);
    expect(tiles).toBeGreaterThan(1);
  });
});

describe('a network with strides', () => {
  it('gives the bytes of the whole image for every size', async () => {
    await using network = await ThreadSafeNetwork.fromBytes(stridedNetwork(), { threads: 2 });
    expect(network.weights.geometry).toMatchObject({ scale: 2, multipleOf: 4, globalOperators: [] });
    for (const [width, height] of [
      [1, 1],
      [3, 5],
      [64, 64],
      [101, 67],
      [150, 7],
      [5, 131],
      [203, 98],
    ] as const) {
      const picture = noise(width, height);
      // In WebAssembly strided convolutions round by their size: the tiles lie on a grid that only the picture's size decides.
      const whole = await network.upscaleImage(picture, onWasm ? {} : { tilePixels: Infinity });
      expect(whole).toMatchObject({ width: width * 2, height: height * 2 });
      for (const tilePixels of [600, 3000]) {
        const tiled = await network.upscaleImage(picture, { tilePixels });
        expect(differences(tiled.data, whole.data), `${width}×${height}, ${tilePixels}`).toBe(0);
      }
    }
  });
});

describe('what is no network for images', () => {
  it.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(0), 'MODEL_INVALID'],
    ['junk', noise(100, 100).data as Uint8Array, 'MODEL_INVALID'],
    ['half a network', plainNetwork().slice(0, 3000), 'MODEL_INVALID'],
    ['a classifier', classifier(), 'MODEL_UNSUPPORTED'],
  ])('is refused: %s', async (_, bytes, code) => {
    expect(await codeOf(ThreadSafeNetwork.fromBytes(bytes))).toBe(code);
  });

  it('is refused: a file that does not exist', async () => {
    const file = join(temporaryFolder(), 'nothing.onnx');
    await expect(ThreadSafeNetwork.loadFromFile(file)).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND', file });
  });

  it('leaves nothing behind that would be taken for a network', async () => {
    const folder = temporaryFolder();
    await codeOf(ThreadSafeNetwork.fromBytes(classifier(), { cacheFolder: folder }));
    await expect(ThreadSafeNetwork.fromBytes(classifier(), { cacheFolder: folder })).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
    });
  });
});

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = a.length === b.length ? 0 : Infinity;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}
