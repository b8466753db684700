import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { outputFormats, type OutputFormat } from '#src/image/codec/formats.js';
import { probe } from '#src/image/codec/probe.js';
import { readHeader } from '#src/image/codec/read-header.js';
import { decodePixels, largestDifference, picture, scene } from './fixtures.js';
import { useUpscaler } from './upscaler.js';

const { upscaler } = useUpscaler();

/** How far, in levels, a lossy codec may stray in these pictures. */
const tolerance: Record<OutputFormat, number> = { png: 0, jpeg: 12, webp: 40, avif: 24, gif: 40, tiff: 0 };

const lossless = await picture(32, 24, 3, scene).png().toBuffer();

async function fileOf(format: OutputFormat): Promise<Uint8Array> {
  const settings = { jpeg: { quality: 100, chromaSubsampling: '4:4:4' }, tiff: { compression: 'lzw' } };
  return sharp(lossless)
    .toFormat(format, format in settings ? settings[format as keyof typeof settings] : { quality: 100 })
    .toBuffer();
}

describe('every format', () => {
  test.each(outputFormats)('%s is read, by its bytes alone, and written in its own format', async (format) => {
    const source = await fileOf(format);
    const info = await probe(source);
    expect(info).toMatchObject({ format, width: 32, height: 24, frames: 1, depth: 8, grey: false });
    const result = await upscaler.upscale(source, { model: 'nearest' });
    expect(result).toMatchObject({ format, width: 64, height: 48, frames: 1, sourceWidth: 32, sourceHeight: 24 });
    expect(result).toMatchObject({ upscale: 2, model: 'nearest' });
    expect(await probe(result.data)).toMatchObject({ format, width: 64, height: 48 });
    const expected = await sharp(source).resize(64, 48, { kernel: 'nearest' }).removeAlpha().raw().toBuffer();
    const { data } = await decodePixels(await sharp(result.data).removeAlpha().png().toBuffer());
    expect(largestDifference(data, expected)).toBeLessThanOrEqual(tolerance[format]);
  });

  test.each(outputFormats)('a PNG becomes %s when asked', async (format) => {
    const result = await upscaler.upscale(lossless, { model: 'nearest', format, upscale: 1 });
    expect(result.format).toBe(format);
    const { data } = await decodePixels(await sharp(result.data).removeAlpha().png().toBuffer());
    const { data: expected } = await decodePixels(lossless);
    expect(largestDifference(data, expected)).toBeLessThanOrEqual(tolerance[format]);
  });
});

describe('quality', () => {
  test.each(['jpeg', 'webp', 'avif'] as const)('%s takes one', async (format) => {
    const [low, usual, high] = await Promise.all(
      [20, undefined, 95].map((quality) =>
        upscaler.upscale(lossless, { model: 'nearest', format, ...(quality === undefined ? {} : { quality }) }),
      ),
    );
    expect(low!.data.length).toBeLessThan(usual!.data.length);
    expect(usual!.data.length).toBeLessThan(high!.data.length);
  });

  test.each(['png', 'gif', 'tiff'] as const)('%s has none: BAD_ARGUMENT', async (format) => {
    await expect(upscaler.upscale(lossless, { format, quality: 80 })).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    const source = await fileOf(format);
    await expect(upscaler.upscale(source, { quality: 80 })).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
  });

  test.each([0, 101, 50.5, NaN])('%d is out of range: BAD_ARGUMENT', async (quality) => {
    const call = upscaler.upscale(lossless, { format: 'jpeg', quality });
    await expect(call).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
  });

  test('JPEG keeps full colour resolution, unless the source was a JPEG without it', async () => {
    const subsampling = async (source: Uint8Array): Promise<string | undefined> => {
      const { data } = await upscaler.upscale(source, { model: 'nearest', format: 'jpeg' });
      return (await sharp(data).metadata()).chromaSubsampling;
    };
    expect(await subsampling(lossless)).toBe('4:4:4');
    expect(await subsampling(await sharp(lossless).jpeg({ chromaSubsampling: '4:4:4' }).toBuffer())).toBe('4:4:4');
    expect(await subsampling(await sharp(lossless).jpeg({ chromaSubsampling: '4:2:0' }).toBuffer())).toBe('4:2:0');
  });
});

