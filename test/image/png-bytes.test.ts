import { readFile } from 'node:fs/promises';
import sharp, { type PngOptions, type Sharp } from 'sharp';
import { describe, expect, test, vi } from 'vitest';
import { encodeFewColours } from '#src/image/codec/few-colours.js';
import { justNoticeable, oklab } from '#src/image/codec/near-palette.js';
import { animation, decodePixels, picture, picture16, scene } from './fixtures.js';
import { useUpscaler } from './upscaler.js';

const { upscaler } = useUpscaler();
const nearest = { model: 'nearest', upscale: 2 } as const;

describe('a PNG of few colours is written exactly, in few bits', () => {
  /** Numbers that look like chance, the same each time. */
  const draw = (count: number, most: number): number[] =>
    Array.from({ length: count }, (_, index) => (Math.imul(index + 1, 2654435761) >>> 8) % most);

  test.each([
    [3, 1, 1],
    [3, 2, 1],
    [3, 4, 2],
    [3, 16, 4],
    [3, 17, 8],
    [3, 256, 8],
    [4, 2, 1],
    [4, 256, 8],
    [2, 16, 4],
  ] as const)('%i channels, %i colours: %i bits', async (channels, colours, bits) => {
    const [width, height] = [37, 29];
    const palette = Array.from({ length: colours }, (_, index) =>
      Array.from({ length: channels }, (_, channel) => (index * 7 + channel * 31 + (index >> 5)) % 256),
    );
    const places = draw(width * height, colours);
    palette.forEach((_, index) => (places[index] = index));
    const data = Uint8Array.from(places.flatMap((place) => palette[place]!));
    const png = (await encodeFewColours({ data, width, height, channels }))!;
    expect(png[24]).toBe(bits);
    const space = sharp(png).toColourspace('srgb');
    const { data: read, info } = await space.raw().toBuffer({ resolveWithObject: true });
    const opaque = info.channels === 3;
    for (let pixel = 0; pixel < width * height; pixel++) {
      const own = data.subarray(pixel * channels, (pixel + 1) * channels);
      const rgb = channels === 2 ? [own[0], own[0], own[0]] : [...own.subarray(0, 3)];
      const alpha = channels === 2 ? own[1] : channels === 4 ? own[3] : 255;
      const seen = [...read.subarray(pixel * info.channels, (pixel + 1) * info.channels)];
      expect(seen).toEqual(opaque ? rgb : [...rgb, alpha]);
    }
  });

  test.each([
    [[0, 255], 1],
    [[0, 85, 170, 255], 2],
    [[0, 17, 255], 4],
    [[0, 1], undefined],
  ] as const)('grey of the levels %j stays grey: %s bits', async (levels, bits) => {
    const data = Uint8Array.from(draw(30 * 20, levels.length).map((place) => levels[place]!));
    const png = await encodeFewColours({ data, width: 30, height: 20, channels: 1 });
    expect(png?.[24]).toBe(bits);
    if (!png) return;
    expect(png[25]).toBe(0);
    expect(await sharp(png).toColourspace('b-w').raw().toBuffer()).toEqual(Buffer.from(data));
  });

  test('more than 256 colours take no palette', async () => {
    const data = Uint8Array.from(draw(40 * 40 * 3, 256));
    expect(await encodeFewColours({ data, width: 40, height: 40, channels: 3 })).toBeUndefined();
  });

  test('nothing but transparency takes few bytes', async () => {
    const source = await picture(300, 300, 4, () => [0, 0, 0, 0])
      .png()
      .toBuffer();
    const { data } = await upscaler.upscale(source, { upscale: 2 });
    expect(data.length).toBeLessThan(300);
    expect((await sharp(data).metadata()).hasAlpha).toBe(true);
  });

  test('pixel art and codes of a palette have a palette again', async () => {
    const source = await picture(24, 24, 3, (x, y) => ((x * 7 + y * 3) % 5 < 2 ? [200, 30, 30] : [20, 20, 60]))
      .png({ palette: true })
      .toBuffer();
    const { data } = await upscaler.upscale(source, nearest);
    expect(await sharp(data).metadata()).toMatchObject({ isPalette: true, width: 48 });
    const pixels = await decodePixels(data);
    for (let x = 0; x < 48; x++) {
      expect(pixels.at(x, 9)).toEqual(((x >> 1) * 7 + 4 * 3) % 5 < 2 ? [200, 30, 30] : [20, 20, 60]);
    }
  });
});

