import { rm } from 'node:fs/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { writeOnnx } from '#src/model/graph/onnx/file.js';
import { planFixedTiles } from '#src/network/tiles/fixed-tiles.js';
import { activationBytes, planImage } from '#src/network/tiles/plan.js';
import { planGpuTiles } from '#src/network/gpu/gpu-plan.js';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { conv, network, randomFloats, shuffle } from '../model/support.js';
import { codeOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';

const cacheFolder = temporaryFolder();
afterAll(() => rm(cacheFolder, { recursive: true, force: true }));

const [W, H] = [72, 64];

/** A ×2 network that adds something to each place of a picture of one size; without that, one for all sizes. */
function bytes(places?: Float32Array): Uint8Array {
  return writeOnnx(
    network(
      (writer, input) => {
        const seen = writer.op('Relu', [conv(writer, input, [3, 8], 3, { seed: 1 })]);
        const placed = places ? writer.op('Add', [seen, writer.floats(places, [1, 8, H, W])]) : seen;
        const enlarged = shuffle(writer, conv(writer, placed, [8, 12], 3, { seed: 2, low: -0.05, high: 0.05 }), 2);
        const larger = writer.op('Resize', [input, '', writer.floats([1, 1, 2, 2], [4])], { mode: 'nearest' });
        return writer.op('Add', [enlarged, larger]);
      },
      places && { input: [1, 3, H, W], output: [1, 3, 2 * H, 2 * W] },
    ),
  );
}

const nothing = new Float32Array(8 * H * W);

const picture = (width: number, height: number) => ({
  width,
  height,
  channels: 3 as const,
  data: Uint8Array.from(randomFloats(width * height * 3, 9, 40, 210)),
});

const load = (file: Uint8Array, options: object = {}): Promise<ThreadSafeNetwork> =>
  ThreadSafeNetwork.fromBytes(file, { cacheFolder, ...options });

describe('a network that takes pictures of one size alone', () => {
  test.each([
    [1, 1],
    [40, 30],
    [W, H],
    [W + 1, 10],
    [150, 131],
    [500, 64],
  ])('gives of %i×%i pixels what it would in any size', async (width, height) => {
    await using open = await load(bytes());
    await using fixed = await load(bytes(nothing), { threads: 2 });
    expect(fixed.weights.geometry.fixedSize).toEqual({ width: W, height: H });
    const result = await fixed.upscaleImage(picture(width, height));
    expect(result).not.toHaveProperty('approximate');
    expect(result).toEqual(await open.upscaleImage(picture(width, height)));
  });

  test('is refused for more where its tiles leave seams, unless that is accepted; what fits into one has none', async () => {
    await using fixed = await load(bytes(randomFloats(8 * H * W, 3)));
    expect(await codeOf(fixed.upscaleImage(picture(W + 1, 20)))).toBe('INPUT_TOO_LARGE');
    const accepted = await fixed.upscaleImage(picture(W + 1, 20), { acceptApproximation: true });
    expect(accepted).toMatchObject({ width: 2 * W + 2, approximate: 1 });
    expect(await fixed.upscaleImage(picture(W, H))).not.toHaveProperty('approximate');
  });

  test('is refused where a tile needs more than the memory that was said, and only then', async () => {
    await using fixed = await load(bytes(nothing), { memoryBudget: 2 ** 20 });
    expect(activationBytes(fixed.weights.geometry) * W * H).toBeGreaterThan(2 ** 20);
    await expect(fixed.upscaleImage(picture(8, 8))).rejects.toThrow(/72×64 pixels alone.*1 MiB: raise memoryBudget/s);
    const request = { width: 8, height: 8, threads: 1, memoryBudget: 2 ** 20, tilePixels: undefined, pixelsPerMs: 1 };
    const { geometry } = fixed.weights;
    expect(planImage({ ...request, geometry, acceptApproximation: false }).tiles).toHaveLength(1);
  });

  test('of luma that is not trained is used, with a warning', async () => {
    const espcn = network(
      (writer, input) => {
        const seen = writer.op('Tanh', [conv(writer, input, [1, 16], 5, { seed: 1 })]);
        const large = conv(writer, seen, [16, 4], 3, { seed: 2 });
        const split = writer.op('Reshape', [large, writer.ints([1, 1, 2, 2, H, W])]);
        const turned = writer.op('Transpose', [split], { perm: [0, 1, 4, 2, 5, 3] });
        return writer.op('Reshape', [turned, writer.ints([1, 1, 2 * H, 2 * W])]);
      },
      { input: [1, 1, H, W], output: [1, 1, 2 * H, 2 * W] },
    );
    await using free = await load(writeOnnx(espcn));
    expect(free.weights.geometry).toMatchObject({ halo: { left: 3, right: 3 } });
    expect(free.weights.geometry.notes).toEqual([expect.stringMatching(/don't look like their input/)]);
    expect(await free.upscaleImage(picture(101, 33))).toMatchObject({ width: 202, height: 66 });
  });

  test('has as many tiles on a graphics processor', async () => {
    await using fixed = await load(bytes(nothing));
    const request = { width: 300, height: 90, tilePixels: undefined, acceptApproximation: false, budget: 2 ** 30 };
    const { geometry } = fixed.weights;
    const tiles = planGpuTiles({ ...request, geometry, limits: { byMemory: W * H, byTime: 1 } });
    expect(tiles).toEqual(planFixedTiles(request, geometry.fixedSize!, geometry.approximation!).tiles);
    const few = { byMemory: W * H - 1, byTime: 1 };
    expect(() => planGpuTiles({ ...request, geometry, limits: few })).toThrow(/has no room/);
  });
});

test.each([1, 4, 8])('tiles of a fixed size cover an image once, with corners on multiples of %i', (unit) => {
  const size = { width: 96, height: 64 };
  for (const halo of [unit * 2, Math.floor(24 / unit) * unit]) {
    for (const [width, height] of [
      [1, 1],
      [95, 64],
      [96, 65],
      [97, 17],
      [333, 201],
    ] as const) {
      for (const levels of [0, 9]) {
        const { tiles } = planFixedTiles({ width, height }, size, { halo, unit, levels });
        const seen = new Uint8Array(width * height);
        for (const { core, read } of tiles) {
          expect(read).toMatchObject(size);
          expect([read.x % unit, read.y % unit].map(Math.abs)).toEqual([0, 0]);
          for (let y = core.y; y < core.y + core.height; y++) {
            for (let x = core.x; x < core.x + core.width; x++) seen[y * width + x]!++;
          }
          // Context on each side where there is more of the picture.
          if (core.x > 0) expect(core.x - read.x).toBeGreaterThanOrEqual(halo);
          if (core.y > 0) expect(core.y - read.y).toBeGreaterThanOrEqual(halo);
          const [right, bottom] = [
            read.x + read.width - core.x - core.width,
            read.y + read.height - core.y - core.height,
          ];
          if (core.x + core.width < width) expect(right).toBeGreaterThanOrEqual(halo);
          if (core.y + core.height < height) expect(bottom).toBeGreaterThanOrEqual(halo);
          expect(Math.min(right, bottom)).toBeGreaterThanOrEqual(0);
        }
        expect(seen.every((times) => times === 1)).toBe(true);
      }
    }
  }
});
