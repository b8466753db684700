import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AssetCache } from '#src/asset/cache/asset-cache.js';
import { cacheKey } from '#src/asset/cache/cache-key.js';
import { bleed } from '#src/image/alpha/bleed.js';
import { cellSize } from '#src/image/auto/cells.js';
import { dering } from '#src/image/dering/dering.js';
import { toDepth8 } from '#src/image/depth.js';
import { interleave, layOnWhite } from '#src/image/codec/interleave.js';
import type { PixelImage } from '#src/pixels.js';
import { splitAlpha } from '#src/image/alpha/split-alpha.js';
import { deringFaintColours } from '#src/image/dering/faint-colours.js';
import { onSharedMemory } from '#src/shared-pixels.js';
import { mergeRepeatedTiles } from '#src/network/tiles/repeated-tiles.js';
import { planTiles } from '#src/network/tiles/tiles.js';
import { countTurns } from '../support/event-loop.js';
import { picture } from './fixtures.js';
import { useUpscaler } from './upscaler.js';

const { upscaler, folder } = useUpscaler();

/** Four megapixels. */
const side = 2000;

function plane(channels: 1 | 3, value: (pixel: number) => number, size = side): PixelImage {
  const data = new Uint8Array(size * size * channels);
  for (let at = 0; at < data.length; at++) data[at] = value(Math.floor(at / channels));
  return { width: size, height: size, channels, data };
}

const colour = plane(3, (pixel) => pixel * 7);
/** Discs, thin at their edges. */
const alpha = plane(1, (pixel) => {
  const distance = Math.hypot((pixel % 200) - 100, (Math.floor(pixel / side) % 200) - 100);
  return Math.min(255, Math.max(0, (80 - distance) * 10));
});

const copyOf = (of: PixelImage): PixelImage => ({ ...of, data: of.data.slice() });

/** Whatever is done to pixels, the event loop turns once for about this many of them at least. */
const pixelsPerTurn = 2 ** 18;

describe('four megapixels never hold up the event loop', () => {
  test.each<[string, () => Promise<unknown>]>([
    ['looking for squares', () => cellSize({ colour: plane(3, () => 9), alpha: undefined })],
    ['splitting', () => splitAlpha(new Uint8Array(side * side * 4), side, side, 4, 3)],
    ['dering of faint colours', () => deringFaintColours(colour, alpha)],
    ['bleeding', () => bleed(colour, alpha, 8)],
    [
      'dering',
      () =>
        dering(
          plane(1, (pixel) => pixel & 3),
          plane(1, (pixel) => (pixel % 40) * 2),
          'faithful',
        ),
    ],
    ['dering a drawing', () => dering(copyOf(alpha), alpha, 'faithful')],
    ['interleaving', () => interleave(colour, alpha)],
    ['laying on white', () => layOnWhite(colour, alpha)],
    ['going from 16 to 8 bits', () => toDepth8(new Uint16Array(side * side))],
  ])('%s', async (_, work) => {
    expect(await countTurns(work)).toBeGreaterThanOrEqual(Math.floor((side * side) / pixelsPerTurn) - 1);
  });

  test('sharing, comparing and hashing, where far more is done in a step', async () => {
    const large = { ...plane(3, () => 9, 4000), channels: 3 as const };
    expect(await countTurns(() => onSharedMemory(large))).toBeGreaterThanOrEqual(4);
    expect(await countTurns(() => cacheKey(new Uint8Array(48_000_000), {}))).toBeGreaterThanOrEqual(100);
    const halo = { left: 9, top: 9, right: 9, bottom: 9 };
    const size = { width: side, height: side, multipleOf: 1, overheadPixels: 0 };
    const { tiles } = planTiles({ ...size, halo, maxTilePixels: 40_000, threads: 2 });
    const flat = plane(3, () => 5);
    expect(await countTurns(() => mergeRepeatedTiles(tiles, flat))).toBeGreaterThanOrEqual(10);
  });

  test('keeping a result and finding it again', async () => {
    const cache = new AssetCache(join(folder, 'results'));
    const result = new Uint8Array(48_000_000).fill(7);
    expect(await countTurns(() => cache.put('k', result, {}))).toBeGreaterThanOrEqual(40);
    expect(await countTurns(() => cache.get('k'))).toBeGreaterThanOrEqual(100);
  });

  test('a whole picture with alpha, reduced', async () => {
    const source = await picture(700, 700, 4, (x, y) => [x, y, x + y, Math.min(255, Math.max(0, x - 300))])
      .png()
      .toBuffer();
    const turns = await countTurns(() => upscaler.upscale(source, { model: 'nearest', upscale: 1.5 }));
    expect(turns).toBeGreaterThanOrEqual(20);
  });
});
