import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { GpuMemory } from '#src/network/gpu/gpu-memory.js';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { codeOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';
import { networkOfOne } from '../support/network-of-one.js';
import { globalNetwork, plainNetwork, stridedNetwork } from '../support/networks.js';
import { differences, noise, type Picture } from '../support/pictures.js';
import { until } from '../support/pool.js';
import { gpuProcess, hasSoftwareGpu, isRunning, useSoftwareGpu } from '../support/software-gpu.js';

useSoftwareGpu();
const cacheFolder = temporaryFolder();
/** Little to compute: a driver in software is a hundred times slower than the CPU's own kernels. */
const small = plainNetwork({ width: 4, depth: 0 });
const onGpu = { device: 'webgpu', cacheFolder } as const;

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}

/** Of the whole range, in steps of the type: a thousandth, and at least the one step that rounding may take. */
function allowed({ data }: Picture): number {
  return data instanceof Uint8Array ? 1 : 65;
}

describe.runIf(hasSoftwareGpu)('a network on a graphics processor', () => {
  let cpu: ThreadSafeNetwork;
  let gpu: ThreadSafeNetwork;
  beforeAll(async () => {
    cpu = await ThreadSafeNetwork.fromBytes(small, { cacheFolder });
    gpu = await ThreadSafeNetwork.fromBytes(small, onGpu);
  });
  afterAll(async () => {
    await cpu.dispose();
    await gpu.dispose();
  });

  it('says what it computes on', () => {
    expect([cpu.device, gpu.device]).toEqual(['cpu', 'webgpu']);
    expect(cpu.gpu).toBeUndefined();
    expect(gpu.gpu).toMatchObject({ device: 'webgpu', adapter: 'SwiftShader (software)' });
    expect(gpuProcess()).not.toBe(process.pid);
  });

  it.each<readonly [number, number, 1 | 3, 8 | 16]>([
    [1, 1, 3, 8],
    [61, 47, 3, 8],
    [40, 33, 1, 8],
    [37, 52, 3, 16],
    [3, 70, 1, 16],
  ])('computes what the CPU computes: %i×%i pixels, %i channels, %i bit', async (width, height, channels, bits) => {
    const picture = noise(width, height, channels, 3, bits);
    const [a, b] = await Promise.all([gpu.upscaleImage(picture), cpu.upscaleImage(picture)]);
    expect(a).toMatchObject({ width: b.width, height: b.height, channels });
    expect(largestDifference(a.data, b.data)).toBeLessThanOrEqual(allowed(picture));
  });

  it('computes floating point numbers', async () => {
    const data = Float32Array.from(noise(30, 20).data, (value) => value / 255);
    const tensor = { dims: [1, 20, 30, 3] as const, data };
    const [a, b] = await Promise.all([gpu.process(tensor), cpu.process(tensor)]);
    expect(largestDifference(a.data, b.data)).toBeLessThanOrEqual(1e-3);
  });

  it('gives the same bytes whatever the tiles, and reports each of them', async () => {
    const picture = noise(70, 53);
    const whole = await gpu.upscaleImage(picture, { tilePixels: Infinity });
    const shapes: number[] = [];
    let done = 0;
    const tiled = await gpu.upscaleImage(picture, {
      tilePixels: 500,
      onTile: ({ pixels }) => shapes.push(pixels),
      onProgress: ({ donePixels }) => (done = donePixels),
    });
    expect(shapes.length).toBeGreaterThan(8);
    expect(new Set(shapes).size).toBe(1);
    expect(done).toBe(70 * 53);
    expect(differences(tiled.data, whole.data)).toBe(0);
  });

  it('gives each of many callers at once what it gives to one alone', async () => {
    const pictures = Array.from({ length: 6 }, (_, i) => noise(20 + 5 * i, 44 - 3 * i, 3, i));
    const alone: Picture[] = [];
    for (const picture of pictures) alone.push(await gpu.upscaleImage(picture));
    const together = await Promise.all(pictures.map((picture, lane) => gpu.upscaleImage(picture, { lane: { lane } })));
    expect(together.map(({ data }, i) => differences(data, alone[i]!.data))).toEqual(pictures.map(() => 0));
  });

  it('is used by a worker thread that it is shared with, which sees its memory', async () => {
    const picture = noise(33, 29);
    const expected = await gpu.upscaleImage(picture);
    const handle = gpu.share();
    const worker = new Worker(fileURLToPath(new URL('./fixtures/attached-caller.js', import.meta.url)));
    worker.postMessage({ handle, jobs: [{ picture }] }, [handle.port]);
    const [hash] = await new Promise<string[]>((resolve) => worker.once('message', resolve));
    await worker.terminate();
    expect(hash).toBe(createHash('sha256').update(expected.data).digest('hex'));

    const own = gpu.share();
    const attached = await ThreadSafeNetwork.attach(own);
    expect(attached.device).toBe('webgpu');
    expect(attached.gpu?.adapter).toBe(gpu.gpu?.adapter);
    expect(attached.gpu?.allocated).toEqual(gpu.gpu?.allocated);
    await attached.dispose();
  });

  it('is aborted in the middle of a picture, and goes on with the next', async () => {
    const abort = new AbortController();
    const picture = noise(120, 120);
    const aborted = gpu.upscaleImage(picture, {
      signal: abort.signal,
      tilePixels: 500,
      onTile: () => {
        abort.abort();
      },
    });
    expect(await codeOf(aborted)).toBe('ABORTED');
    const next = noise(30, 30);
    const [a, b] = await Promise.all([gpu.upscaleImage(next), cpu.upscaleImage(next)]);
    expect(largestDifference(a.data, b.data)).toBeLessThanOrEqual(1);
  });

  it('shares the device and its process with other networks, of any kind', async () => {
    const before = gpuProcess();
    await using strided = await ThreadSafeNetwork.fromBytes(stridedNetwork(), onGpu);
    await using stridedOnCpu = await ThreadSafeNetwork.fromBytes(stridedNetwork(), { cacheFolder });
    await using global = await ThreadSafeNetwork.fromBytes(globalNetwork(), onGpu);
    await using globalOnCpu = await ThreadSafeNetwork.fromBytes(globalNetwork(), { cacheFolder });
    const picture = noise(26, 19);
    const results = await Promise.all(
      [gpu, strided, global, gpu, strided, global].map((network) => network.upscaleImage(picture)),
    );
    const expected = await Promise.all(
      [cpu, stridedOnCpu, globalOnCpu].map((network) => network.upscaleImage(picture)),
    );
    results.forEach(({ data }, i) => {
      expect(largestDifference(data, expected[i % 3]!.data)).toBeLessThanOrEqual(1);
    });
    expect(gpuProcess()).toBe(before);
  });

  it('computes tiles one by one where the graph takes no batch', async () => {
    await using single = await ThreadSafeNetwork.fromBytes(networkOfOne(), onGpu);
    const { data } = noise(24, 18);
    // Repeating pixels, it shows where each of them went.
    const result = await single.upscaleImage({ width: 24, height: 18, channels: 3, data }, { tilePixels: 256 });
    for (let y = 0; y < 36; y++) {
      for (let x = 0; x < 48; x++) {
        const [from, to] = [((y >> 1) * 24 + (x >> 1)) * 3, (y * 48 + x) * 3];
        expect([...result.data.subarray(to, to + 3)]).toEqual([...data.subarray(from, from + 3)]);
      }
    }
  });

  it('does a tiny picture of one caller before the huge one of another is done', async () => {
    const done: string[] = [];
    let tiny: Promise<unknown> | undefined;
    await gpu.upscaleImage(noise(250, 250), {
      tilePixels: 500,
      lane: {},
      onTile: () => {
        tiny ??= gpu.upscaleImage(noise(8, 8), { lane: {} }).then(() => done.push('tiny'));
      },
    });
    done.push('huge');
    await tiny;
    expect(done).toEqual(['tiny', 'huge']);
  });

  it('that loses its process in mid-picture throws DEVICE_LOST, and starts another for the next call', async () => {
    const lost = gpuProcess()!;
    const picture = noise(120, 120);
    const doomed = gpu.upscaleImage(picture, {
      tilePixels: 500,
      onTile: () => process.kill(lost, 'SIGKILL'),
    });
    expect(await codeOf(doomed)).toBe('DEVICE_LOST');
    const next = noise(30, 30);
    const [a, b] = await Promise.all([gpu.upscaleImage(next), cpu.upscaleImage(next)]);
    expect(largestDifference(a.data, b.data)).toBeLessThanOrEqual(1);
    expect(gpuProcess()).not.toBe(lost);
    expect(isRunning(lost)).toBe(false);
  });

  it('that gets no memory for a batch fails the call, and goes on with the next', async () => {
    const staging = vi.spyOn(GpuMemory.prototype, 'staging').mockImplementationOnce(() => {
      throw new RangeError('Array buffer allocation failed');
    });
    const doomed = gpu.upscaleImage(noise(60, 60), { tilePixels: 500 });
    await expect(doomed).rejects.toMatchObject({
      code: 'DEVICE_LOST',
      message: expect.stringContaining('Array buffer allocation failed') as string,
    });
    staging.mockRestore();
    const next = noise(30, 30);
    const [a, b] = await Promise.all([gpu.upscaleImage(next), cpu.upscaleImage(next)]);
    expect(largestDifference(a.data, b.data)).toBeLessThanOrEqual(1);
  });

  it('is not disturbed by another whose file was replaced: only that one fails', async () => {
    const file = join(temporaryFolder(), 'own.onnx');
    writeFileSync(file, plainNetwork({ width: 5, depth: 0 }));
    await using other = await ThreadSafeNetwork.loadFromFile(file, onGpu);
    writeFileSync(file, plainNetwork({ width: 6, depth: 0 }));
    // The next process has to read it again.
    process.kill(gpuProcess()!, 'SIGKILL');
    await until(() => gpuProcess() === undefined);
    const picture = noise(30, 30);
    const [code, result, expected] = await Promise.all([
      codeOf(other.upscaleImage(picture)),
      gpu.upscaleImage(picture),
      cpu.upscaleImage(picture),
    ]);
    expect(code).toBe('MODEL_INVALID');
    expect(largestDifference(result.data, expected.data)).toBeLessThanOrEqual(1);
  });

  it('counts what it holds, stays within its budget, and holds nothing when it is disposed', async () => {
    await gpu.dispose();
    const gpuMemoryBudget = 4 * 1024 * 1024;
    const frugal = await ThreadSafeNetwork.fromBytes(small, { ...onGpu, gpuMemoryBudget });
    const { parameters } = frugal.weights;
    const context = () => frugal.gpu!;
    expect(context().budget).toBe(gpuMemoryBudget);
    expect(context().allocated).toEqual({ total: 4 * parameters, staging: 0, weights: 4 * parameters, activations: 0 });
    let most = 0;
    let callers = 0;
    const tiles = new Set<number>();
    const onTile = ({ pixels }: { pixels: number }): void => {
      tiles.add(pixels);
      most = Math.max(most, context().allocated.total);
      callers = Math.max(callers, context().pools.callers);
    };
    await Promise.all([1, 2].map((lane) => frugal.upscaleImage(noise(150, 140, 3, lane), { onTile, lane: { lane } })));
    expect(callers).toBe(2);
    expect(most).toBeGreaterThan(4 * parameters);
    expect(most).toBeLessThanOrEqual(gpuMemoryBudget);
    expect(Math.max(...tiles)).toBeLessThan(150 * 140);
    // The least that a network needs is a tile with its halo, and room for its weights.
    const tight = await ThreadSafeNetwork.fromBytes(small, { ...onGpu, gpuMemoryBudget: 5 * 4 * parameters });
    expect(context().budget).toBe(5 * 4 * parameters);
    expect(await codeOf(tight.upscaleImage(noise(60, 60)))).toBe('INPUT_TOO_LARGE');
    await tight.dispose();
    expect(context().budget).toBe(gpuMemoryBudget);
    const tiny = ThreadSafeNetwork.fromBytes(small, { ...onGpu, gpuMemoryBudget: 4 * parameters });
    expect(await codeOf(tiny)).toBe('BAD_ARGUMENT');
    await frugal.dispose();
    expect(context().allocated.total).toBe(0);
    expect(context().pools).toEqual({ callers: 0, bytes: 0 });
    expect(context().budget).toBe(0);
    expect(gpuProcess()).toBeUndefined();
  });
});