describe('a picture of a palette with more than 256 colours', () => {
  test('has a palette again, and on white, grey and black no pixel is further from its own than just noticeable', async () => {
    const source = await readFile(new URL('files/logopal.png', import.meta.url));
    const wish = { upscale: 2, model: 'art' } as const;
    const { data } = await upscaler.upscale(source, wish);
    expect(data[25]).toBe(3);
    // The same picture in 24 bits takes more than that.
    expect(data.length).toBeLessThan(8000);
    expect(Buffer.from((await upscaler.upscale(source, wish)).data).equals(data)).toBe(true);
    const whole = await upscaler.upscale(source, { ...wish, format: 'tiff' });
    const rgba = (bytes: Uint8Array): Promise<Buffer> => sharp(bytes).ensureAlpha().raw().toBuffer();
    const [seen, own] = [await rgba(data), await rgba(whole.data)];
    /** On a page of this grey; not rounded, since in the dark a level is more than can be noticed. */
    const on = (ground: number, pixels: Buffer, at: number): ReturnType<typeof oklab> => {
      const cover = pixels[at + 3]! / 255;
      return oklab([0, 1, 2].map((channel) => ground + (pixels[at + channel]! - ground) * cover));
    };
    let [worst, exact] = [0, 0];
    for (let at = 0; at < seen.length; at += 4) {
      for (const ground of [0, 128, 255]) {
        const [one, other] = [on(ground, seen, at), on(ground, own, at)];
        const distance = Math.hypot(one[0] - other[0], one[1] - other[1], one[2] - other[2]);
        worst = Math.max(worst, distance);
        if (distance === 0) exact++;
      }
    }
    expect(worst).toBeGreaterThan(0);
    expect(worst).toBeLessThanOrEqual(justNoticeable);
    expect(exact / ((3 * seen.length) / 4)).toBeGreaterThan(0.9);
  });

  test('has none where that would be seen', async () => {
    const side = 48;
    const source = await picture(side, side, 3, (x, y) => [x * 5, y * 5, ((x * y) % 16) * 16])
      .png({ palette: true, dither: 1 })
      .toBuffer();
    const { data } = await upscaler.upscale(source, { upscale: 2, model: 'bicubic' });
    expect(data[25]).toBe(2);
  });

  test('nor where the source had none', async () => {
    const source = await sharp(new URL('files/logopal.png', import.meta.url).pathname)
      .png({ palette: false })
      .toBuffer();
    const { data } = await upscaler.upscale(source, { upscale: 2, model: 'art' });
    expect([2, 6]).toContain(data[25]);
  });

  test.each([
    // Of Ottosson's own table: https://bottosson.github.io/posts/oklab
    [
      [255, 255, 255],
      [1, 0, 0],
    ],
    [
      [255, 0, 0],
      [0.628, 0.2249, 0.1258],
    ],
    [
      [0, 0, 0],
      [0, 0, 0],
    ],
  ])('OKLab of %j is %j', (levels, expected) => {
    oklab(levels).forEach((value, axis) => {
      expect(value).toBeCloseTo(expected[axis]!, 3);
    });
  });
});

