import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchLimits, planGpuTiles, type BatchLimits, type GpuPlanRequest } from '#src/network/gpu/gpu-plan.js';
import type { MeasuredGeometry } from '#src/network/weights/weights-manifest.js';
import { UpresError } from '#src/errors.js';

const geometry: MeasuredGeometry = {
  scale: 2,
  halo: { left: 9, top: 7, right: 9, bottom: 7 },
  multipleOf: 1,
  globalOperators: [],
  macPerPixel: 70_000,
  activationBytesPerPixel: 400,
  parameters: 70_000,
  pixelsPerMs: 1000,
};
const global: MeasuredGeometry = { ...geometry, halo: undefined, globalOperators: ['GlobalAveragePool'] };
const unlimited: BatchLimits = { byMemory: Infinity, byTime: Infinity };

function request(width: number, height: number, rest: Partial<GpuPlanRequest> = {}): GpuPlanRequest {
  const usual = { geometry, limits: unlimited, tilePixels: undefined, acceptApproximation: false, budget: 2 ** 30 };
  return { width, height, ...usual, ...rest };
}

function refusal(of: GpuPlanRequest): UpresError {
  try {
    planGpuTiles(of);
  } catch (error) {
    if (error instanceof UpresError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('a plan for a graphics processor', () => {
  it('has tiles of one shape that cover the image once, with their whole halo, within the limit', () => {
    const cases = fc.record({
      width: fc.integer({ min: 1, max: 3000 }),
      height: fc.integer({ min: 1, max: 3000 }),
      multipleOf: fc.constantFrom(1, 2, 4, 6),
      byMemory: fc.integer({ min: 10_000, max: 1_000_000 }),
    });
    fc.assert(
      fc.property(cases, ({ width, height, multipleOf, byMemory }) => {
        const own = { ...geometry, multipleOf };
        const tiles = planGpuTiles(request(width, height, { geometry: own, limits: { byMemory, byTime: 200_000 } }));
        const { core, read } = tiles[0]!;
        let covered = 0;
        for (const tile of tiles) {
          expect([tile.core.width, tile.core.height]).toEqual([core.width, core.height]);
          expect([tile.read.width, tile.read.height]).toEqual([read.width, read.height]);
          for (const { x, y, width: across, height: down } of [tile.core, tile.read]) {
            for (const value of [x, y, across, down]) expect(Math.abs(value % multipleOf)).toBe(0);
          }
          expect(tile.core.x - tile.read.x).toBeGreaterThanOrEqual(9);
          expect(tile.core.y - tile.read.y).toBeGreaterThanOrEqual(7);
          expect(tile.read.x + tile.read.width - tile.core.x - tile.core.width).toBeGreaterThanOrEqual(9);
          expect(tile.read.y + tile.read.height - tile.core.y - tile.core.height).toBeGreaterThanOrEqual(7);
          covered += Math.min(tile.core.width, width - tile.core.x) * Math.min(tile.core.height, height - tile.core.y);
        }
        expect(covered).toBe(width * height);
        expect(new Set(tiles.map((tile) => `${tile.core.x} ${tile.core.y}`)).size).toBe(tiles.length);
        expect(read.width * read.height).toBeLessThanOrEqual(byMemory);
      }),
      { numRuns: 200, seed: 5 },
    );
  });

  it('uses few shapes for many sizes of images', () => {
    const shapes = new Set<string>();
    for (let side = 1; side <= 600; side++) {
      const [tile] = planGpuTiles(request(side, side, { limits: { byMemory: 300_000, byTime: 300_000 } }));
      shapes.add(`${tile!.read.width}×${tile!.read.height}`);
    }
    expect(shapes.size).toBeLessThan(40);
  });

  it('wastes little on a large image', () => {
    const tiles = planGpuTiles(request(4000, 3000, { limits: { byMemory: 500_000, byTime: 500_000 } }));
    const computed = tiles.reduce((sum, { read }) => sum + read.width * read.height, 0);
    expect(computed / (4000 * 3000)).toBeLessThan(1.2);
  });

  it('follows the size of tiles that a caller asks for', () => {
    const tiles = planGpuTiles(request(300, 300, { tilePixels: 2500 }));
    expect(tiles[0]!.read.width * tiles[0]!.read.height).toBeLessThanOrEqual(2500);
    expect(planGpuTiles(request(300, 300, { tilePixels: Infinity }))).toHaveLength(1);
  });

  it('computes an image whole for a network that looks at all of it, if that fits', () => {
    const [tile, ...others] = planGpuTiles(request(301, 77, { geometry: { ...global, multipleOf: 4 } }));
    expect(others).toEqual([]);
    expect(tile!.read).toEqual({ x: 0, y: 0, width: 304, height: 80 });
  });

  it('refuses what does not fit the budget, and says what to do', () => {
    const tight = { limits: { byMemory: 500, byTime: 500 } };
    expect(refusal(request(300, 300, tight))).toMatchObject({ code: 'INPUT_TOO_LARGE' });
    expect(refusal(request(300, 300, tight)).message).toMatch(/gpuMemoryBudget, 1024 MiB.*Raise/);
    const whole = { geometry: global, limits: { byMemory: 50_000, byTime: 50_000 } };
    expect(refusal(request(300, 300, whole)).message).toMatch(/GlobalAveragePool.*acceptApproximation/);
    expect(
      planGpuTiles(
        request(300, 300, {
          geometry: { ...global, approximation: { halo: 48, unit: 16, levels: 5 } },
          limits: whole.limits,
          acceptApproximation: true,
        }),
      ).length,
    ).toBeGreaterThan(1);
  });
});

describe('the limits of a batch', () => {
  it('leave room for what is on its way', () => {
    const room = 2 ** 30;
    const { byMemory } = batchLimits(geometry, 'uint8', 3, room, 1000);
    const activations = byMemory * (400 + 4 * 3 * 10);
    const transfer = byMemory * 3 * (1 + 4);
    expect(activations + 2 * transfer + byMemory * 3).toBeLessThanOrEqual(room);
  });

  it('are those of time where a device is slow, and of memory where it is not', () => {
    expect(batchLimits(geometry, 'uint8', 3, 2 ** 30, 1).byTime).toBe(300);
    expect(batchLimits(geometry, 'uint8', 3, 2 ** 20, 1e6).byMemory).toBeLessThan(1500);
  });
});
