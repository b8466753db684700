import { createHash } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CallOptions } from '#src/network/network-options.js';
import { ThreadSafeNetwork, type NetworkHandle } from '#src/network/thread-safe-network.js';
import { builtins } from '../support/builtins.js';
import { codeOf } from '../support/errors.js';
import { noise, randomNumbers, type Picture } from '../support/pictures.js';
import { ordersInFlight, until } from '../support/pool.js';

const callers = 8;
const imagesEach = 10;

interface Job {
  readonly picture: Picture;
  readonly options: CallOptions;
}

function hash(data: NodeJS.ArrayBufferView): string {
  return createHash('sha256').update(data).digest('hex');
}

function attachedWorker(): Worker {
  return new Worker(new URL('./fixtures/attached-caller.js', import.meta.url), { execArgv: [] });
}

/** Has a worker run jobs on a handle. */
function ask(worker: Worker, handle: NetworkHandle, jobs: readonly Job[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    worker.once('message', (hashes: string[]) => {
      worker.off('error', reject);
      resolve(hashes);
    });
    worker.once('error', reject);
    worker.postMessage({ handle, jobs }, [handle.port]);
  });
}

/** Threads and queues treat networks alike: a light one, one in two passes, a heavy one, and one that is no network. */
const oneOfEachKind = builtins.filter(({ label, scale }) =>
  ['natural 2', 'art 4', 'anime 2', 'bicubic 3'].includes(`${label} ${scale}`),
);

describe(`${callers} attached worker threads and ${callers} callers in the main thread, ${imagesEach} images each`, () => {
  const workers: Worker[] = [];

  beforeAll(() => {
    for (let i = 0; i < callers; i++) workers.push(attachedWorker());
  });
  afterAll(async () => {
    await Promise.all(workers.map((worker) => worker.terminate()));
  });

  it.each(oneOfEachKind)(
    'all get the bytes of one thread and one tile: $label ×$scale',
    async ({ label, scale, heavy }) => {
      // Each thread opens a session for each kind of pixels, which for the heavy ones takes longer than computing.
      await using network = await ThreadSafeNetwork.fromLabel(label, { scale, threads: heavy ? 2 : 4 });
      const random = randomNumbers(scale * 1000);
      const longest = heavy ? 24 : 60;
      const jobs: Job[] = Array.from({ length: heavy ? 12 : 24 }, (_, i) => ({
        picture: noise(1 + random(longest), 1 + random(longest), i % 4 === 0 ? 1 : 3, i, i % 5 === 0 ? 16 : 8),
        options: { tilePixels: 200 + random(2500), priority: random(3) - 1 },
      }));
      const jobsOf = (caller: number): Job[] =>
        Array.from({ length: heavy ? 2 : imagesEach }, (_, i) => jobs[(caller * 5 + i) % jobs.length]!);

      const inWorkers = workers.map((worker, caller) => ask(worker, network.share(), jobsOf(caller)));
      const inMain = Array.from({ length: callers }, (_, caller) =>
        Promise.all(
          jobsOf(callers + caller).map(async ({ picture, options }) =>
            hash((await network.upscaleImage(picture, options)).data),
          ),
        ),
      );
      const results = await Promise.all([...inWorkers, ...inMain]);

      await using single = await ThreadSafeNetwork.fromLabel(label, { scale, threads: 1 });
      const expected = new Map<Picture, string>();
      for (const { picture } of jobs) {
        expected.set(picture, hash((await single.upscaleImage(picture, { tilePixels: Infinity })).data));
      }
      results.forEach((hashes, caller) => {
        expect(hashes).toEqual(jobsOf(caller).map(({ picture }) => expected.get(picture)));
      });
    },
  );
});

describe('an attached worker thread', () => {
  let network: ThreadSafeNetwork;
  beforeAll(async () => {
    network = await ThreadSafeNetwork.loadBuiltinNatural({ threads: 2 });
  });
  afterAll(async () => {
    await network.dispose();
  });

  const huge: Job = { picture: noise(800, 800), options: { tilePixels: 4000 } };
  const usual: Job = { picture: noise(90, 80, 3, 4), options: { tilePixels: 2000 } };

  it('harms no one when it is terminated in mid-run, and its calls stop', async () => {
    const doomed = attachedWorker();
    const bystander = attachedWorker();
    // Its result never comes: only that it is being computed is waited for.
    void ask(doomed, network.share(), [huge, huge]);
    await until(() => ordersInFlight() > 0);
    const expected = hash((await network.upscaleImage(usual.picture)).data);
    const others = [ask(bystander, network.share(), [usual, usual]), network.upscaleImage(usual.picture)] as const;
    await doomed.terminate();
    expect(await others[0]).toEqual([expected, expected]);
    expect(hash((await others[1]).data)).toBe(expected);
    // Nothing is computed for the dead any more: two images of 160 tiles each are dropped.
    await until(() => ordersInFlight() === 0);
    expect(hash((await network.upscaleImage(usual.picture)).data)).toBe(expected);
    await bystander.terminate();
  });

  it('can be terminated at any moment', async () => {
    for (const delay of [0, 20, 45, 80, 120]) {
      const worker = attachedWorker();
      void ask(worker, network.share(), [huge, usual]);
      await new Promise((resolve) => setTimeout(resolve, delay));
      await worker.terminate();
    }
    await until(() => ordersInFlight() === 0);
    expect((await network.upscaleImage(usual.picture)).width).toBe(180);
  });

  it('gets its results when the network is disposed with calls under way', async () => {
    const own = await ThreadSafeNetwork.loadBuiltinNatural();
    const expected = hash((await own.upscaleImage(usual.picture)).data);
    const worker = attachedWorker();
    const answer = ask(
      worker,
      own.share(),
      Array.from({ length: 6 }, () => usual),
    );
    await until(() => ordersInFlight() > 0);
    await own.dispose();
    const outcomes = await answer;
    // All six calls had come, or the last ones came too late: then they are told so.
    expect(outcomes[0]).toBe(expected);
    for (const outcome of outcomes) expect(outcome === expected || outcome.startsWith('DISPOSED')).toBe(true);
    await worker.terminate();
  });

  it('is told when the network was disposed before it attached', async () => {
    const own = await ThreadSafeNetwork.loadBuiltinNatural();
    const handle = own.share();
    await own.dispose();
    const worker = attachedWorker();
    expect(await ask(worker, handle, [usual])).toEqual([expect.stringMatching(/^DISPOSED/)]);
    await worker.terminate();
  });
});

