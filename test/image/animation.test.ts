import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { probe } from '#src/image/codec/probe.js';
import { animation, decodePixels, largestDifference } from './fixtures.js';
import { useUpscaler } from './upscaler.js';

const { upscaler } = useUpscaler();
const nearest = { model: 'nearest' } as const;

const width = 12;
const height = 10;
const delay = [40, 250, 1000];
/** Three frames, each a flat colour with a hole that moves. */
const colours = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
] as const;
const moving = animation(width, height, 3, (x, _, frame) => [
  ...colours[frame as 0 | 1 | 2],
  x >= frame * 4 && x < frame * 4 + 4 ? 0 : 255,
]);
const gif = await moving.clone().gif({ delay, loop: 5 }).toBuffer();
const webp = await moving.clone().webp({ lossless: true, delay, loop: 5 }).toBuffer();

describe.each([
  ['gif', gif],
  ['webp', webp],
] as const)('an animated %s', (format, source) => {
  test('tells of its frames in its header', async () => {
    expect(await probe(source)).toMatchObject({ format, width, height, frames: 3 });
  });

  test.each(['gif', 'webp'] as const)('becomes a %s with all frames, delays and rounds', async (target) => {
    const result = await upscaler.upscale(source, { ...nearest, format: target });
    expect(result).toMatchObject({ format: target, width: 24, height: 20, frames: 3, sourceHeight: 10 });
    expect(await sharp(result.data, { animated: true }).metadata()).toMatchObject({
      pages: 3,
      pageHeight: 20,
      width: 24,
      delay,
      loop: 5,
    });
    const pixels = await decodePixels(result.data, { animated: true });
    colours.forEach((colour, frame) => {
      for (let x = 0; x < 24; x++) {
        const [r, g, b, a] = pixels.at(x, frame * 20 + 7);
        const hole = x >= frame * 8 && x < frame * 8 + 8;
        expect(a).toBe(hole ? 0 : 255);
        if (!hole) expect(largestDifference([r!, g!, b!], colour)).toBeLessThan(6);
      }
    });
  });

  test('becomes a still without a word where a still is asked for', async () => {
    const result = await upscaler.upscale(source, { ...nearest, animation: 'first-frame' });
    expect(result).toMatchObject({ format, width: 24, height: 20, frames: 1 });
    expect(result.warnings).toBeUndefined();
    expect(await probe(result.data)).toMatchObject({ format, width: 24, height: 20, frames: 1 });
  });

  test('is refused where it must stay one and can’t', async () => {
    const wish = { ...nearest, animation: 'keep' } as const;
    await expect(upscaler.upscale(source, { ...wish, format: 'jpeg' })).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      message: expect.stringContaining(
        'of its 3 frames only the first could be used (JPEG is written as a still)',
      ) as string,
    });
    expect(await upscaler.upscale(source, { ...wish, format: 'png' })).toMatchObject({ frames: 3 });
  });

  test('gives its first frame to a format that does not move', async () => {
    const result = await upscaler.upscale(source, { ...nearest, format: 'tiff' });
    expect(result).toMatchObject({ width: 24, height: 20, frames: 1 });
    expect(result.warnings).toEqual(['of its 3 frames only the first was used: TIFF is written as a still']);
    const pixels = await decodePixels(result.data);
    expect(pixels.at(20, 5)).toEqual([255, 0, 0, 255]);
    expect(pixels.at(2, 5)[3]).toBe(0);
  });

  test('can be brought to an exact size', async () => {
    const result = await upscaler.upscale(source, { model: 'natural', width: 31 });
    expect(await sharp(result.data, { animated: true }).metadata()).toMatchObject({
      pages: 3,
      width: 31,
      pageHeight: 26,
    });
    const reduced = await upscaler.upscale(source, { width: 6 });
    expect(await sharp(reduced.data, { animated: true }).metadata()).toMatchObject({
      pages: 3,
      width: 6,
      pageHeight: 5,
    });
  });
});

test('frames that are equal stay frames in a GIF', async () => {
  const source = await animation(8, 8, 3, () => [9, 9, 9, 255])
    .gif({ delay: [100, 200, 300], loop: 0, keepDuplicateFrames: true })
    .toBuffer();
  const { data } = await upscaler.upscale(source, nearest);
  expect(await sharp(data, { animated: true }).metadata()).toMatchObject({ pages: 3, delay: [100, 200, 300], loop: 0 });
});

test('frames that only say what changed are shown whole', async () => {
  // libvips writes the second frame as the difference to the first.
  const source = await animation(16, 16, 2, (x, y, frame) =>
    frame === 1 && x === 3 && y === 3 ? [255, 255, 255, 255] : [x * 15, y * 15, 80, 255],
  )
    .gif({ delay: [50, 50] })
    .toBuffer();
  const { data } = await upscaler.upscale(source, { ...nearest, format: 'webp', quality: 100 });
  const pixels = await decodePixels(data, { animated: true });
  expect(
    pixels
      .at(20, 32 + 20)
      .slice(0, 2)
      .every((value) => Math.abs(value - 150) < 40),
  ).toBe(true);
});

test('a still GIF stays still', async () => {
  const source = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'teal' } })
    .gif()
    .toBuffer();
  expect(await probe(source)).toMatchObject({ frames: 1 });
  const result = await upscaler.upscale(source, nearest);
  expect(result).toMatchObject({ format: 'gif', frames: 1, width: 16 });
  expect((await sharp(result.data, { animated: true }).metadata()).pages).toBe(1);
});

test('the limit counts the pixels of all frames that are used', async () => {
  const limits = { maxInputPixels: width * height * 2 };
  await expect(upscaler.upscale(gif, { ...nearest, ...limits })).rejects.toMatchObject({ code: 'INPUT_TOO_LARGE' });
  await expect(probe(gif, limits)).rejects.toMatchObject({ code: 'INPUT_TOO_LARGE' });
  expect(await upscaler.upscale(gif, { ...nearest, ...limits, format: 'avif' })).toMatchObject({ frames: 1 });
});