describe('what is lossless stays so', () => {
  test('a lossless WebP', async () => {
    const source = await readFile(new URL('files/logo-lossless.webp', import.meta.url));
    const { data } = await upscaler.upscale(source, { upscale: 2, model: 'art' });
    const png = await upscaler.upscale(source, { upscale: 2, model: 'art', format: 'png' });
    const raw = (bytes: Uint8Array): Promise<Buffer> =>
      sharp(bytes).removeAlpha().toColourspace('srgb').raw().toBuffer();
    expect((await raw(data)).equals(await raw(png.data))).toBe(true);
  });

  test.each([
    ['webp', { quality: 80 }, false],
    ['webp', { lossless: true }, true],
    ['webp', { nearLossless: true }, true],
    ['avif', { quality: 60 }, false],
    ['avif', { lossless: true }, true],
  ] as const)('%s of sharp’s with %j: %s', async (format, settings, exact) => {
    const source = await picture(16, 16, 3, (x, y) => [x * 15, y * 15, (x ^ y) * 15])
      .toFormat(format, settings)
      .toBuffer();
    const { data } = await upscaler.upscale(source, nearest);
    const want = await sharp(source).resize(32, 32, { kernel: 'nearest' }).removeAlpha().raw().toBuffer();
    const got = await sharp(data).removeAlpha().raw().toBuffer();
    let worst = 0;
    for (let at = 0; at < want.length; at++) worst = Math.max(worst, Math.abs(want[at]! - got[at]!));
    if (exact) expect(worst).toBeLessThanOrEqual(format === 'avif' ? 1 : 0);
    else expect(worst).toBeGreaterThan(1);
  });

  test.each(['webp', 'avif', 'png', 'tiff'] as const)('and %s is where that is asked for', async (format) => {
    const source = await picture(16, 16, 4, (x, y) => [x * 15, y * 15, (x ^ y) * 15, 255 - y])
      .png()
      .toBuffer();
    const { data } = await upscaler.upscale(source, { ...nearest, format, lossless: true });
    const want = await upscaler.upscale(source, { ...nearest, format: 'png' });
    const raw = (bytes: Uint8Array): Promise<Buffer> => sharp(bytes).ensureAlpha().raw().toBuffer();
    expect((await raw(data)).equals(await raw(want.data))).toBe(true);
  });

  test('what can’t be lossless is refused, and so is a quality of it', async () => {
    const source = await readFile(new URL('files/logo-lossless.webp', import.meta.url));
    for (const wish of [{ format: 'jpeg' }, { format: 'gif' }, { quality: 80 }] as const) {
      const call = upscaler.upscale(source, { ...nearest, ...wish, lossless: true });
      await expect(call).rejects.toMatchObject({
        code: 'BAD_ARGUMENT',
        message: expect.stringContaining('lossless') as string,
      });
    }
    const jpeg = await sharp(source).jpeg().toBuffer();
    await expect(upscaler.upscale(jpeg, { ...nearest, lossless: true })).rejects.toThrow(/a JPEG can’t keep/);
    const lossy = await upscaler.upscale(source, { ...nearest, lossless: false });
    expect(Buffer.from(lossy.data).includes('VP8L')).toBe(false);
  });

  test('unless a quality is asked for, or another format', async () => {
    const source = await readFile(new URL('files/logo-lossless.webp', import.meta.url));
    const lossy = await upscaler.upscale(source, { ...nearest, quality: 60 });
    const whole = await upscaler.upscale(source, nearest);
    expect(Buffer.from(whole.data).includes('VP8L')).toBe(true);
    expect(Buffer.from(lossy.data).includes('VP8L')).toBe(false);
  });
});