describe('AVIF keeps full colour resolution, unless the source was without it', () => {
  const edge = picture(64, 48, 3, (x) => (x < 31 ? [250, 0, 0] : [0, 0, 250]));
  const depths = [8, 10, 12] as const;

  test.each([
    ['PNG', edge.clone().png().toBuffer(), false],
    ['JPEG 4:2:0', edge.clone().jpeg({ chromaSubsampling: '4:2:0' }).toBuffer(), true],
    ['JPEG 4:4:4', edge.clone().jpeg({ chromaSubsampling: '4:4:4' }).toBuffer(), false],
    ['lossy WebP', edge.clone().webp().toBuffer(), true],
    ['lossless WebP', edge.clone().webp({ lossless: true }).toBuffer(), false],
    ['lossless AVIF', edge.clone().avif({ lossless: true, effort: 0 }).toBuffer(), false],
    ...depths.flatMap((bitdepth) =>
      (['4:2:0', '4:4:4'] as const).map((chromaSubsampling): [string, Promise<Buffer>, boolean] => [
        `AVIF ${chromaSubsampling} of ${bitdepth} bits`,
        edge.clone().avif({ chromaSubsampling, bitdepth, effort: 0 }).toBuffer(),
        chromaSubsampling === '4:2:0',
      ]),
    ),
  ])('%s', async (_, source, halved) => {
    expect((await readHeader(await source)).subsampled).toBe(halved);
    const { data } = await upscaler.upscale(await source, {
      model: 'nearest',
      format: 'avif',
      upscale: 1,
      quality: 90,
    });
    expect((await readHeader(data)).subsampled).toBe(halved);
    // In the decoder's own pixels: beside the edge, colours are mixed where their resolution is half.
    const pixels = await decodePixels(data);
    const pure = largestDifference(pixels.at(31, 24), [0, 0, 250]) < 40;
    expect(pure).toBe(!halved);
  });
});

test('WebP, which halves colours always, keeps the edges of a drawing better than its encoder does by itself', async () => {
  const source = await sharp(await readFile(new URL('files/logo.png', import.meta.url)))
    .removeAlpha()
    .png()
    .toBuffer();
  const pixels = await sharp(source).raw().toBuffer();
  const errorOf = async (webp: Uint8Array): Promise<number> => {
    const stored = await sharp(webp).raw().toBuffer();
    return stored.reduce((sum, value, index) => sum + (value - pixels[index]!) ** 2, 0);
  };
  const { data } = await upscaler.upscale(source, { model: 'nearest', upscale: 1, format: 'webp', quality: 82 });
  const plain = await sharp(source).webp({ quality: 82 }).toBuffer();
  // 1.1 dB, for 2 % more bytes.
  expect(await errorOf(data)).toBeLessThan(0.85 * (await errorOf(plain)));
  expect(data.length).toBeLessThan(1.1 * plain.length);
});

test('metadata is left behind', async () => {
  const source = await sharp(lossless)
    .withExif({ IFD0: { Copyright: 'someone' } })
    .withDensity(300)
    .jpeg()
    .toBuffer();
  const { data } = await upscaler.upscale(source, { model: 'nearest' });
  const metadata = await sharp(data).metadata();
  expect(metadata.exif).toBeUndefined();
  expect(metadata.density).toBe(72);
});

test('a palette becomes one again where all colours fit, and none are reduced to fit', async () => {
  const palette = await picture(16, 16, 3, (x) => (x < 8 ? [255, 0, 0] : [0, 0, 255]))
    .png({ palette: true, colours: 2 })
    .toBuffer();
  expect(await sharp(palette).metadata()).toMatchObject({ isPalette: true, bitsPerSample: 1 });
  const { data } = await upscaler.upscale(palette, { model: 'nearest' });
  expect(await sharp(data).metadata()).toMatchObject({ isPalette: true, bitsPerSample: 1 });
  const smooth = await picture(32, 32, 3, (x, y) => [x * 8, y * 8, x + y])
    .png({ palette: true })
    .toBuffer();
  const more = await upscaler.upscale(smooth, { model: 'bicubic' });
  expect(await sharp(more.data).metadata()).toMatchObject({ isPalette: false, channels: 3 });
  const pixels = await decodePixels(data);
  expect(pixels.at(0, 0)).toEqual([255, 0, 0]);
  expect(pixels.at(31, 31)).toEqual([0, 0, 255]);
});
