import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { outputFormats } from '#src/image/codec/formats.js';
import { probe } from '#src/image/codec/probe.js';
import { UpresError } from '#src/errors.js';
import { animation, picture, scene } from './fixtures.js';
import { pngChunk, pngHeader, pngOf } from './png.js';
import { useUpscaler } from './upscaler.js';

const { upscaler, folder } = useUpscaler();
const good = await picture(64, 48, 3, (x, y) => scene(x, y).map((value) => (value + x * 31 + y * 17) % 256))
  .png()
  .toBuffer();

/** Upscales a file of these bytes and returns the error. */
async function failure(name: string, bytes: Uint8Array): Promise<UpresError> {
  const file = join(folder, name);
  writeFileSync(file, bytes);
  return failureOf(file);
}

async function failureOf(file: string): Promise<UpresError> {
  const error: unknown = await upscaler.upscale(file, { model: 'nearest' }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UpresError);
  expect((error as UpresError).file).toBe(file);
  return error as UpresError;
}

describe('a file that ends too early', () => {
  test.each(outputFormats)('%s', async (format) => {
    const whole = await sharp(good).toFormat(format).toBuffer();
    for (const share of [0.98, 0.6, 0.3]) {
      const error = await failure(`short.${format}`, whole.subarray(0, Math.floor(whole.length * share)));
      expect(error.code).toBe('INPUT_CORRUPT');
      expect(error.message).toMatch(/damaged or cut short/);
      expect(error.message).not.toMatch(/\n|bad seek/);
      expect(error.cause).toBeInstanceOf(Error);
    }
  });

  test.each(['gif', 'webp'] as const)('an animated %s', async (format) => {
    const whole = await animation(32, 32, 3, (x, y, frame) => [...scene(x * (frame + 1), y), 255])
      .toFormat(format)
      .toBuffer();
    for (const share of [0.99, 0.7, 0.4, 0.1]) {
      const error = await failure(`short-animation.${format}`, whole.subarray(0, Math.floor(whole.length * share)));
      expect(error.code).toBe('INPUT_CORRUPT');
    }
  });

  test('a GIF without its very last byte is whole, as it is for browsers', async () => {
    const whole = await animation(8, 8, 2, (x, _, frame) => [x * 20, frame * 100, 0, 255])
      .gif()
      .toBuffer();
    expect(await upscaler.upscale(whole.subarray(0, -1), { model: 'nearest' })).toMatchObject({ frames: 2 });
  });

  test('nothing but a signature', async () => {
    expect((await failure('signature.png', good.subarray(0, 8))).code).toBe('INPUT_CORRUPT');
    expect((await failure('signature.jpg', Uint8Array.of(0xff, 0xd8, 0xff))).code).toBe('INPUT_CORRUPT');
  });
});

describe('a damaged file', () => {
  // Lossy WebP has no checksums: damage within its pixels can't be told from pixels. Browsers show what there is of a JPEG.
  test.each(['png', 'avif', 'tiff'] as const)('%s', async (format) => {
    const bytes = await sharp(good)
      .toFormat(format, format === 'tiff' ? { compression: 'deflate' } : {})
      .toBuffer();
    // The end of the pixels lies before the middle in TIFF files of sharp's, and behind it elsewhere.
    const start = Math.floor(bytes.length * (format === 'tiff' ? 0.1 : 0.5));
    bytes.fill(0xff, start, start + 40);
    expect((await failure(`damaged.${format}`, bytes)).code).toBe('INPUT_CORRUPT');
  });

  test('one of no pixels', async () => {
    expect(
      (
        await failure(
          'zero.png',
          pngOf(0, 0, 8, 0, () => 0),
        )
      ).code,
    ).toBe('INPUT_CORRUPT');
  });
});

describe('a file that is something else', () => {
  test('the name does not matter, the bytes do', async () => {
    const file = join(folder, 'really-a-png.jpg');
    writeFileSync(file, good);
    expect(await probe(file)).toMatchObject({ format: 'png', width: 64 });
    expect(await upscaler.upscale(file, { model: 'nearest' })).toMatchObject({ format: 'png', width: 128 });
  });

  test.each([
    ['an SVG', '<svg xmlns="http://www.w3.org/2000/svg"/>', /no pixels: use it as it is, or rasterise it/],
    ['an SVG with a declaration', '\ufeff<?xml version="1.0"?>\n<!-- hello -->\n<svg width="1">', /no pixels/],
    ['a BMP', 'BM............', /this is a BMP: convert it to PNG/],
    ['a PDF', '%PDF-1.7', /this is a PDF/],
    ['a HEIC', '\0\0\0\x18ftypheic\0\0\0\0mif1heic', /this is a HEIC/],
    ['a film', '\0\0\0\x14ftypisom\0\0\0\0mp42', /this is a video/],
    ['text', 'hello, this is no image', /not an image that upres knows/],
    ['a page', '<!doctype html><html><body>404</body></html>', /not an image that upres knows/],
  ])('%s', async (_, text, words) => {
    const error = await failure('other.png', Buffer.from(text));
    expect(error.code).toBe('UNSUPPORTED_FORMAT');
    expect(error.message).toMatch(words);
  });

  test('a TIFF of numbers that are no pixels', async () => {
    const floats = Float32Array.from({ length: 64 }, (_, i) => i * 100);
    const bytes = tiffOfFloats(floats, 8, 8);
    const error = await failure('heights.tif', bytes);
    expect(error.code).toBe('UNSUPPORTED_FORMAT');
    expect(error.message).toMatch(/type float/);
  });
});

