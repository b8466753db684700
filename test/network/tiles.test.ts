import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planImage } from '#src/network/tiles/plan.js';
import { planTiles, type TilePlanRequest } from '#src/network/tiles/tiles.js';
import type { MeasuredGeometry } from '#src/network/weights/weights-manifest.js';

const seed = 20_251_123;

/** Requests of every kind: thin and large images, small and large halos, strides, and bounds that can and can't be kept. */
const requests = fc
  .record({
    unitsWide: fc.integer({ min: 1, max: 400 }),
    unitsHigh: fc.integer({ min: 1, max: 400 }),
    multipleOf: fc.constantFrom(1, 1, 2, 4, 8),
    left: fc.integer({ min: 0, max: 24 }),
    top: fc.integer({ min: 0, max: 24 }),
    right: fc.integer({ min: 0, max: 24 }),
    bottom: fc.integer({ min: 0, max: 24 }),
    maxTilePixels: fc.oneof(fc.integer({ min: 1, max: 200_000 }), fc.constant(Infinity)),
    threads: fc.integer({ min: 1, max: 16 }),
    overheadPixels: fc.constantFrom(0, 100, 5000),
  })
  .map(({ unitsWide, unitsHigh, left, top, right, bottom, multipleOf, ...rest }): TilePlanRequest => ({
    ...rest,
    multipleOf,
    width: unitsWide * multipleOf,
    height: unitsHigh * multipleOf,
    halo: { left, top, right, bottom },
  }));

function check(property: (request: TilePlanRequest) => void): void {
  fc.assert(fc.property(requests, property), { seed, numRuns: 300 });
}

const natural: MeasuredGeometry = {
  scale: 2,
  halo: { left: 9, top: 9, right: 9, bottom: 9 },
  multipleOf: 1,
  globalOperators: [],
  macPerPixel: 69_732,
  activationBytesPerPixel: 768,
  parameters: 70_000,
  pixelsPerMs: 1000,
};

function planNatural(width: number, height: number, options: Partial<Parameters<typeof planImage>[0]> = {}) {
  return planImage({
    width,
    height,
    geometry: natural,
    threads: 2,
    memoryBudget: 256 * 2 ** 20,
    tilePixels: undefined,
    acceptApproximation: false,
    pixelsPerMs: undefined,
    ...options,
  });
}

describe('a plan of tiles', () => {
  it('has cores that cover every pixel of the image exactly once', () => {
    check((request) => {
      const { tiles } = planTiles(request);
      const covered = new Uint8Array(request.width * request.height);
      for (const { core } of tiles) {
        expect(core.width).toBeGreaterThan(0);
        expect(core.height).toBeGreaterThan(0);
        for (let y = core.y; y < core.y + core.height; y++) {
          const row = y * request.width;
          for (let x = core.x; x < core.x + core.width; x++) covered[row + x]!++;
        }
      }
      expect(covered.every((times) => times === 1)).toBe(true);
    });
  });

  it('reads each core with its whole halo, also beyond the borders, rounded up to the grid', () => {
    check((request) => {
      const { halo, multipleOf: unit } = request;
      const up = (value: number): number => Math.ceil(value / unit) * unit;
      for (const { core, read } of planTiles(request).tiles) {
        expect(read).toEqual({
          x: core.x - up(halo.left),
          y: core.y - up(halo.top),
          width: up(halo.left) + core.width + up(halo.right),
          height: up(halo.top) + core.height + up(halo.bottom),
        });
      }
    });
  });

  it("puts every edge on the network's grid", () => {
    check((request) => {
      for (const { core, read } of planTiles(request).tiles) {
        for (const { x, y, width, height } of [core, read]) {
          for (const edge of [x, y, width, height]) expect(Math.abs(edge % request.multipleOf)).toBe(0);
        }
      }
    });
  });

  it('keeps to the largest tile that is allowed, wherever smaller cores can', () => {
    check((request) => {
      const { tiles } = planTiles(request);
      const largest = Math.max(...tiles.map(({ read }) => read.width * read.height));
      if (largest <= request.maxTilePixels) return;
      // Then no other plan does better: cores are as small as is sensible, 16 pixels or the halo's length.
      const { halo, multipleOf: unit } = request;
      const up = (value: number): number => Math.ceil(value / unit) * unit;
      const longest = (length: number, before: number, after: number): number => {
        const ring = up(before) + up(after);
        return Math.min(length, 2 * (Math.max(16, ring) + unit)) + ring;
      };
      const smallest = longest(request.width, halo.left, halo.right) * longest(request.height, halo.top, halo.bottom);
      expect(largest).toBeLessThanOrEqual(smallest);
    });
  });

  it('tells how many pixels it computes and what share of them is wasted', () => {
    check((request) => {
      const { tiles, computedPixels, waste } = planTiles(request);
      const sum = tiles.reduce((total, { read }) => total + read.width * read.height, 0);
      expect(computedPixels).toBe(sum);
      expect(waste).toBeCloseTo(sum / (request.width * request.height) - 1, 9);
    });
  });

  it('is one tile for one thread without a bound', () => {
    check((request) => {
      const { tiles } = planTiles({ ...request, maxTilePixels: Infinity, threads: 1 });
      expect(tiles.map(({ core }) => core)).toEqual([{ x: 0, y: 0, width: request.width, height: request.height }]);
    });
  });
});

