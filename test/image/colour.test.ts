import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { attachProfile } from '#src/image/codec/attach-profile.js';
import { decodePixels, decodePixels16, largestDifference, picture, picture16 } from './fixtures.js';
import { adobeRgbProfile, adobeToSrgb, greyProfiles, linearGreyProfile, linearToSrgb } from './profiles.js';
import { useUpscaler } from './upscaler.js';

const { upscaler } = useUpscaler();
const nearest = { model: 'nearest' } as const;

const colour = [0.7, 0.5, 0.3];
const adobe8 = await attachProfile(
  await picture(8, 8, 3, () => colour.map((v) => Math.round(v * 255)))
    .png()
    .toBuffer(),
  adobeRgbProfile,
);
const adobe16 = await attachProfile(
  await picture16(8, 8, 3, () => colour.map((v) => Math.round(v * 65535)))
    .png()
    .toBuffer(),
  adobeRgbProfile,
);

describe('colour', () => {
  test('a profile is converted to sRGB, in 8 bits', async () => {
    const { data } = await upscaler.upscale(adobe8, nearest);
    expect((await sharp(data).metadata()).hasProfile).toBe(false);
    const expected = adobeToSrgb(colour).map((v) => v * 255);
    expect(largestDifference((await decodePixels(data)).at(5, 5), expected)).toBeLessThan(1.6);
  });

  test('a profile is converted to sRGB, in 16 bits, and not to the Display P3 that sharp works in', async () => {
    const { data } = await upscaler.upscale(adobe16, nearest);
    expect((await sharp(data).metadata()).hasProfile).toBe(false);
    const { data: values } = await decodePixels16(data);
    const expected = adobeToSrgb(colour).map((v) => v * 65535);
    expect(largestDifference(values.subarray(0, 3), expected)).toBeLessThan(0.4 * 257);
  });

  test('Display P3 with 16 bits comes out right, too', async () => {
    // The same colour in sRGB, written as P3 by sharp from 8 bits, then widened without touching the values.
    const p3 = await picture(8, 8, 3, () => [200, 100, 50])
      .withIccProfile('p3')
      .png()
      .toBuffer();
    const { icc } = await sharp(p3).metadata();
    const own = await sharp(p3, { ignoreIcc: true }).raw().toBuffer();
    const wide = picture16(8, 8, 3, () => [...own.subarray(0, 3)].map((v) => v * 257));
    const { data } = await upscaler.upscale(await attachProfile(await wide.png().toBuffer(), icc!), nearest);
    const { data: values } = await decodePixels16(data);
    expect(
      largestDifference(
        [...values.subarray(0, 3)].map((v) => v / 257),
        [200, 100, 50],
      ),
    ).toBeLessThan(1);
  });

  test.each(['png', 'tiff', 'jpeg', 'webp', 'avif'] as const)('kept, in 8 bits, as %s', async (format) => {
    const { data } = await upscaler.upscale(adobe8, { ...nearest, colour: 'keep', format });
    expect((await sharp(data).metadata()).icc?.equals(adobeRgbProfile)).toBe(true);
    const lossless = format === 'png' || format === 'tiff';
    const own = (await decodePixels(data, { ignoreIcc: true })).at(5, 5);
    const expected = colour.map((v) => Math.round(v * 255));
    expect(largestDifference(own, expected)).toBeLessThanOrEqual(lossless ? 0 : 3);
  });

  test.each(['png', 'tiff'] as const)('kept, in 16 bits, as %s', async (format) => {
    const { data } = await upscaler.upscale(adobe16, { ...nearest, colour: 'keep', format });
    expect((await sharp(data).metadata()).icc?.equals(adobeRgbProfile)).toBe(true);
    const { data: values } = await decodePixels16(data);
    expect([...values.subarray(0, 3)]).toEqual(colour.map((v) => Math.round(v * 65535)));
  });

  test('a grey profile is converted, and kept where the format has grey', async () => {
    const source = await attachProfile(
      await picture(8, 8, 1, () => [100])
        .png()
        .toBuffer(),
      linearGreyProfile,
    );
    const srgb = linearToSrgb(100 / 255) * 255;
    const converted = await upscaler.upscale(source, nearest);
    expect((await decodePixels(converted.data)).at(0, 0)[0]).toBeCloseTo(srgb, -0.5);
    const kept = await upscaler.upscale(source, { ...nearest, colour: 'keep' });
    expect((await decodePixels(kept.data, { ignoreIcc: true })).at(0, 0)).toEqual([100]);
    expect((await sharp(kept.data).metadata()).icc?.equals(linearGreyProfile)).toBe(true);
    const webp = await upscaler.upscale(source, { ...nearest, colour: 'keep', format: 'webp', quality: 100 });
    expect((await sharp(webp.data).metadata()).hasProfile).toBe(false);
    expect((await decodePixels(webp.data)).at(0, 0)[0]).toBeCloseTo(srgb, -0.5);
  });

  test.each(greyProfiles)('a grey profile of 16 bits is converted: %s', async (_, icc, light) => {
    const level = Math.round(0.4 * 65535);
    for (const channels of [1, 2] as const) {
      const png = picture16(8, 8, channels, () => [level, 40_000].slice(0, channels)).toColourspace('grey16');
      const source = await attachProfile(await png.png().toBuffer(), icc);
      const converted = await decodePixels16((await upscaler.upscale(source, nearest)).data);
      expect(converted.channels).toBe(channels);
      expect(Math.abs(converted.data[0]! - linearToSrgb(light) * 65535)).toBeLessThan(30);
      if (channels === 2) expect(converted.data[1]).toBe(40_000);
      const kept = await upscaler.upscale(source, { ...nearest, colour: 'keep' });
      expect((await sharp(kept.data).metadata()).icc?.equals(icc)).toBe(true);
    }
  });

  test('a GIF can carry no profile, so its colours are converted even so', async () => {
    const { data } = await upscaler.upscale(adobe8, { ...nearest, colour: 'keep', format: 'gif' });
    const expected = adobeToSrgb(colour).map((v) => v * 255);
    expect(largestDifference((await decodePixels(data)).at(5, 5).slice(0, 3), expected)).toBeLessThan(4);
  });

  test('kept for every frame of an animated WebP', async () => {
    const frames = [50, 200].map(
      async (red) =>
        await attachProfile(
          await picture(8, 8, 3, () => [red, 100, 50])
            .png()
            .toBuffer(),
          adobeRgbProfile,
        ),
    );
    const source = await sharp(await Promise.all(frames), { join: { animated: true } })
      .keepIccProfile()
      .webp({ lossless: true, delay: [70, 90], loop: 3 })
      .toBuffer();
    const { data } = await upscaler.upscale(source, { ...nearest, colour: 'keep', quality: 100 });
    const metadata = await sharp(data, { animated: true }).metadata();
    expect(metadata).toMatchObject({ pages: 2, delay: [70, 90], loop: 3 });
    expect(metadata.icc?.equals(adobeRgbProfile)).toBe(true);
    const pixels = await decodePixels(data, { ignoreIcc: true, animated: true });
    expect(largestDifference(pixels.at(5, 5).slice(0, 3), [50, 100, 50])).toBeLessThanOrEqual(3);
    expect(largestDifference(pixels.at(5, 21).slice(0, 3), [200, 100, 50])).toBeLessThanOrEqual(3);
  });

  test('a broken profile is ignored', async () => {
    const broken = Buffer.from(adobeRgbProfile);
    broken.fill(0, 36, 40);
    const wide = picture16(8, 8, 3, () => [50000, 30000, 10000]);
    const { data } = await upscaler.upscale(await attachProfile(await wide.png().toBuffer(), broken), nearest);
    expect([...(await decodePixels16(data)).data.subarray(0, 3)]).toEqual([50000, 30000, 10000]);
  });

  test('CMYK becomes sRGB, kept or not', async () => {
    const source = await picture(16, 16, 3, () => [200, 100, 50])
      .toColourspace('cmyk')
      .jpeg({ quality: 100 })
      .toBuffer();
    expect(await sharp(source).metadata()).toMatchObject({ space: 'cmyk', channels: 4 });
    const raw = sharp(source).pipelineColourspace('cmyk').toColourspace('cmyk').raw();
    const [cyan = 0, magenta = 0, yellow = 0, black = 0] = await raw.toBuffer();
    const expected = [cyan, magenta, yellow].map((ink) => ((255 - ink) * (255 - black)) / 255);
    for (const colour of ['srgb', 'keep'] as const) {
      const { data } = await upscaler.upscale(source, { ...nearest, format: 'png', colour });
      const pixels = await decodePixels(data);
      expect(pixels.channels).toBe(3);
      expect(largestDifference(pixels.at(3, 3), expected)).toBeLessThanOrEqual(1);
    }
  });
});
