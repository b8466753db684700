import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mirror } from '#src/network/tiles/mirrored-row.js';
import { mergeRepeatedTiles } from '#src/network/tiles/repeated-tiles.js';
import { planTiles, type Tile } from '#src/network/tiles/tiles.js';
import { flat, noise, randomNumbers } from '../support/pictures.js';

function cut(width: number, height: number, maxTilePixels: number, halo = 3, multipleOf = 1): readonly Tile[] {
  const sides = { left: halo, top: halo, right: halo, bottom: halo };
  return planTiles({ width, height, halo: sides, maxTilePixels, multipleOf, threads: 1, overheadPixels: 0 }).tiles;
}

/** Stands for a network: a value for each pixel of a tile's core that depends on all pixels within the halo that the tile sees. */
function compute(
  tiles: readonly (Tile & { places?: readonly { x: number; y: number }[] })[],
  image: Uint8Array,
  width: number,
  height: number,
) {
  const output = new Float64Array(image.length);
  for (const { core, read, places } of tiles) {
    let sum = 0;
    for (let y = 0; y < read.height; y++) {
      for (let x = 0; x < read.width; x++) {
        const pixel = mirror(read.y + y, height) * width + mirror(read.x + x, width);
        sum = (sum * 31 + image[pixel]!) % 1_000_003;
      }
    }
    for (const place of places ?? [core]) {
      for (let y = 0; y < core.height; y++) {
        for (let x = 0; x < core.width; x++) {
          output[(place.y + y) * width + place.x + x] = sum + (core.y - read.y + y) * 7 + (core.x - read.x + x);
        }
      }
    }
  }
  return output;
}

describe('merging repeated tiles', () => {
  it('computes a flat image a few times, however many tiles it has', async () => {
    const { data, width, height } = flat(800, 800, [10, 200, 90]);
    const tiles = cut(width, height, 2500);
    const merged = await mergeRepeatedTiles(tiles, { data, width, height, channels: 3 });
    expect(tiles.length).toBeGreaterThan(300);
    // One in each of the one or two sizes that an even division has: mirrored, the border looks like the inside.
    expect(merged.length).toBeLessThanOrEqual(4);
    expect(merged.flatMap(({ places }) => places)).toHaveLength(tiles.length);
  });

  it('leaves a picture alone in which nothing repeats', async () => {
    const { data, width, height } = noise(300, 200);
    const tiles = cut(width, height, 2500);
    const merged = await mergeRepeatedTiles(tiles, { data, width, height, channels: 3 });
    expect(merged).toMatchObject(tiles);
    expect(merged.every(({ places }) => places.length === 1)).toBe(true);
  });

  it('tells tiles apart that differ in one value of one pixel', async () => {
    const { data, width, height } = flat(200, 200, [0, 0, 0]);
    const tiles = cut(width, height, 2500);
    const before = (await mergeRepeatedTiles(tiles, { data, width, height, channels: 3 })).length;
    const changed = Uint8Array.from(data);
    changed[(101 * width + 97) * 3 + 1] = 1;
    const merged = await mergeRepeatedTiles(tiles, { data: changed, width, height, channels: 3 });
    const seeing = tiles.filter(
      ({ read }) => read.x <= 97 && 97 < read.x + read.width && read.y <= 101 && 101 < read.y + read.height,
    );
    expect(seeing.length).toBeGreaterThan(0);
    expect(merged.length).toBeGreaterThanOrEqual(before);
    for (const tile of seeing) expect(merged.find(({ read }) => read === tile.read)?.places).toHaveLength(1);
  });

  it('compares what tiles see beyond the border: the mirrored picture', async () => {
    // Columns 1 2 1 2 …: at the left border the mirror shows 1 1 2, inside a tile never sees a pair.
    const width = 64;
    const data = Uint8Array.from({ length: width * 16 }, (_, i) => (i % 2) + 1);
    const tiles = cut(width, 16, 22 * 22);
    const merged = await mergeRepeatedTiles(tiles, { data, width, height: 16, channels: 1 });
    expect(merged.find(({ core }) => core.x === 0)?.places).toHaveLength(1);
    expect(merged.length).toBeLessThan(tiles.length);
  });

  it('sees 16-bit values whole: pictures that differ in the high or the low byte only are different', async () => {
    for (const value of [1, 256]) {
      const data = new Uint16Array(64 * 64);
      data[40 * 64 + 40] = value;
      const merged = await mergeRepeatedTiles(cut(64, 64, 900), { data, width: 64, height: 64, channels: 1 });
      expect(merged.some(({ read, places }) => places.length === 1 && read.x <= 40 && read.y <= 40)).toBe(true);
      expect(merged.length).toBeGreaterThan(
        (
          await mergeRepeatedTiles(cut(64, 64, 900), {
            data: new Uint16Array(64 * 64),
            width: 64,
            height: 64,
            channels: 1,
          })
        ).length,
      );
    }
  });

  it('reads pictures on shared memory and in the middle of a larger buffer', async () => {
    const data = new Uint8Array(new SharedArrayBuffer(200 * 200 + 100), 100, 200 * 200);
    const merged = await mergeRepeatedTiles(cut(200, 200, 2500), { data, width: 200, height: 200, channels: 1 });
    expect(merged.length).toBeLessThanOrEqual(4);
  });

  it('gives the same result as computing every tile, for pictures full of repetitions', async () => {
    const pictures = fc.record({
      width: fc.integer({ min: 1, max: 120 }),
      height: fc.integer({ min: 1, max: 120 }),
      period: fc.constantFrom(1, 4, 16, 20, 25),
      spots: fc.integer({ min: 0, max: 4 }),
      budget: fc.integer({ min: 100, max: 3000 }),
      halo: fc.integer({ min: 0, max: 6 }),
    });
    await fc.assert(
      fc.asyncProperty(pictures, async ({ width, height, period, spots, budget, halo }) => {
        const random = randomNumbers(width * height + spots);
        const image = Uint8Array.from({ length: width * height }, (_, i) => {
          const x = (i % width) % period;
          const y = Math.floor(i / width) % period;
          return (x * 37 + y * 11) % 256;
        });
        for (let i = 0; i < spots; i++) image[random(image.length)] = 255;
        const tiles = cut(width, height, budget, halo);
        const merged = await mergeRepeatedTiles(tiles, { data: image, width, height, channels: 1 });
        expect(merged.length).toBeLessThanOrEqual(tiles.length);
        expect(compute(merged, image, width, height)).toEqual(compute(tiles, image, width, height));
      }),
      { seed: 11, numRuns: 200 },
    );
  });
});
