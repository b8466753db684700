import sharp, { type Sharp } from 'sharp';
import { describe, expect, test } from 'vitest';
import { probe } from '#src/image/codec/probe.js';
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

describe('colours that are grey in every pixel', () => {
  const levels = (x: number, y: number): number => (x * 37 + y * 59 + x * y) % 256;

  test.each(['png', 'jpeg', 'tiff'] as const)('are enlarged as grey, without a tint, in %s', async (format) => {
    const colours = await picture(24, 20, 3, (x, y) => [levels(x, y), levels(x, y), levels(x, y)])
      .png()
      .toBuffer();
    const grey = await picture(24, 20, 1, (x, y) => [levels(x, y)])
      .png()
      .toBuffer();
    expect(await probe(colours)).toMatchObject({ grey: false });
    for (const model of ['natural', 'natural-jpeg', 'art', 'art-jpeg', 'anime']) {
      const result = await upscaler.upscale(colours, { model, format });
      expect(await sharp(result.data).metadata()).toMatchObject({ channels: 1, space: 'b-w' });
      expect(result.data).toEqual((await upscaler.upscale(grey, { model, format })).data);
    }
  });

  test('are so where they can be seen: what lies under full transparency does not count', async () => {
    const source = await picture(16, 16, 4, (x, y) => (x < 4 ? [255, 0, 0, 0] : [x * 16, x * 16, x * 16, 90 + y * 10]))
      .png()
      .toBuffer();
    const { data } = await upscaler.upscale(source, { model: 'natural' });
    expect(await sharp(data).metadata()).toMatchObject({ channels: 2, space: 'b-w', hasAlpha: true });
  });

  test('are so in 16 bits', async () => {
    const data = Uint16Array.from({ length: 16 * 16 * 3 }, (_, at) => 257 * (Math.floor(at / 3) % 16) * 16 + 5);
    const source = await sharp(data, { raw: { width: 16, height: 16, channels: 3 } })
      .toColourspace('rgb16')
      .png()
      .toBuffer();
    expect(await probe(source)).toMatchObject({ grey: false, depth: 16 });
    const result = await upscaler.upscale(source, { model: 'natural' });
    expect(await sharp(result.data).metadata()).toMatchObject({ channels: 1, space: 'grey16', depth: 'ushort' });
  });

  test.each(['gif', 'webp'] as const)('are so in all frames of a %s, or in none', async (format) => {
    const frame = (shift: number, colour: boolean): Sharp =>
      picture(16, 16, 3, (x, y) => [levels(x + shift, y), levels(x + shift, y), colour ? 9 : levels(x + shift, y)]);
    for (const isGrey of [true, false]) {
      const frames = await Promise.all([frame(0, false), frame(1, !isGrey)].map((one) => one.png().toBuffer()));
      const source = await sharp(frames, { join: { animated: true } })
        .webp({ lossless: true, delay: [50, 50] })
        .toBuffer();
      const { data } = await upscaler.upscale(source, {
        model: 'natural',
        format,
        ...(format === 'webp' && { quality: 100 }),
      });
      const { channels, data: pixels } = await decodePixels(data);
      let tint = 0;
      for (let at = 0; at < pixels.length; at += channels)
        tint = Math.max(tint, Math.abs(pixels[at]! - pixels[at + 2]!));
      // A level for WebP's own arithmetic.
      if (isGrey) expect(tint).toBeLessThanOrEqual(1);
      const second = await sharp(data, { page: 1 }).removeAlpha().raw().toBuffer();
      expect(second.some((value, at) => at % 3 === 2 && Math.abs(value - second[at - 2]!) > 20)).toBe(!isGrey);
    }
  });

  test('keep three channels where a profile for three comes with them', async () => {
    const source = await picture(16, 16, 3, (x, y) => [levels(x, y), levels(x, y), levels(x, y)])
      .withIccProfile('p3')
      .png()
      .toBuffer();
    const { data } = await upscaler.upscale(source, { model: 'natural', colour: 'keep' });
    expect(await sharp(data).metadata()).toMatchObject({ channels: 3, hasProfile: true });
    const { data: pixels } = await sharp(data, { ignoreIcc: true }).raw().toBuffer({ resolveWithObject: true });
    for (let at = 0; at < pixels.length; at += 3)
      expect([pixels[at], pixels[at + 1]]).toEqual([pixels[at + 2], pixels[at + 2]]);
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
