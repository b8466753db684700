import { rm } from 'node:fs/promises';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { Halo, PixelImage } from '#src/pixels.js';
import { findCells, sideFor } from '#src/network/tiles/cells.js';
import { coverCells } from '#src/network/tiles/cover.js';
import { mirror } from '#src/network/tiles/mirrored-row.js';
import { planPicture } from '#src/network/tiles/picture-plan.js';
import { planImage, type PlanRequest } from '#src/network/tiles/plan.js';
import { writeCore } from '#src/network/tiles/tile-pixels.js';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import type { MeasuredGeometry } from '#src/network/weights/weights-manifest.js';
import { temporaryFolder } from '../support/folders.js';
import { halvingNetwork } from '../support/networks.js';
import { differences, drawing, flat, noise } from '../support/pictures.js';

const cacheFolder = temporaryFolder();
afterAll(() => rm(cacheFolder, { recursive: true, force: true }));

const even = (pixels: number): Halo => ({ left: pixels, top: pixels, right: pixels, bottom: pixels });

function geometry(halo: Halo, multipleOf = 1, macPerPixel = 1e5): MeasuredGeometry {
  return {
    ...{ scale: 2, halo, multipleOf, macPerPixel, globalOperators: [], parameters: 0 },
    ...{ activationBytesPerPixel: 100, pixelsPerMs: 10 },
  };
}

function request(image: PixelImage, of: MeasuredGeometry, more: Partial<PlanRequest> = {}): PlanRequest {
  const { width, height } = image;
  return {
    ...{ width, height, geometry: of, threads: 1, memoryBudget: 2 ** 28, tilePixels: undefined },
    ...{ acceptApproximation: false, pixelsPerMs: undefined, ...more },
  };
}

/** Stands for a ×2 network: numbers that depend on all that is seen of the picture, and on the phase. */
async function compute(
  image: PixelImage<Uint8Array>,
  planned: PlanRequest,
): Promise<{ result: Uint8Array; pixels: number }> {
  const { width, height, channels, data } = image;
  const { halo, multipleOf: unit } = planned.geometry;
  const { left, top, right, bottom } = halo!;
  const seenFrom = (x: number, y: number): number => {
    let sum = (((x % unit) + unit) % unit) * 3 + (((y % unit) + unit) % unit) * 5;
    for (let v = y - top; v <= y + bottom; v++) {
      for (let u = x - left; u <= x + right; u++) {
        sum = (sum * 31 + data[(mirror(v, height) * width + mirror(u, width)) * channels]!) % 1_000_003;
      }
    }
    return sum;
  };
  const { tiles, computedPixels } = await planPicture(planned, image, () => false);
  const output = new SharedArrayBuffer(width * height * channels * 4);
  for (const { core, made, places } of tiles) {
    const result = new Uint8Array(made.width * made.height * channels * 4);
    for (let y = 0; y < core.height; y++) {
      for (let x = 0; x < core.width; x++) {
        const sum = seenFrom(core.x + x, core.y + y);
        for (let at = 0; at < 4 * channels; at++) {
          const row = 2 * (core.y - made.y + y) + (at >= 2 * channels ? 1 : 0);
          result[(row * 2 * made.width + 2 * (core.x - made.x + x)) * channels + (at % (2 * channels))] =
            sum >> (at % 8);
        }
      }
    }
    const within = { ...core, x: core.x - made.x, y: core.y - made.y };
    writeCore({ type: 'uint8', channels, scale: 2, output, inputWidth: width, made, core: within, places }, result);
  }
  return { result: new Uint8Array(output), pixels: computedPixels };
}

describe('the side of cells', () => {
  it.each([
    [9, 1, 5],
    [7, 1, 7],
    [19, 1, 5],
    [34, 1, 5],
    [9, 4, 20],
    [0, 1, 5],
  ])('of a field of %d pixels with strides of %d is %d: whole cells reach hardly beyond it', (reach, unit, side) => {
    expect(sideFor(reach, unit)).toBe(side);
  });
});