describe('what is invisible', () => {
  const sides = { width: 24, height: 24 } as const;
  const cover = (x: number, y: number): number =>
    Math.max(0, Math.min(255, Math.round(60 * (9 - Math.hypot(x - 12, y - 12)))));
  const coins = (hidden: (x: number, y: number) => readonly [number, number, number]) =>
    picture(sides.width, sides.height, 4, (x, y) => {
      const alpha = cover(x, y);
      return alpha === 0 ? [...hidden(x, y), 0] : [...(scene(x * 3, y * 3) as [number, number, number]), alpha];
    })
      .png()
      .toBuffer();
  const hiddenColours = async (bytes: Uint8Array): Promise<Set<string>> => {
    const { data } = await sharp(bytes).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
    const found = new Set<string>();
    for (let at = 0; at < data.length; at += 4) if (data[at + 3] === 0) found.add(data.subarray(at, at + 3).join(' '));
    return found;
  };

  test.each([
    ['png', 'art'],
    ['png', 'bicubic'],
    ['tiff', 'art'],
  ] as const)('has its one colour again in %s by %s, and the spread colours cost nothing', async (format, model) => {
    const source = await coins(() => [7, 8, 9]);
    const { data } = await upscaler.upscale(source, { upscale: 2, model, format });
    expect([...(await hiddenColours(data))]).toEqual(['7 8 9']);
    const mixed = await coins((x, y) => [x, y, 9]);
    const spread = await upscaler.upscale(mixed, { upscale: 2, model, format });
    expect(data.length).toBeLessThan(spread.data.length);
    // What can be seen is the same.
    const onGrey = (bytes: Uint8Array): Promise<Buffer> =>
      sharp(bytes).flatten({ background: '#888' }).raw().toBuffer();
    expect((await onGrey(data)).equals(await onGrey(spread.data))).toBe(true);
  });

  test('has the colours that the network was shown where it had several, as those of a texture', async () => {
    const mixed = await coins((x, y) => [x, y, 9]);
    const { data } = await upscaler.upscale(mixed, { upscale: 2, model: 'art' });
    expect((await hiddenColours(data)).size).toBeGreaterThan(10);
  });

  test('has its grey again in 16 bits, too', async () => {
    const source = await picture16(16, 16, 2, (x) => (x < 8 ? [500, 0] : [x * 4000, 65_535]))
      .png()
      .toBuffer();
    const { data } = await upscaler.upscale(source, { upscale: 2, model: 'art' });
    const pixels = new Uint16Array(
      new Uint8Array(await sharp(data).toColourspace('grey16').raw({ depth: 'ushort' }).toBuffer()).buffer,
    );
    expect([pixels[0], pixels[1]]).toEqual([500, 0]);
  });

  test('has it in every frame of an animation', async () => {
    const source = await animation(16, 16, 3, (x, _, frame) => (x < 8 ? [1, 2, 3, 0] : [x * 9, frame * 90, 0, 255]))
      .webp({ lossless: true, exact: true, delay: [50, 60, 70] })
      .toBuffer();
    const { data } = await upscaler.upscale(source, { upscale: 2, model: 'art', format: 'png' });
    const first = await hiddenColours(data);
    expect([...first]).toEqual(['1 2 3']);
  });
});

test.each([
  ['is compressed in three ways', false, 3],
  ['of no one any more is compressed no further', true, 1],
] as const)('a drawing %s', async (_, isStopped, times) => {
  const drawing = await picture(40, 30, 3, scene).png().toBuffer();
  const stop = new AbortController();
  const original = Reflect.get(sharp.prototype, 'png') as (this: Sharp, options?: PngOptions) => Sharp;
  const png = vi.spyOn(sharp.prototype, 'png').mockImplementation(function (this: Sharp, options?: unknown) {
    if (isStopped) stop.abort();
    return original.call(this, options as PngOptions | undefined);
  });
  const upscaled = upscaler.upscale(drawing, { model: 'nearest', upscale: 4, signal: stop.signal });
  const ended = await upscaled.then(
    () => 'done',
    (error: unknown) => (error as { readonly code: string }).code,
  );
  expect(ended).toBe(isStopped ? 'ABORTED' : 'done');
  expect(png).toHaveBeenCalledTimes(times);
  png.mockRestore();
});
