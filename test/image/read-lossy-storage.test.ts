import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import type { OutputFormat } from '#src/image/codec/formats.js';
import { lossyStorage } from '#src/image/auto/read-lossy-storage.js';

const example = (name: string): string => fileURLToPath(new URL(`../../examples/images/${name}`, import.meta.url));
const picture = sharp(example('astronaut.png')).removeAlpha().resize(32);
const translucent = picture.clone().ensureAlpha(0.5);

const everyQuality = Array.from({ length: 100 }, (_, at) => at + 1);
const squaredStep = (file: Uint8Array, format: OutputFormat): number => lossyStorage(file, format)?.squaredStep ?? 0;

describe('how a lossy picture was stored', () => {
  it.each<[string, OutputFormat, number, (quality: number) => Sharp]>([
    ['JPEG', 'jpeg', 1, (quality) => picture.clone().jpeg({ quality })],
    [
      'JPEG with colours in full',
      'jpeg',
      1,
      (quality) => picture.clone().jpeg({ quality, chromaSubsampling: '4:4:4' }),
    ],
    ['progressive JPEG', 'jpeg', 1, (quality) => picture.clone().jpeg({ quality, progressive: true })],
    ['WebP', 'webp', 1, (quality) => picture.clone().webp({ quality, effort: 0 })],
    ['WebP with alpha', 'webp', 1, (quality) => translucent.clone().webp({ quality, effort: 0 })],
    ['WebP with a profile', 'webp', 9, (quality) => picture.clone().withIccProfile('p3').webp({ quality, effort: 0 })],
    ['AVIF', 'avif', 1, (quality) => picture.clone().avif({ quality, effort: 0 })],
    ['AVIF with alpha', 'avif', 3, (quality) => translucent.clone().avif({ quality, effort: 0 })],
    ['AVIF of 10 bits', 'avif', 9, (quality) => picture.clone().avif({ quality, effort: 0, bitdepth: 10 })],
    ['grey AVIF', 'avif', 9, (quality) => picture.clone().greyscale().avif({ quality, effort: 0 })],
  ])('is read from the quantisers of a %s, at every quality', async (_, format, step, encode) => {
    let before = Infinity;
    for (const quality of everyQuality.filter((one) => one % step === 0)) {
      const found = lossyStorage(await encode(quality).toBuffer(), format);
      // Quality 100 of an AVIF may be without loss.
      if (format === 'avif' && quality === 100 && found === undefined) continue;
      expect(found?.squaredStep).toBeLessThanOrEqual(before);
      expect(found?.squaredStep).toBeGreaterThanOrEqual(1);
      expect(found?.told).toMatch(/^(JPEG of quality \d+|WebP of quantiser \d+ of 127|AVIF of quantiser \d+ of 255)$/);
      before = found!.squaredStep;
    }
    expect(before).toBeLessThan(30);
  });

  it('has the quality of the nearest standard table in a JPEG', async () => {
    for (const quality of [1, 10, 49, 50, 51, 72, 90, 95, 100]) {
      const file = await picture.clone().jpeg({ quality }).toBuffer();
      expect(lossyStorage(file, 'jpeg')?.told).toBe(`JPEG of quality ${quality}`);
    }
    const own = lossyStorage(await picture.clone().jpeg({ quality: 75, mozjpeg: true }).toBuffer(), 'jpeg')?.told;
    expect(Number(/\d+/.exec(own!)![0])).toBeGreaterThan(60);
    expect(Number(/\d+/.exec(own!)![0])).toBeLessThan(80);
  });

  it('has the mean squared step of the low frequencies of a JPEG', async () => {
    expect(squaredStep(await picture.clone().jpeg({ quality: 100 }).toBuffer(), 'jpeg')).toBe(1);
    // At 50, the table is the standard one: 16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40.
    expect(squaredStep(await picture.clone().jpeg({ quality: 50 }).toBuffer(), 'jpeg')).toBe(5184 / 16);
  });

  it('is in proportion to the error that it makes, in WebP as in AVIF', async () => {
    const large = sharp(example('astronaut.png')).removeAlpha().greyscale().resize(128);
    const original = await large.clone().raw().toBuffer();
    for (const format of ['webp', 'avif'] as const) {
      for (const quality of [50, 60, 70, 80, 90]) {
        const file = await large.clone()[format]({ quality }).toBuffer();
        const decoded = await sharp(file).toColourspace('b-w').raw().toBuffer();
        const error = decoded.reduce((sum, value, at) => sum + (value - original[at]!) ** 2, 0) / decoded.length;
        expect(squaredStep(file, format) / error).toBeGreaterThan(6);
        expect(squaredStep(file, format) / error).toBeLessThan(36);
      }
    }
  });

  it('counts the bytes of the pixels alone', async () => {
    const plain = await picture.clone().jpeg().toBuffer();
    const exif = { IFD0: { ImageDescription: 'x'.repeat(5000) } };
    for (const format of ['jpeg', 'webp', 'avif'] as const) {
      const bare = await picture.clone()[format]().toBuffer();
      const described = await picture.clone()[format]().withExif(exif).toBuffer();
      expect(described.length).toBeGreaterThan(bare.length + 5000);
      expect(lossyStorage(described, format)?.pixelBytes).toBe(lossyStorage(bare, format)?.pixelBytes);
      expect(lossyStorage(bare, format)?.pixelBytes).toBeLessThan(bare.length);
    }
    expect(lossyStorage(plain, 'jpeg')?.pixelBytes).toBe(plain.length - plain.indexOf(Buffer.of(0xff, 0xda)));
  });

  it('is that of the first frame of an animation', async () => {
    const frames = await Promise.all([picture.clone(), picture.clone().negate()].map((one) => one.png().toBuffer()));
    const moving = (quality: number): Promise<Buffer> =>
      sharp(frames, { join: { animated: true } })
        .webp({ quality, delay: [50, 50] })
        .toBuffer();
    expect(lossyStorage(await moving(80), 'webp')?.told).toMatch(/^WebP of quantiser/);
    expect(squaredStep(await moving(80), 'webp')).toBeGreaterThan(squaredStep(await moving(95), 'webp'));
  });

  it('is that of the whole in an AVIF of more than one tile', async () => {
    const wide = sharp({
      create: {
        width: 4200,
        height: 24,
        channels: 3,
        background: '#8a6',
        noise: { type: 'gaussian', mean: 128, sigma: 20 },
      },
    });
    const file = await wide.avif({ quality: 50, effort: 0 }).toBuffer();
    const small = await sharp(file).resize(64).avif({ quality: 50, effort: 0 }).toBuffer();
    expect(lossyStorage(file, 'avif')?.told).toBe(lossyStorage(small, 'avif')?.told);
  });

  it('is unknown where nothing was lost', async () => {
    const files: [Uint8Array, OutputFormat][] = [
      [await readFile(example('astronaut.png')), 'png'],
      [await picture.clone().webp({ lossless: true }).toBuffer(), 'webp'],
      [await translucent.clone().webp({ lossless: true }).toBuffer(), 'webp'],
      [await picture.clone().avif({ lossless: true }).toBuffer(), 'avif'],
      [await picture.clone().gif().toBuffer(), 'gif'],
      [await picture.clone().tiff().toBuffer(), 'tiff'],
    ];
    for (const [file, format] of files) expect(lossyStorage(file, format)).toBeUndefined();
  });

  it('is known or unknown, whatever the bytes', async () => {
    const files: [Uint8Array, OutputFormat][] = [
      [await picture.clone().jpeg({ quality: 20 }).toBuffer(), 'jpeg'],
      [await picture.clone().webp({ quality: 20 }).toBuffer(), 'webp'],
      [await translucent.clone().webp({ quality: 20 }).toBuffer(), 'webp'],
      [await picture.clone().avif({ quality: 20 }).toBuffer(), 'avif'],
      [await translucent.clone().avif({ quality: 20 }).toBuffer(), 'avif'],
    ];
    for (const [file, format] of files) {
      const whole = lossyStorage(file, format)?.told;
      expect(whole).toBeDefined();
      for (let length = 0; length < file.length; length++) {
        const told = lossyStorage(file.subarray(0, length), format)?.told;
        if (format === 'jpeg') expect([undefined, whole]).toContain(told);
      }
      for (let at = 0; at < file.length; at++) {
        for (const value of [0, 0x7f, 0xff]) lossyStorage(Uint8Array.from(file).fill(value, at, at + 1), format);
        lossyStorage(Uint8Array.from(file).fill(0xff, at, at + 4), format);
      }
      for (const other of ['jpeg', 'webp', 'avif'] as const) {
        if (other !== format) expect(lossyStorage(file, other)).toBeUndefined();
      }
    }
    expect(lossyStorage(Uint8Array.of(0xff, 0xd8, 0xff, 0xdb, 0, 0, 0xff, 0xda), 'jpeg')).toBeUndefined();
  });
});
