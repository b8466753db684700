import { setMaxListeners } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, describe, test } from 'vitest';
import { inCodecSlot } from '#src/image/codec/codec-slots.js';
import type { ImageInput, Upscaler, UpscaleOptions } from '#src/image/upscale.js';
import { animation, picture, scene } from './fixtures.js';
import { useUpscaler } from './upscaler.js';

const roomy = useUpscaler({ threads: 2 });
/** Has memory for one of the large pictures at a time, as far as it has any. */
const narrow = useUpscaler({ threads: 2, memoryBudget: 4 * 2 ** 20 });

const tiny = await picture(16, 16, 3, scene).png().toBuffer();
const large = await picture(500, 400, 3, scene).png().toBuffer();
const moving = await animation(60, 60, 40, (x, y, frame) => [...scene(x + frame, y), 255])
  .gif()
  .toBuffer();

/** Upscales many pictures of one client, then a tiny one of another; tells after how many of the many that one was done. */
async function passedBy(
  upscaler: Upscaler,
  many: readonly ImageInput[],
  clients: readonly [object, object],
  options: UpscaleOptions = {},
): Promise<number> {
  const stop = new AbortController();
  setMaxListeners(many.length, stop.signal);
  let done = 0;
  const calls = many.map((input) =>
    upscaler.upscale(input, { ...options, client: clients[0], signal: stop.signal }).then(
      () => done++,
      () => undefined,
    ),
  );
  await upscaler.upscale(tiny, { ...options, client: clients[1] });
  const before = done;
  stop.abort();
  await Promise.all(calls);
  return before;
}

describe('a tiny picture of one client', () => {
  const copies = (input: ImageInput, count: number): ImageInput[] => new Array<ImageInput>(count).fill(input);

  test('is done before the third of fifty pictures of another, of which only some are in flight', async () => {
    expect(await passedBy(roomy.upscaler, copies(large, 50), [{}, {}])).toBeLessThan(3);
  });

  test('is done before the third of fifty for which there is memory one by one only', async () => {
    expect(await passedBy(narrow.upscaler, copies(large, 50), [{}, {}], { model: 'bicubic' })).toBeLessThan(3);
  });

  test('is done before the third of fifty files, which are read one by one', async () => {
    const file = join(narrow.folder, 'large.png');
    await writeFile(file, large);
    expect(await passedBy(narrow.upscaler, copies(file, 50), [{}, {}], { model: 'bicubic' })).toBeLessThan(3);
  });

  test('is done before the third of fifty animations, which keep the codecs busy', async () => {
    const options: UpscaleOptions = { model: 'nearest', upscale: 1.5 };
    expect(await passedBy(roomy.upscaler, copies(moving, 50), [{}, {}], options)).toBeLessThan(3);
  });

  // Or the others would show nothing.
  test('waits for its turn where it is the same client', async () => {
    const one = {};
    const many = copies(large, 6);
    expect(await passedBy(narrow.upscaler, many, [one, one], { model: 'bicubic' })).toBeGreaterThanOrEqual(3);
  });
});

describe('codecs', () => {
  interface Job {
    readonly begun: () => boolean;
    readonly end: () => void;
    readonly ended: Promise<void>;
  }

  function job(pixels: number, lane: object, priority = 0): Job {
    let begun = false;
    let end = (): void => undefined;
    const finish = new Promise<void>((resolve) => (end = resolve));
    const ended = inCodecSlot({ pixels, bytes: 0, lane, priority }, () => {
      begun = true;
      return finish;
    });
    return { begun: () => begun, end, ended };
  }

  const finish = async (jobs: readonly Job[]): Promise<void> => {
    for (const { end } of jobs) end();
    await Promise.all(jobs.map(({ ended }) => ended));
  };

  test('of long jobs leave a thread to short ones', async () => {
    const long = Array.from({ length: 20 }, () => job(10_000_000, {}));
    // libuv's pool has four threads.
    expect(long.filter(({ begun }) => begun()).length).toBeLessThan(4);
    const short = job(10_000, {});
    expect(short.begun()).toBe(true);
    await finish([short, ...long]);
    expect(long.every(({ begun }) => begun())).toBe(true);
  });

  test('serve clients in turn', async () => {
    const crowd = {};
    const many = Array.from({ length: 30 }, () => job(10_000, crowd));
    const running = many.filter(({ begun }) => begun());
    const other = job(10_000, {});
    expect(other.begun()).toBe(false);
    // Both have waited since the same moment as far as the turns know, so one more of the crowd may go first.
    await finish([running[0]!]);
    await finish([many.filter(({ begun }) => begun()).at(-1)!]);
    expect(other.begun()).toBe(true);
    await finish([other, ...many]);
  });

  test('what would need all of the memory runs alone of its kind, and keeps no small ones out', async () => {
    let running = 0;
    let most = 0;
    let small = 0;
    let end = (): void => undefined;
    const held = new Promise<void>((resolve) => (end = resolve));
    const lane = {};
    const large = Array.from({ length: 3 }, () =>
      inCodecSlot({ pixels: 2 ** 21, bytes: 2 ** 45, lane, priority: 0 }, async () => {
        most = Math.max(most, ++running);
        await held;
        running--;
      }),
    );
    for (let i = 0; i < 8; i++) {
      await inCodecSlot({ pixels: 1, bytes: 100, lane, priority: 0 }, () => Promise.resolve(small++));
    }
    expect([running, small]).toEqual([1, 8]);
    const given = new AbortController();
    const waiting = inCodecSlot({ pixels: 1, bytes: 2 ** 45, lane, priority: 0, signal: given.signal }, () =>
      Promise.resolve(),
    );
    given.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
    end();
    await Promise.all(large);
    expect(most).toBe(1);
  });

  test('go on when one fails', async () => {
    const failing = Array.from({ length: 10 }, () =>
      inCodecSlot({ pixels: 1, bytes: 0, lane: {}, priority: 0 }, () => Promise.reject(new Error('damaged'))),
    );
    const results = await Promise.allSettled(failing);
    expect(results.every(({ status }) => status === 'rejected')).toBe(true);
    const next = job(1, {});
    expect(next.begun()).toBe(true);
    await finish([next]);
  });
});