describe('the plan for an image', () => {
  it('wastes at most a tenth on 1024×1024 pixels for two threads (natural ×2)', () => {
    const { waste, tiles } = planNatural(1024, 1024);
    expect(waste).toBeLessThanOrEqual(0.1);
    expect(tiles.length % 2).toBe(0);
  });

  it('has no tile longer than 300 ms at the speed that was measured', () => {
    for (const pixelsPerMs of [40, 200, 1000]) {
      for (const { read } of planNatural(1500, 900, { pixelsPerMs }).tiles) {
        expect((read.width * read.height) / pixelsPerMs).toBeLessThanOrEqual(300);
      }
    }
  });

  it('allows longer tiles where halos would take most of the time, but none longer than 1.5 s', () => {
    const halo = { left: 34, top: 34, right: 34, bottom: 34 };
    const geometry = { ...natural, halo, pixelsPerMs: 33 };
    for (const side of [256, 512, 1024]) {
      const { tiles, waste } = planNatural(side, side, { geometry });
      expect(waste).toBeLessThan(1.6);
      for (const { read } of tiles) expect((read.width * read.height) / 33).toBeLessThanOrEqual(1500);
    }
  });

  it('keeps to the memory budget', () => {
    const memoryBudget = 16 * 2 ** 20;
    for (const { read } of planNatural(900, 700, { memoryBudget }).tiles) {
      expect(read.width * read.height * natural.activationBytesPerPixel).toBeLessThanOrEqual(memoryBudget);
    }
  });

  it('is the whole image when tilePixels is Infinity, however many threads there are', () => {
    const { tiles } = planNatural(900, 700, { tilePixels: Infinity, threads: 8 });
    expect(tiles).toHaveLength(1);
    expect(tiles[0]!.core).toEqual({ x: 0, y: 0, width: 900, height: 700 });
  });

  it('cuts thin images across, never along', () => {
    for (const { core } of planNatural(3000, 3, { tilePixels: 1000 }).tiles) expect(core.height).toBe(3);
    for (const { core } of planNatural(2, 5000, { tilePixels: 1000 }).tiles) expect(core.width).toBe(2);
  });

  it('is one tile for one pixel', () => {
    const ring = { x: -9, y: -9, width: 19, height: 19 };
    expect(planNatural(1, 1).tiles).toEqual([
      { core: { x: 0, y: 0, width: 1, height: 1 }, read: ring, made: ring, work: 361 },
    ]);
  });

  it("rounds the size up to the network's grid", () => {
    const { tiles } = planNatural(13, 7, { geometry: { ...natural, multipleOf: 8 } });
    expect(tiles[0]!.core).toEqual({ x: 0, y: 0, width: 16, height: 8 });
    expect(tiles[0]!.read).toEqual({ x: -16, y: -16, width: 48, height: 40 });
  });

  describe('for a network that looks at the whole image', () => {
    const geometry: MeasuredGeometry = { ...natural, halo: undefined, globalOperators: ['GlobalAveragePool'] };

    it('is one tile', () => {
      expect(planNatural(300, 300, { geometry, threads: 8, tilePixels: 1000 }).tiles).toHaveLength(1);
    });

    it('is refused above the memory budget, with advice', () => {
      expect(() => planNatural(300, 300, { geometry, memoryBudget: 2 ** 20 })).toThrow(
        expect.objectContaining({
          code: 'INPUT_TOO_LARGE',
          message: expect.stringMatching(/GlobalAveragePool.*300×300.*memoryBudget.*acceptApproximation/) as string,
        }),
      );
    });

    it('is cut with a ring of context when approximation is accepted', () => {
      const far = { ...geometry, approximation: { halo: 48, unit: 48, levels: 9 } };
      const { tiles } = planNatural(500, 500, { geometry: far, memoryBudget: 8 * 2 ** 20, acceptApproximation: true });
      expect(tiles.length).toBeGreaterThan(1);
      for (const { core, read } of tiles) {
        expect(read.x).toBe(core.x - 48);
        expect(core.x % 48).toBe(0);
      }
    });

    it('is cut without asking where a trial saw no difference', () => {
      const near = { ...geometry, approximation: { halo: 48, unit: 48, levels: 0.2 } };
      expect(planNatural(500, 500, { geometry: near, memoryBudget: 8 * 2 ** 20 }).tiles.length).toBeGreaterThan(1);
      expect(planNatural(100, 100, { geometry: near, memoryBudget: 8 * 2 ** 20 }).tiles).toHaveLength(1);
    });
  });

  describe('for a network that looks hundreds of pixels around', () => {
    const far: MeasuredGeometry = {
      ...natural,
      halo: { left: 349, right: 349, top: 349, bottom: 349 },
      approximation: { halo: 64, unit: 1, levels: 0.9 },
    };

    it('computes next to nothing beyond the borders of small pictures', () => {
      const [tile, ...others] = planNatural(48, 40, { geometry: far }).tiles;
      expect(others).toEqual([]);
      expect(tile!.read).toEqual({ x: -32, y: -32, width: 112, height: 104 });
    });

    it('keeps its memory, whatever the size, on one grid for all numbers of threads', () => {
      const mostPixels = 40_000;
      const geometry = { ...far, activationBytesPerPixel: 8000 };
      const memoryBudget = (8000 + 4 * 3 * 10) * mostPixels;
      const plans = [1, 2, 16].map(
        (threads) => planNatural(1200, 900, { geometry, memoryBudget, threads, pixelsPerMs: threads }).tiles,
      );
      for (const { read } of plans[0]!) expect(read.width * read.height).toBeLessThanOrEqual(3 * mostPixels);
      expect(plans[1]).toEqual(plans[0]);
      expect(plans[2]).toEqual(plans[0]);
      for (const { core, read } of plans[0]!) {
        expect(core.x - read.x).toBe(core.x === 0 ? 32 : 64);
        expect(read.y + read.height - core.y - core.height).toBe(core.y + core.height === 900 ? 32 : 64);
      }
    });

    it('is exact where that costs no more than twice the picture', () => {
      const nearer = { ...far, halo: { left: 70, right: 70, top: 70, bottom: 70 } };
      const [tile, ...others] = planNatural(500, 500, { geometry: nearer, memoryBudget: 2 ** 30 }).tiles;
      expect(others).toEqual([]);
      expect(tile!.read).toEqual({ x: -70, y: -70, width: 640, height: 640 });
    });
  });
});
