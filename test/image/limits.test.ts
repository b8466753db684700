import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { formatTraits, outputFormats } from '#src/image/codec/formats.js';
import { checkOutputSize } from '#src/image/limits.js';
import { picture, scene } from './fixtures.js';
import { useUpscaler } from './upscaler.js';

const { upscaler } = useUpscaler();
const source = await picture(20, 10, 3, scene).png().toBuffer();
const nearest = { model: 'nearest' } as const;

describe('limits', () => {
  test('of the input can be lowered and raised', async () => {
    const call = upscaler.upscale(source, { ...nearest, maxInputPixels: 199 });
    await expect(call).rejects.toMatchObject({ code: 'INPUT_TOO_LARGE' });
    await expect(upscaler.upscale(source, { ...nearest, maxInputPixels: 200 })).resolves.toMatchObject({ width: 40 });
  });

  test('of frames can be lowered and raised, and hold by the header where all frames are used', async () => {
    const frame = Buffer.alloc(4 * 4 * 3, 9);
    const pages = Array.from({ length: 3 }, (_, n) => frame.map((value) => value * (n + 1)));
    const raw = { width: 4, height: 12, channels: 3, pageHeight: 4 } as const;
    const animation = await sharp(Buffer.concat(pages), { raw }).gif({ keepDuplicateFrames: true }).toBuffer();
    const call = upscaler.upscale(animation, { ...nearest, maxFrames: 2 });
    await expect(call).rejects.toMatchObject({
      code: 'INPUT_TOO_LARGE',
      message: expect.stringMatching(/3 frames, more than the limit of 2/) as string,
    });
    await expect(upscaler.upscale(animation, { ...nearest, maxFrames: 3 })).resolves.toMatchObject({ frames: 3 });
    const still = upscaler.upscale(animation, { ...nearest, maxFrames: 2, format: 'jpeg' });
    await expect(still).resolves.toMatchObject({ frames: 1 });
  });

  test('of the output can be lowered and raised', async () => {
    const call = upscaler.upscale(source, { ...nearest, maxOutputPixels: 799 });
    await expect(call).rejects.toMatchObject({ code: 'OUTPUT_TOO_LARGE' });
    await expect(upscaler.upscale(source, { ...nearest, maxOutputPixels: 800 })).resolves.toMatchObject({ width: 40 });
  });

  test('by default 400 megapixels come out at most', async () => {
    const call = upscaler.upscale(source, { ...nearest, width: 30_000 });
    await expect(call).rejects.toMatchObject({
      code: 'OUTPUT_TOO_LARGE',
      message: expect.stringMatching(/30000×15000 pixels, more than the limit of 400 megapixels/) as string,
    });
  });

  test('what a network makes on the way is bounded, too', async () => {
    const call = upscaler.upscale(source, { ...nearest, width: 20, height: 80, maxOutputPixels: 1600 });
    await expect(call).rejects.toMatchObject({
      code: 'OUTPUT_TOO_LARGE',
      message: expect.stringMatching(/160×80 pixels on the way to 20×80/) as string,
    });
  });

  test.each(outputFormats)('%s has a longest side', (format) => {
    const { maxSide } = formatTraits[format];
    const check = (width: number): void => {
      checkOutputSize({ width, height: 1, frames: 1 }, format, undefined, undefined);
    };
    check(maxSide);
    expect(() => {
      check(maxSide + 1);
    }).toThrow(expect.objectContaining({ code: 'OUTPUT_TOO_LARGE' }));
  });

  test.each(['jpeg', 'webp', 'avif', 'gif'] as const)('%s can really be written with that side', async (format) => {
    const line = await picture(4, 1, 3, scene).png().toBuffer();
    const width = formatTraits[format].maxSide;
    const result = await upscaler.upscale(line, { model: 'nearest', width: 128, height: 1, format: 'png' });
    expect(result.width).toBe(128);
    const whole = await picture(width, 1, 3, (x) => [x % 256, 0, 0])
      .png()
      .toBuffer();
    expect(await upscaler.upscale(whole, { upscale: 1, format })).toMatchObject({ width, format });
  });

  test.each([0, -1, NaN])('%d is no limit: BAD_ARGUMENT', async (limit) => {
    for (const name of ['maxInputPixels', 'maxOutputPixels', 'maxFrames']) {
      const call = upscaler.upscale(source, { ...nearest, [name]: limit });
      await expect(call).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    }
  });
});
