import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, test, vi } from 'vitest';
import { Upscaler, type UpscaleOptions } from '#src/image/upscale.js';
import { builtinNetwork } from '#src/model/catalogue/registry.js';
import { Admission } from '#src/network/pool/admission.js';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { animation, decodePixels, largestDifference, picture, picture16, scene } from './fixtures.js';
import { useUpscaler } from './upscaler.js';

const { upscaler, folder } = useUpscaler();
const photo = await picture(48, 36, 3, scene).png().toBuffer();

describe('any factor, any size', () => {
  test.each<[UpscaleOptions, number, number]>([
    [{}, 96, 72],
    [{ upscale: 1 }, 48, 36],
    [{ upscale: 1.3 }, 62, 47],
    [{ upscale: 2.5 }, 120, 90],
    [{ upscale: 3 }, 144, 108],
    [{ upscale: 4 }, 192, 144],
    [{ upscale: 5, model: 'art' }, 240, 180],
    [{ upscale: 8 }, 384, 288],
    [{ width: 100 }, 100, 75],
    [{ height: 100 }, 133, 100],
    [{ width: 30, height: 90 }, 30, 90],
    [{ width: 20 }, 20, 15],
    [{ minWidth: 40 }, 48, 36],
    [{ minWidth: 61 }, 61, 46],
  ])('%j', async (options, width, height) => {
    const result = await upscaler.upscale(photo, options);
    expect(result).toMatchObject({ width, height, upscale: width / 48 });
    if (options.model !== undefined) expect(result.model).toBe(options.model);
    const pixels = await decodePixels(result.data);
    expect([pixels.width, pixels.height]).toEqual([width, height]);
    // The picture is still the same one: nothing is shifted, turned or recoloured.
    const back = await sharp(result.data).resize(48, 36, { fit: 'fill' }).raw().toBuffer();
    const { data } = await decodePixels(photo);
    const border = (i: number): boolean => {
      const x = Math.floor(i / 3) % 48;
      const y = Math.floor(i / 3 / 48);
      return x < 3 || y < 3 || x >= 45 || y >= 33;
    };
    const inside = (values: Uint8Array): number[] => [...values].filter((_, i) => !border(i));
    expect(largestDifference(inside(back), inside(data))).toBeLessThan(width < 48 ? 40 : 8);
  });

  test('no network is loaded where nothing is to be enlarged', async () => {
    const result = await upscaler.upscale(photo, { upscale: 1, model: 'no-such-model' });
    expect(result).toMatchObject({ inferenceMs: 0, model: 'no-such-model' });
    expect((await decodePixels(result.data)).data).toEqual((await decodePixels(photo)).data);
  });

  test('a single pixel', async () => {
    const pixel = await picture(1, 1, 4, () => [10, 20, 30, 128])
      .png()
      .toBuffer();
    const pixels = await decodePixels((await upscaler.upscale(pixel, { upscale: 3 })).data);
    for (let y = 0; y < 3; y++) for (let x = 0; x < 3; x++) expect(pixels.at(x, y)).toEqual([10, 20, 30, 128]);
  });
});

test.each(['natural', 'art', 'bicubic', 'nearest', 'bilinear'])(
  'a flat colour stays that colour, up to the sides: %s',
  async (model) => {
    for (const colour of [
      [0, 0, 0],
      [255, 255, 255],
      [200, 100, 50],
      [17, 34, 119],
    ]) {
      for (const [width, height] of [
        [1, 1],
        [23, 14],
      ] as const) {
        for (const upscale of [2, 3, 4, 2.5]) {
          const source = await picture(width, height, 3, () => colour)
            .png()
            .toBuffer();
          const { data } = await decodePixels((await upscaler.upscale(source, { model, upscale })).data);
          expect(data.every((value, i) => value === colour[i % 3])).toBe(true);
        }
      }
    }
  },
);