describe.runIf(hasSoftwareGpu)('the built-in network for photographs on a graphics processor', () => {
  it('computes what the CPU computes', async () => {
    await using cpu = await ThreadSafeNetwork.loadBuiltinNatural({ cacheFolder });
    await using gpu = await ThreadSafeNetwork.loadBuiltinNatural(onGpu);
    for (const [width, height] of [
      [7, 5],
      [31, 22],
    ] as const) {
      const picture = noise(width, height);
      const [a, b] = await Promise.all([gpu.upscaleImage(picture), cpu.upscaleImage(picture)]);
      expect(largestDifference(a.data, b.data)).toBeLessThanOrEqual(1);
    }
  });
});

describe.runIf(hasSoftwareGpu)('a network that was to choose its device', () => {
  const automatic = { device: 'auto', cacheFolder } as const;

  it('computes a picture again on the CPU, whole, when the device is lost; after two losses it stays there', async () => {
    process.env.UPRES_ACCEPT_SOFTWARE_GPU = '1';
    const warnings: string[] = [];
    const listen = (warning: Error & { code?: string }): void => {
      if (warning.code === 'UPRES_DEVICE_FALLBACK') warnings.push(warning.message);
    };
    process.on('warning', listen);
    await using cpu = await ThreadSafeNetwork.fromBytes(small, { cacheFolder });
    await using network = await ThreadSafeNetwork.fromBytes(small, automatic);
    expect(network.device).toBe('webgpu');
    const picture = noise(64, 60, 3, 1, 16);
    const expected = await cpu.upscaleImage(picture);
    const onDevice = await network.upscaleImage(picture);
    // Steps of rounding here and there, by which one can be told from the other.
    expect(differences(onDevice.data, expected.data)).toBeGreaterThan(0);

    const progress: number[] = [];
    /** Makes calls at once, of which the first tile is the process' last. */
    const loseWith = async (calls: number): Promise<Picture[]> => {
      const pid = gpuProcess()!;
      let killed = false;
      const call = (): Promise<Picture> =>
        network.upscaleImage(picture, {
          tilePixels: 500,
          onProgress: ({ donePixels }) => progress.push(donePixels),
          onTile: () => {
            if (!killed) process.kill(pid, 'SIGKILL');
            killed = true;
          },
        });
      return Promise.all(Array.from({ length: calls }, call));
    };
    const results = await loseWith(2);
    // The one that was not on the device just then may go on there: in another process, but on no other device.
    const onCpu = results.map(({ data }) => differences(data, expected.data) === 0);
    expect(onCpu).toContain(true);
    results.forEach(({ data }, i) => {
      if (!onCpu[i]) expect(differences(data, onDevice.data)).toBe(0);
    });
    expect(Math.max(...progress)).toBe(picture.width * picture.height);
    // A call that goes well forgives the loss.
    await network.upscaleImage(noise(10, 10));
    const [again] = await loseWith(1);
    expect(differences(again!.data, expected.data)).toBe(0);
    expect(network.device).toBe('webgpu');
    // The process is started by the call.
    const third = network.upscaleImage(picture, { tilePixels: 500 });
    await until(() => gpuProcess() !== undefined);
    process.kill(gpuProcess()!, 'SIGKILL');
    expect(differences((await third).data, expected.data)).toBe(0);
    expect(network.device).toBe('cpu');
    expect(network.gpu).toBeUndefined();
    expect(differences((await network.upscaleImage(picture)).data, expected.data)).toBe(0);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('lost');
    process.off('warning', listen);
    delete process.env.UPRES_ACCEPT_SOFTWARE_GPU;
  });
});