describe('an attached network', () => {
  let network: ThreadSafeNetwork;
  beforeAll(async () => {
    network = await ThreadSafeNetwork.loadBuiltinNatural({ threads: 2 });
  });
  afterAll(async () => {
    await network.dispose();
  });

  it('is the same network', async () => {
    await using attached = await ThreadSafeNetwork.attach(network.share());
    expect(attached).toMatchObject({
      factor: 2,
      label: 'natural',
      display: 'Natural',
      device: network.device,
      threads: 2,
    });
    expect(attached.weights).toEqual(network.weights);
    const picture = noise(50, 40);
    const { data } = await attached.upscaleImage(picture);
    expect(hash(data)).toBe(hash((await network.upscaleImage(picture)).data));
    const tensor = { dims: [1, 4, 5, 3] as const, data: new Float32Array(60).fill(0.25) };
    expect(await attached.process(tensor)).toEqual(await network.process(tensor));
  });

  it('shares itself, and what it shared outlives it', async () => {
    const attached = await ThreadSafeNetwork.attach(network.share());
    const nested = await ThreadSafeNetwork.attach(attached.share());
    const picture = noise(30, 30);
    const expected = hash((await network.upscaleImage(picture)).data);
    expect(hash((await nested.upscaleImage(picture)).data)).toBe(expected);
    await attached.dispose();
    expect(hash((await nested.upscaleImage(picture)).data)).toBe(expected);
    await nested.dispose();
    expect(() => attached.share()).toThrow(expect.objectContaining({ code: 'DISPOSED' }));
    expect(await codeOf(nested.upscaleImage(picture))).toBe('DISPOSED');
    expect((await network.upscaleImage(picture)).width).toBe(60);
  });

  it('hears of progress and tiles, and fails only its call when it throws there', async () => {
    await using attached = await ThreadSafeNetwork.attach(network.share());
    const picture = noise(200, 100);
    const done: number[] = [];
    let tiles = 0;
    await attached.upscaleImage(picture, {
      tilePixels: 3000,
      onProgress: ({ donePixels }) => done.push(donePixels),
      onTile: () => tiles++,
    });
    expect(done.at(-1)).toBe(20_000);
    expect(tiles).toBe(done.length);
    const mistake = new Error('my own mistake');
    const failing = attached.upscaleImage(picture, {
      tilePixels: 3000,
      onProgress: () => {
        throw mistake;
      },
    });
    const other = attached.upscaleImage(picture);
    await expect(failing).rejects.toBe(mistake);
    expect((await other).width).toBe(400);
  });

  it('can be aborted before and in mid-run, and then tells why', async () => {
    await using attached = await ThreadSafeNetwork.attach(network.share());
    const picture = noise(500, 500);
    const reason = new Error('changed my mind');
    const before = attached.upscaleImage(picture, { signal: AbortSignal.abort(reason) });
    await expect(before).rejects.toMatchObject({ code: 'ABORTED', cause: reason });
    const abort = new AbortController();
    const call = attached.upscaleImage(picture, {
      tilePixels: 3000,
      signal: abort.signal,
      onTile: () => {
        abort.abort(reason);
      },
    });
    await expect(call).rejects.toMatchObject({ code: 'ABORTED', cause: reason });
    await until(() => ordersInFlight() === 0);
  });

  it('aborts its own calls with dispose({ cancel: true }), and no one else’s', async () => {
    const attached = await ThreadSafeNetwork.attach(network.share());
    const picture = noise(400, 400);
    const call = codeOf(attached.upscaleImage(picture, { tilePixels: 3000 }));
    const other = network.upscaleImage(noise(100, 100));
    await until(() => ordersInFlight() > 0);
    await attached.dispose({ cancel: true });
    expect(await call).toBe('ABORTED');
    expect((await other).width).toBe(200);
  });
});