describe('models', () => {
  test('a path is run as often as needed', async () => {
    const file = join(folder, 'mine.onnx');
    await writeFile(file, await readFile(builtinNetwork('art', 2).path));
    const result = await upscaler.upscale(photo, { model: file, upscale: 3 });
    expect(result).toMatchObject({ width: 144, height: 108, model: file });
    const chained = await upscaler.upscale(photo, { model: 'art', upscale: 4 });
    const repeated = await upscaler.upscale(photo, { model: file, upscale: 4 });
    // A pass by itself rounds its result to whole levels, a chain does not.
    const [one, other] = await Promise.all([decodePixels(chained.data), decodePixels(repeated.data)]);
    expect(largestDifference(one.data, other.data)).toBeLessThanOrEqual(8);
  });

  test('an unknown label, a missing file', async () => {
    await expect(upscaler.upscale(photo, { model: 'naturall' })).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    const missing = upscaler.upscale(photo, { model: './nowhere.onnx' });
    await expect(missing).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });

  test('resize needs no learned one', async () => {
    const result = await upscaler.resize(photo, { upscale: 2 });
    expect(result).toMatchObject({ width: 96, height: 72, model: 'bicubic' });
    const same = await upscaler.upscale(photo, { model: 'bicubic' });
    expect(Buffer.from(result.data).equals(same.data)).toBe(true);
  });
});