describe('parts of a picture that look alike', () => {
  it('are computed once, with the result of computing all', async () => {
    const cases = fc.record({
      width: fc.integer({ min: 1, max: 90 }),
      height: fc.integer({ min: 1, max: 90 }),
      channels: fc.constantFrom<1 | 3>(1, 3),
      halo: fc.record({
        left: fc.integer({ min: 0, max: 5 }),
        top: fc.integer({ min: 0, max: 5 }),
        right: fc.integer({ min: 0, max: 5 }),
        bottom: fc.integer({ min: 0, max: 5 }),
      }),
      multipleOf: fc.constantFrom(1, 1, 2),
      seed: fc.integer({ min: 1, max: 50 }),
      threads: fc.constantFrom(1, 3),
      tilePixels: fc.constantFrom(undefined, 900),
    });
    let [all, computed] = [0, 0];
    await fc.assert(
      fc.asyncProperty(cases, async ({ width, height, channels, halo, multipleOf, seed, threads, tilePixels }) => {
        const image = drawing(width, height, channels, seed) as PixelImage<Uint8Array>;
        const whole = await compute(image, request(image, geometry(halo, multipleOf), { tilePixels: Infinity }));
        const once = await compute(image, request(image, geometry(halo, multipleOf), { threads, tilePixels }));
        expect(differences(once.result, whole.result)).toBe(0);
        all += whole.pixels;
        computed += once.pixels;
      }),
      { seed: 3, numRuns: 60 },
    );
    expect(computed).toBeLessThan(all);
  });

  it('are not looked for in what is done before they would be found, nor where tiles do not equal the whole', async () => {
    const image = drawing(300, 300);
    for (const of of [
      geometry(even(9), 1, 300),
      { ...geometry(even(9)), approximation: { halo: 48, unit: 1 } },
      { ...geometry(even(9)), halo: undefined },
    ]) {
      const planned = request(image, of);
      const { tiles, flat } = await planPicture(planned, image, () => true);
      expect(tiles.flatMap(({ places }) => places)).toHaveLength(planImage(planned).tiles.length);
      expect(flat).toBeUndefined();
    }
  });

  it('are found out not to be there, from a sample of a picture that has none', async () => {
    expect(await findCells(noise(400, 400), even(9), 1)).toBeUndefined();
  });

  it('need no computing at all where the results of their colours are known', async () => {
    const image = flat(200, 130, [9, 80, 200]);
    const { tiles, flat: areas } = await planPicture(request(image, geometry(even(9))), image, () => true);
    expect(tiles).toEqual([]);
    expect(areas!.known.reduce((sum, { width, height }) => sum + width * height, 0)).toBe(200 * 130);
  });

  it('are rectangles that hold all that is marked, and overlap nowhere', async () => {
    const marks = fc.record({
      columns: fc.integer({ min: 1, max: 30 }),
      rows: fc.integer({ min: 1, max: 30 }),
      seed: fc.array(fc.nat(), { maxLength: 30 }),
      ring: fc.constantFrom(0, 1, 4),
    });
    await fc.assert(
      fc.asyncProperty(marks, async ({ columns, rows, seed, ring }) => {
        const marked = new Uint8Array(columns * rows);
        for (const at of seed) marked[at % marked.length] = 1;
        const costOf = (wide: number, high: number): number => (wide + ring) * (high + ring);
        const covered = new Uint8Array(marked.length);
        for (const { x, y, width, height } of await coverCells(marked, columns, rows, costOf)) {
          for (let row = y; row < y + height; row++) {
            for (let column = x; column < x + width; column++) covered[row * columns + column]!++;
          }
        }
        expect(covered.every((times, at) => times <= 1 && times >= marked[at]!)).toBe(true);
      }),
      { seed: 5, numRuns: 100 },
    );
  });
});

describe('a network with strides', () => {
  it('gives the same bytes for drawings, of which it computes a part', async () => {
    await using network = await ThreadSafeNetwork.fromBytes(halvingNetwork(), { cacheFolder, threads: 2 });
    expect(network.weights.geometry).toMatchObject({ multipleOf: 2 });
    for (const [width, height, channels, bits] of [
      [701, 550, 3, 8],
      [297, 622, 1, 16],
      [431, 431, 3, 16],
    ] as const) {
      const picture = drawing(width, height, channels, 4, bits);
      const expected = await network.upscaleImage(picture, { tilePixels: Infinity });
      let [pixels, ofNoise] = [0, 0];
      await network.upscaleImage(noise(width, height), { onTile: (tile) => (ofNoise += tile.pixels) });
      for (let time = 0; time < 2; time++) {
        const result = await network.upscaleImage(picture, { onTile: (tile) => (pixels += tile.pixels) });
        expect(differences(result.data, expected.data)).toBe(0);
      }
      expect(pixels).toBeLessThan(2 * ofNoise);
    }
  });
});

describe('results of one colour', () => {
  it('are known in the next picture, in whatever place and size, and the progress is whole', async () => {
    await using network = await ThreadSafeNetwork.fromLabel('natural', { threads: 2 });
    const calls: { pixels: number; done: number; data: Uint8Array }[] = [];
    for (const side of [150, 222]) {
      const call = { pixels: 0, done: 0 };
      const result = await network.upscaleImage(flat(side, side, [200, 10, 90]), {
        onTile: (tile) => (call.pixels += tile.pixels),
        onProgress: ({ donePixels, totalPixels }) => (call.done = donePixels / totalPixels),
      });
      calls.push({ ...call, data: result.data as Uint8Array });
    }
    const [first, second] = calls;
    expect(first!.pixels).toBeLessThan(3000);
    expect(second!.pixels).toBe(0);
    expect(calls.map(({ done }) => done)).toEqual([1, 1]);
    const whole = await network.upscaleImage(flat(222, 222, [200, 10, 90]), { tilePixels: Infinity });
    expect(differences(second!.data, whole.data)).toBe(0);
  });
});
