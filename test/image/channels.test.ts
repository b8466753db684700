import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { probe } from '#src/image/probe.js';
import { decodePixels, picture } from './fixtures.js';
import { pngOf } from './png.js';
import { useUpscaler } from './upscaler.js';

const { upscaler } = useUpscaler();
const nearest = { model: 'nearest' } as const;

describe('grey', () => {
  const grey = picture(12, 10, 1, (x, y) => [x * 20 + y]);

  test.each(['png', 'jpeg', 'tiff'] as const)('stays one channel in %s', async (format) => {
    const { data } = await upscaler.upscale(await grey.clone().png().toBuffer(), { format });
    expect(await sharp(data).metadata()).toMatchObject({ channels: 1, space: 'b-w' });
  });

  test('stays neutral in a format that knows only colours', async () => {
    const { data } = await upscaler.upscale(await grey.clone().png().toBuffer(), { format: 'webp', quality: 100 });
    const pixels = await decodePixels(data);
    for (let i = 0; i < pixels.data.length; i += 3) {
      // A level for WebP's own arithmetic.
      expect(Math.abs(pixels.data[i]! - pixels.data[i + 1]!)).toBeLessThanOrEqual(1);
      expect(Math.abs(pixels.data[i]! - pixels.data[i + 2]!)).toBeLessThanOrEqual(1);
    }
  });

  test('goes through with its alpha', async () => {
    const source = await picture(8, 8, 2, (x, y) => [x * 30, y * 30 + 20])
      .png()
      .toBuffer();
    const { data } = await upscaler.upscale(source, nearest);
    expect(await sharp(data).metadata()).toMatchObject({ channels: 2, space: 'b-w' });
    const rgba = await sharp(data).toColourspace('srgb').raw().toBuffer();
    expect([...rgba.subarray((9 * 16 + 6) * 4).subarray(0, 4)]).toEqual([90, 90, 90, 140]);
  });

  test.each([1, 2, 4] as const)('%d bit', async (bits) => {
    const levels = 2 ** bits;
    const source = pngOf(16, 4, bits, 0, (x) => x % levels);
    expect(await probe(source)).toMatchObject({ grey: true, depth: 8 });
    const { data } = await upscaler.upscale(source, nearest);
    const pixels = await decodePixels(data);
    expect(pixels.channels).toBe(1);
    for (let x = 0; x < 32; x++) expect(pixels.at(x, 3)[0]).toBe(((x >> 1) % levels) * (255 / (levels - 1)));
  });
});

test('a transparent colour in a palette becomes alpha', async () => {
  const plte = [255, 0, 0, 0, 255, 0, 0, 0, 255];
  const source = pngOf(8, 8, 8, 3, (x) => x % 3, { PLTE: plte, tRNS: [255, 0, 100] });
  expect(await probe(source)).toMatchObject({ alpha: true });
  const { data } = await upscaler.upscale(source, nearest);
  const pixels = await decodePixels(data);
  expect(pixels.at(0, 0)).toEqual([255, 0, 0, 255]);
  expect(pixels.at(2, 0)[3]).toBe(0);
  expect(pixels.at(4, 0)).toEqual([0, 0, 255, 100]);
});
