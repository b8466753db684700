import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { decodePixels, picture, samples, scene, type Value } from './fixtures.js';
import { useUpscaler } from './upscaler.js';

const { upscaler } = useUpscaler();
const size = 40;

/** How much of a pixel a disc in the middle covers, 0 to 255. */
const disc: (x: number, y: number) => number = (x, y) =>
  Math.round(255 * Math.min(1, Math.max(0, 12.5 - Math.hypot(x - 19.5, y - 19.5))));
const flat = [200, 120, 40];

/** A disc of one colour over another colour that no one should ever see. */
async function discOver(hidden: readonly number[], visible: Value = () => flat): Promise<Buffer> {
  return picture(size, size, 4, (x, y) => (disc(x, y) > 0 ? [...visible(x, y), disc(x, y)] : [...hidden, 0]))
    .png()
    .toBuffer();
}

const backgrounds = { black: [0, 0, 0], white: [255, 255, 255], magenta: [255, 0, 255] } as const;

/**
 * The halo metric: lay the result on a background and compare with what the true colour would give under the same alpha. What
 * has bled into the edge shows as the largest difference in levels.
 */
async function halo(result: Uint8Array, colour: readonly number[]): Promise<number> {
  const pixels = await decodePixels(result);
  let worst = 0;
  for (const background of Object.values(backgrounds)) {
    for (let i = 0; i < pixels.data.length; i += 4) {
      const cover = pixels.data[i + 3]! / 255;
      background.forEach((behind, channel) => {
        const seen = pixels.data[i + channel]! * cover + behind * (1 - cover);
        const wanted = colour[channel]! * cover + behind * (1 - cover);
        worst = Math.max(worst, Math.abs(seen - wanted));
      });
    }
  }
  return worst;
}

describe('what is hidden under transparent pixels', () => {
  test.each(['natural', 'art', 'bicubic', 'bilinear', 'nearest'])('leaves no fringe with %s', async (model) => {
    for (const hidden of [
      [0, 0, 0],
      [255, 255, 255],
      [0, 255, 0],
    ]) {
      for (const upscale of [2, 1.5]) {
        const { data } = await upscaler.upscale(await discOver(hidden), { model, upscale });
        expect(await halo(data, flat), `${hidden.join()} ×${upscale}`).toBeLessThanOrEqual(1);
      }
    }
  });

  test('the metric sees the fringe that a plain enlargement of the channels has', async () => {
    const separate = await sharp(await discOver([0, 0, 0]))
      .removeAlpha()
      .resize(80, 80, { kernel: 'cubic' })
      .raw()
      .toBuffer();
    const alpha = await sharp(await discOver([0, 0, 0]))
      .extractChannel(3)
      .resize(80, 80, { kernel: 'cubic' })
      .raw()
      .toBuffer();
    const naive = samples(80, 80, (x, y) => {
      const at = y * 80 + x;
      return [...separate.subarray(at * 3, at * 3 + 3), alpha[at]!];
    });
    const png = await sharp(naive, { raw: { width: 80, height: 80, channels: 4 } })
      .png()
      .toBuffer();
    expect(await halo(png, flat)).toBeGreaterThan(10);
  });

  test('changes nothing at all in the visible picture', async () => {
    const [black, white] = await Promise.all(
      [
        [0, 0, 0],
        [255, 255, 255],
      ].map(async (hidden) => (await decodePixels((await upscaler.upscale(await discOver(hidden, scene))).data)).data),
    );
    const seen = (data: Uint8Array): Uint8Array => data.map((value, at) => (data[at | 3] === 0 ? 0 : value));
    expect(seen(black!)).toEqual(seen(white!));
  });
});

describe('the alpha plane', () => {
  test.each([
    ['network', 1.5, 0.05],
    ['bicubic', 3, 0.005],
  ] as const)('is sharp, and stays in its place (%s)', async (alpha, worstMean, worstShift) => {
    const { data } = await upscaler.upscale(await discOver([0, 0, 0]), { alpha });
    const pixels = await decodePixels(data);
    let difference = 0;
    let weight = 0;
    let [left, top] = [0, 0];
    for (let y = 0; y < 80; y++) {
      for (let x = 0; x < 80; x++) {
        const cover = pixels.at(x, y)[3]!;
        weight += cover;
        left += cover * x;
        top += cover * y;
        // What each pixel of the true disc, twice as large, covers.
        difference += Math.abs(cover - 255 * Math.min(1, Math.max(0, 24.5 - Math.hypot(x - 39.5, y - 39.5))));
      }
    }
    expect(difference / 6400).toBeLessThan(worstMean);
    // sharp's own enlargement is half a pixel of the result off.
    for (const sum of [left, top]) expect(Math.abs(sum / weight - 39.5)).toBeLessThan(worstShift);
  });

  test.each(['network', 'bicubic'] as const)(
    'is exactly clear and exactly opaque away from edges (%s)',
    async (alpha) => {
      const { data } = await upscaler.upscale(await discOver([0, 0, 0]), { alpha });
      const pixels = await decodePixels(data);
      expect(pixels.at(40, 40)[3]).toBe(255);
      for (let x = 0; x < 80; x++) for (let y = 0; y < 8; y++) expect(pixels.at(x, y)[3]).toBe(0);
    },
  );

  test('is dropped when everything is opaque', async () => {
    const source = await picture(16, 16, 4, (x, y) => [...scene(x, y), 255])
      .png()
      .toBuffer();
    const { data } = await upscaler.upscale(source);
    expect(await sharp(data).metadata()).toMatchObject({ hasAlpha: false, channels: 3 });
    const opaque = await picture(16, 16, 3, scene).png().toBuffer();
    expect(Buffer.from(data).equals((await upscaler.upscale(opaque)).data)).toBe(true);
  });

  test('may be clear everywhere', async () => {
    const source = await picture(16, 16, 4, () => [90, 80, 70, 0])
      .png()
      .toBuffer();
    const pixels = await decodePixels((await upscaler.upscale(source)).data);
    for (let i = 3; i < pixels.data.length; i += 4) expect(pixels.data[i]).toBe(0);
  });

  test.each(['png', 'webp', 'avif', 'gif', 'tiff'] as const)('is written to %s', async (format) => {
    const { data } = await upscaler.upscale(await discOver([0, 0, 0]), { format });
    const pixels = await decodePixels(data);
    expect(pixels.channels).toBe(4);
    expect(pixels.at(2, 2)[3]).toBe(0);
    expect(pixels.at(40, 40)[3]).toBe(255);
  });

  test('becomes white paper in a JPEG', async () => {
    const { data } = await upscaler.upscale(await discOver([0, 0, 0]), { format: 'jpeg', quality: 95 });
    const pixels = await decodePixels(data);
    expect(Math.min(...pixels.at(1, 1))).toBeGreaterThanOrEqual(253);
    expect(Math.abs(pixels.at(40, 40)[0]! - flat[0]!)).toBeLessThanOrEqual(3);
  });
});

test('a reduced picture has no fringe either', async () => {
  const { data } = await upscaler.upscale(await discOver([0, 255, 0]), { width: 17 });
  expect(await halo(data, flat)).toBeLessThanOrEqual(1);
});