test.each<[string, UpscaleOptions]>([
  ['format', { format: 'bmp' as 'png' }],
  ['colour', { colour: 'p3' as 'srgb' }],
  ['alpha', { alpha: 'cubic' as 'bicubic' }],
  ['model', { model: '' }],
  ['upscale', { upscale: 9 }],
])('a %s that does not exist: BAD_ARGUMENT', async (_, options) => {
  await expect(upscaler.upscale(photo, options)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
});

describe('the same bytes, always', () => {
  const jobs: [Promise<Buffer>, UpscaleOptions][] = [
    [Promise.resolve(photo), {}],
    [Promise.resolve(photo), { upscale: 1.7, format: 'webp' }],
    [Promise.resolve(photo), { format: 'avif' }],
    [Promise.resolve(photo), { model: 'art', format: 'jpeg' }],
    [
      picture(30, 30, 4, (x, y) => [...scene(x, y), x * 8])
        .png()
        .toBuffer(),
      { upscale: 2.5 },
    ],
    [
      picture16(30, 20, 1, (x, y) => [x * 2000 + y])
        .png()
        .toBuffer(),
      {},
    ],
    [
      animation(20, 20, 4, (x, y, f) => [x * 12, y * 12, f * 60, 255])
        .gif({ delay: [50, 60, 70, 80] })
        .toBuffer(),
      {},
    ],
  ];

  test('alone or alongside others, with one thread or three, with room or without', async () => {
    const run = async (subject: Upscaler, sequential: boolean): Promise<Buffer[]> => {
      const results: Promise<Buffer>[] = [];
      for (const [source, options] of [...jobs, ...jobs]) {
        const result = subject.upscale(await source, options).then(({ data }) => Buffer.from(data));
        results.push(result);
        if (sequential) await result;
      }
      return Promise.all(results);
    };
    await using single = new Upscaler({ threads: 1 });
    await using three = new Upscaler({ threads: 3 });
    await using narrow = new Upscaler({ memoryBudget: 1 });
    const expected = await run(single, true);
    for (const [subject, sequential] of [
      [three, false],
      [narrow, false],
    ] as const) {
      const actual = await run(subject, sequential);
      expect(actual.map((data, i) => data.equals(expected[i]!))).toEqual(actual.map(() => true));
    }
    expect(expected.slice(0, jobs.length)).toEqual(expected.slice(jobs.length));
  });
});

describe('ending early', () => {
  test('an aborted signal: ABORTED, whatever the input', async () => {
    const call = upscaler.upscale(join(folder, 'nowhere.png'), { signal: AbortSignal.abort() });
    await expect(call).rejects.toMatchObject({ code: 'ABORTED', file: join(folder, 'nowhere.png') });
  });

  test('in the middle of the network', async () => {
    const large = await picture(700, 700, 3, scene).png().toBuffer();
    const controller = new AbortController();
    let share = 0;
    const call = upscaler.upscale(large, {
      upscale: 4,
      signal: controller.signal,
      onProgress: ({ donePixels, totalPixels }) => {
        share = donePixels / totalPixels;
        controller.abort();
      },
    });
    await expect(call).rejects.toMatchObject({ code: 'ABORTED' });
    // The tiles that had not begun were never computed.
    expect(share).toBeLessThan(1);
    // The others go on.
    await expect(upscaler.upscale(photo)).resolves.toMatchObject({ width: 96 });
  });

  test('while waiting for memory, without waiting for those in front', async () => {
    await using narrow = new Upscaler({ memoryBudget: 1 });
    const large = await picture(300, 300, 3, scene).png().toBuffer();
    const first = narrow.upscale(large);
    const controller = new AbortController();
    const waiting = [1, 2].map(() => narrow.upscale(photo, { signal: controller.signal }));
    const last = narrow.upscale(photo);
    let firstDone = false;
    void first.then(() => (firstDone = true));
    controller.abort(new Error('enough'));
    for (const call of await Promise.allSettled(waiting)) {
      expect(call).toMatchObject({ status: 'rejected', reason: { code: 'ABORTED' } });
    }
    expect(firstDone).toBe(false);
    await expect(last).resolves.toMatchObject({ width: 96 });
    await first;
  });

  test('disposing waits for the calls in flight, and there are no others', async () => {
    const subject = new Upscaler();
    const call = subject.upscale(photo);
    await subject.dispose();
    await expect(call).resolves.toMatchObject({ width: 96 });
    await expect(subject.upscale(photo)).rejects.toMatchObject({ code: 'DISPOSED' });
    await subject.dispose();
  });

  test('disposing with cancel gives them up', async () => {
    const subject = new Upscaler();
    const calls = [1, 2, 3].map(() => subject.upscale(photo, { upscale: 8 }));
    const disposed = subject.dispose({ cancel: true });
    for (const call of await Promise.allSettled(calls)) {
      expect(call).toMatchObject({ status: 'rejected', reason: { code: 'ABORTED' } });
    }
    await disposed;
  });
});

describe('what a result tells', () => {
  test('progress counts the input pixels of every plane and ends with all of them', async () => {
    const source = await picture(40, 30, 4, (x, y) => [...scene(x, y), x * 6])
      .png()
      .toBuffer();
    const seen: { donePixels: number; totalPixels: number }[] = [];
    await upscaler.upscale(source, { onProgress: (step) => seen.push(step) });
    expect(seen.at(-1)).toEqual({ donePixels: 2400, totalPixels: 2400 });
    for (let i = 1; i < seen.length; i++) expect(seen[i]!.donePixels).toBeGreaterThanOrEqual(seen[i - 1]!.donePixels);
  });

  test('time in the network and in codecs', async () => {
    const { inferenceMs, codecMs } = await upscaler.upscale(photo);
    expect(inferenceMs).toBeGreaterThan(0);
    expect(codecMs).toBeGreaterThan(0);
  });
});

test('one bad file does not harm the others', async () => {
  const broken = photo.subarray(0, photo.length / 2);
  const results = await Promise.allSettled(
    [photo, broken, photo, Buffer.alloc(0), photo].map((x) => upscaler.upscale(x)),
  );
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled']);
});

test('memory is counted once for a picture, whatever planes and passes it has, and for each direct call of a network', async () => {
  using admit = vi.spyOn(Admission.prototype, 'admit');
  const covered = await picture(20, 16, 4, (x, y) => [...scene(x, y), x * 12])
    .png()
    .toBuffer();
  await upscaler.upscale(covered, { upscale: 4, model: 'art' });
  expect(admit).toHaveBeenCalledTimes(1);
  await using network = await ThreadSafeNetwork.fromLabel('bicubic');
  await network.upscaleImage({ width: 4, height: 4, channels: 3, data: new Uint8Array(48) });
  await using attached = await ThreadSafeNetwork.attach(network.share());
  await attached.upscaleImage({ width: 4, height: 4, channels: 3, data: new Uint8Array(48) });
  expect(admit).toHaveBeenCalledTimes(3);
});
