import { describe, expect, test } from 'vitest';
import { probe } from '#src/image/codec/probe.js';
import {
  decodePixels,
  decodePixels16,
  doubled,
  largestDifference,
  picture,
  picture16,
  samples16,
  scene,
} from './fixtures.js';
import { useUpscaler } from './upscaler.js';

const { upscaler } = useUpscaler();
const nearest = { model: 'nearest' } as const;

describe('16 bits', () => {
  const deep = (x: number, y: number): number[] => [x * 3001 + 7, y * 4003 + 1, 40000 - x, 65535 - y * 5000];

  test.each([
    ['grey', 1, 'png'],
    ['grey with alpha', 2, 'png'],
    ['RGB', 3, 'png'],
    ['RGBA', 4, 'png'],
    ['grey', 1, 'tiff'],
    ['RGB', 3, 'tiff'],
    ['RGBA', 4, 'tiff'],
  ] as const)('%s (%d channels) through %s, every bit', async (_, channels, format) => {
    const value = (x: number, y: number): number[] =>
      channels < 3 ? deep(x, y).slice(4 - channels) : deep(x, y).slice(0, channels);
    const pipeline = picture16(9, 8, channels, value);
    const source = await (format === 'png' ? pipeline.png() : pipeline.tiff({ compression: 'deflate' })).toBuffer();
    expect(await probe(source)).toMatchObject({ depth: 16, grey: channels < 3 });
    const result = await upscaler.upscale(source, nearest);
    const pixels = await decodePixels16(result.data);
    expect(pixels.channels).toBe(channels);
    expect([...pixels.data]).toEqual(doubled(samples16(9, 8, value), 9, channels));
  });

  test('a learned network works on 16 bits, too', async () => {
    const source = await picture16(24, 24, 3, (x, y) => scene(x, y).map((v) => v * 257 + 100))
      .png()
      .toBuffer();
    const { data } = await upscaler.upscale(source);
    const { data: values } = await decodePixels16(data);
    // Were it computed in 8 bits, all values would be multiples of 257.
    expect(values.filter((value) => value % 257 !== 0).length).toBeGreaterThan(values.length / 2);
  });

  test('reduced, they stay 16 bits', async () => {
    const source = await picture16(16, 16, 3, () => [40001, 20003, 5])
      .png()
      .toBuffer();
    const { data } = await upscaler.upscale(source, { width: 7 });
    const { data: values } = await decodePixels16(data);
    expect(new Set(values)).toEqual(new Set([40001, 20003, 5]));
  });

  test('become 8, to the nearest level, in formats that hold no more', async () => {
    const source = await picture16(8, 8, 3, () => [257 * 100 + 128, 257 * 100 + 129, 65535])
      .png()
      .toBuffer();
    const { data } = await upscaler.upscale(source, { ...nearest, format: 'webp', quality: 100 });
    const rgb = (await decodePixels(data)).at(4, 4);
    expect(largestDifference(rgb, [100, 101, 255])).toBeLessThanOrEqual(2);
  });

  test('AVIF with 10 bits is read as such', async () => {
    const source = await picture(16, 16, 3, () => [200, 100, 50])
      .avif({ bitdepth: 10, quality: 95 })
      .toBuffer();
    expect(await probe(source)).toMatchObject({ depth: 16 });
    const { data } = await upscaler.upscale(source, { ...nearest, format: 'png' });
    const { data: values } = await decodePixels16(data);
    expect(
      largestDifference(
        [...values.subarray(0, 3)].map((v) => v / 257),
        [200, 100, 50],
      ),
    ).toBeLessThan(3);
  });
});