describe('a file that can’t be had', () => {
  beforeAll(() => {
    mkdirSync(join(folder, 'directory.png'));
  });

  test('is not there', async () => {
    expect((await failureOf(join(folder, 'nowhere.png'))).code).toBe('INPUT_NOT_FOUND');
    expect((await failureOf(join(folder, 'nowhere', 'a.png'))).code).toBe('INPUT_NOT_FOUND');
  });

  test('is a directory', async () => {
    const error = await failureOf(join(folder, 'directory.png'));
    expect(error.code).toBe('INPUT_UNREADABLE');
    expect(error.message).toMatch(/is a directory/);
  });

  test.skipIf(process.platform === 'win32')('is a device', async () => {
    const error = await failureOf('/dev/null');
    expect(error.code).toBe('INPUT_UNREADABLE');
    expect(error.message).toMatch(/not a regular file/);
  });

  test('is empty', async () => {
    expect((await failure('empty.png', new Uint8Array())).code).toBe('INPUT_EMPTY');
    await expect(upscaler.upscale(new Uint8Array())).rejects.toMatchObject({ code: 'INPUT_EMPTY' });
    await expect(probe(new Uint8Array())).rejects.toMatchObject({ code: 'INPUT_EMPTY' });
  });
});

describe('a file whose header promises too much', () => {
  const huge = Buffer.concat([
    pngHeader(60000, 60000, 8, 2),
    pngChunk('IDAT', new Uint8Array(40)),
    pngChunk('IEND', []),
  ]);

  test('is refused by its header, before any memory is taken', async () => {
    const before = process.memoryUsage().rss;
    const error = await failure('huge.png', huge);
    expect(error.code).toBe('INPUT_TOO_LARGE');
    expect(error.message).toMatch(/60000×60000 pixels, more than the limit of 100 megapixels/);
    await expect(probe(huge)).rejects.toMatchObject({ code: 'INPUT_TOO_LARGE' });
    // 3.6 thousand million pixels would be 10.8 GB.
    expect(process.memoryUsage().rss - before).toBeLessThan(100e6);
  });

  test('GIF', async () => {
    const gif = await picture(1, 1, 3, () => [1, 2, 3])
      .gif()
      .toBuffer();
    gif.writeUInt16LE(65535, 6);
    gif.writeUInt16LE(65535, 8);
    const descriptor = gif.indexOf(0x2c, 13);
    gif.writeUInt16LE(65535, descriptor + 5);
    gif.writeUInt16LE(65535, descriptor + 7);
    const before = process.memoryUsage().rss;
    const error = await failure('huge.gif', gif);
    expect(error.code).toBe('INPUT_TOO_LARGE');
    expect(process.memoryUsage().rss - before).toBeLessThan(100e6);
  });

  test('with the limit raised, it is found out to be corrupt, nothing worse', async () => {
    const wide = Buffer.concat([
      pngHeader(60000, 2000, 8, 0),
      pngChunk('IDAT', new Uint8Array(40)),
      pngChunk('IEND', []),
    ]);
    const call = upscaler.upscale(wide, { width: 10, maxInputPixels: Infinity });
    await expect(call).rejects.toMatchObject({ code: 'INPUT_CORRUPT' });
  });
});

/** A TIFF with one strip of 32-bit floats, little endian. */
function tiffOfFloats(values: Float32Array, width: number, height: number): Buffer {
  const entries = [
    [256, 3, 1, width],
    [257, 3, 1, height],
    [258, 3, 1, 32],
    [259, 3, 1, 1],
    [262, 3, 1, 1],
    [273, 4, 1, 8],
    [277, 3, 1, 1],
    [278, 3, 1, height],
    [279, 4, 1, values.byteLength],
    [339, 3, 1, 3],
  ] as const;
  const directory = Buffer.alloc(2 + entries.length * 12 + 4);
  directory.writeUInt16LE(entries.length, 0);
  entries.forEach(([tag, type, count, value], i) => {
    directory.writeUInt16LE(tag, 2 + i * 12);
    directory.writeUInt16LE(type, 4 + i * 12);
    directory.writeUInt32LE(count, 6 + i * 12);
    directory.writeUInt32LE(value, 10 + i * 12);
  });
  const header = Buffer.from('II*\0\0\0\0\0', 'latin1');
  header.writeUInt32LE(8 + values.byteLength, 4);
  return Buffer.concat([header, Buffer.from(values.buffer), directory]);
}
