import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { dering } from '#src/image/dering/dering.js';
import { maxValue, type PixelImage } from '#src/pixels.js';
import { picture, samples, scene, decodePixels, type Value } from './fixtures.js';
import { useUpscaler } from './upscaler.js';

const { upscaler } = useUpscaler();

function plane(width: number, height: number, channels: 1 | 3, value: Value): PixelImage {
  return { width, height, channels, data: samples(width, height, value) };
}

/** A number from -1 to 1 that looks like chance, the same each time. */
const noise = (x: number, y: number, channel = 0): number => Math.sin(x * 12.9898 + y * 78.233 + channel * 37.719);

const colours = [
  [240, 230, 20],
  [20, 60, 140],
] as const;

/** A bar and a slanted edge, in a picture of 24×20. */
const isBar = (x: number, y: number): boolean => (x > 4.5 && x < 10.5) || x + y / 3 > 20;

/** Twice its size, in two colours. */
const large = plane(48, 40, 3, (x, y) => colours[isBar(x / 2, y / 2) ? 1 : 0]);

/** The mean of each cell, as renderers make it. */
function averaged({ width, height, channels, data }: PixelImage, scale = 2): PixelImage {
  return plane(width / scale, height / scale, channels, (x, y) =>
    Array.from({ length: channels }, (_, channel) => {
      let sum = 0;
      for (let row = 0; row < scale; row++) {
        for (let column = 0; column < scale; column++) {
          sum += data[((y * scale + row) * width + x * scale + column) * channels + channel]!;
        }
      }
      return Math.round(sum / scale ** 2);
    }),
  );
}

/** What a network might make of it: right but for ringing of this many levels. */
function ringing(truth: PixelImage, levels = 12): PixelImage {
  const { width, height, channels, data } = truth;
  return plane(width, height, channels, (x, y) =>
    Array.from({ length: channels }, (_, channel) => {
      const value = data[(y * width + x) * channels + channel]! + levels * noise(x, y, channel);
      return Math.min(255, Math.max(0, Math.round(value)));
    }),
  );
}

const copy = (of: PixelImage): PixelImage => ({ ...of, data: of.data.slice() });

async function deringed(
  enlarged: PixelImage,
  source: PixelImage,
  ...rest: [Parameters<typeof dering>[2]?, PixelImage?]
): Promise<PixelImage> {
  const result = copy(enlarged);
  await dering(result, source, rest[0] ?? 'faithful', rest[1]);
  return result;
}

function error(a: PixelImage, b: PixelImage): number {
  let sum = 0;
  for (let at = 0; at < a.data.length; at++) sum += (a.data[at]! - b.data[at]!) ** 2;
  return sum;
}

/** The plane turned about its diagonal. */
const transposed = ({ width, height, channels, data }: PixelImage): PixelImage =>
  plane(height, width, channels, (x, y) => [
    ...data.subarray((x * width + y) * channels, (x * width + y + 1) * channels),
  ]);
const mirrored = ({ width, height, channels, data }: PixelImage): PixelImage =>
  plane(width, height, channels, (x, y) => {
    const at = (y * width + width - 1 - x) * channels;
    return [...data.subarray(at, at + channels)];
  });
/** In 16 bits, the same light. */
const wide = (of: PixelImage): PixelImage => ({ ...of, data: Uint16Array.from(of.data, (value) => value * 257) });

describe('a drawing of two colours', () => {
  const source = averaged(large);
  const rung = ringing(large);

  test('comes out nearer to the truth, and within the two colours', async () => {
    const result = await deringed(rung, source);
    expect(error(result, large)).toBeLessThan(error(rung, large) / 4);
    for (let at = 0; at < result.data.length; at++) {
      const [a, b] = [colours[0][at % 3]!, colours[1][at % 3]!];
      expect(result.data[at]).toBeGreaterThanOrEqual(Math.min(a, b));
      expect(result.data[at]).toBeLessThanOrEqual(Math.max(a, b));
    }
  });

  test('keeps the mean of each cell, but for what settles on a colour within two levels', async () => {
    const means = averaged(await deringed(rung, source));
    means.data.forEach((value, at) => {
      expect(Math.abs(value - source.data[at]!)).toBeLessThanOrEqual(3);
    });
  });

  test.each([2, 3, 4, 8])('whose flat parts are exact at ×%i', async (scale) => {
    const flat = plane(6, 5, 3, () => [7, 90, 201]);
    const enlarged = ringing(plane(6 * scale, 5 * scale, 3, () => [7, 90, 201]));
    const result = await deringed(enlarged, flat);
    expect(result.data).toEqual(samples(6 * scale, 5 * scale, () => [7, 90, 201]));
  });

  test('does not depend on how it lies', async () => {
    const result = await deringed(rung, source);
    expect(await deringed(mirrored(rung), mirrored(source))).toEqual(mirrored(result));
    expect(await deringed(transposed(rung), transposed(source))).toEqual(transposed(result));
  });

  test('settles once: a second time changes nothing', async () => {
    for (const settling of ['bounded', 'restored'] as const) {
      const once = await deringed(rung, source, settling);
      expect(await deringed(once, source, settling)).toEqual(once);
    }
  });

  test('is the same in 16 bits, but for rounding', async () => {
    const narrow = await deringed(rung, source);
    const result = await deringed(wide(rung), wide(source));
    result.data.forEach((value, at) => {
      // Means come out between two levels of 8 bits; and half a level decides who settles on a colour.
      expect(Math.abs(value / 257 - narrow.data[at]!)).toBeLessThanOrEqual(3);
    });
  });

  test('keeps what a restorer made of it, but where that is nearly flat', async () => {
    const far = ringing(large, 40);
    const result = await deringed(far, source, 'restored');
    result.data.forEach((value, at) => {
      expect(Math.abs(value - far.data[at]!)).toBeLessThanOrEqual(2);
    });
  });

  test('holds colours under a cover to bounds, not to means, where it is not opaque', async () => {
    const cover = plane(24, 20, 1, () => [128]);
    expect(await deringed(rung, source, 'faithful', cover)).toEqual(await deringed(rung, source, 'bounded'));
  });
});

describe.each([2, 3, 4, 5, 6, 8])('at ×%i', (scale) => {
  const truth = plane(24 * scale, 20 * scale, 3, (x, y) => colours[isBar(x / scale, y / scale) ? 1 : 0]);
  const rung = ringing(truth, 3);
  const reducedBy = async (kernel: 'cubic' | 'lanczos2' | 'lanczos3'): Promise<PixelImage> => {
    const { width, height, channels, data } = truth;
    const reduced = await sharp(data, { raw: { width, height, channels } })
      .resize(24, 20, { kernel, fit: 'fill' })
      .raw()
      .toBuffer();
    return { width: 24, height: 20, channels, data: new Uint8Array(reduced) };
  };

  test('the mean of each cell is held to where areas were averaged', async () => {
    const source = averaged(truth, scale);
    expect(await dering(copy(rung), source, 'faithful')).toMatchObject({ means: true });
    expect(await deringed(rung, source)).not.toEqual(await deringed(rung, source, 'bounded'));
  });

  test.each(['cubic', 'lanczos2', 'lanczos3'] as const)(
    'and is not where a kernel reduced the picture: %s',
    async (kernel) => {
      const source = await reducedBy(kernel);
      expect(await dering(copy(rung), source, 'faithful')).toMatchObject({ means: false });
      expect(await deringed(rung, source)).toEqual(await deringed(rung, source, 'bounded'));
    },
  );
});

test('codes are enlarged exactly', async () => {
  const module = (x: number, y: number): number => (noise(Math.floor(x / 6), Math.floor(y / 6)) > 0 ? 255 : 20);
  const truth = plane(96, 96, 1, (x, y) => [module(x, y)]);
  expect(await deringed(ringing(truth, 60), averaged(truth))).toEqual(truth);
});

test('a photograph is left as it is', async () => {
  const source = plane(30, 30, 3, (x, y) =>
    scene(x, y).map((value, c) => Math.round(value * 0.9 + 8 * noise(x, y, c)) & 255),
  );
  const enlarged = plane(60, 60, 3, (x, y) => [x * 4, y * 4, (x * y) & 255]);
  expect(await deringed(enlarged, source)).toEqual(enlarged);
});

test('a stroke thinner than two pixels does not bound what is darker', async () => {
  // Black, one pixel of the large picture wide on both sides of a border of cells: grey in the source.
  const truth = plane(32, 32, 1, (x) => [x === 15 || x === 16 ? 0 : 255]);
  const source = averaged(truth);
  expect(source.data[7]).toBe(128);
  const result = await deringed(ringing(truth, 4), source);
  for (let y = 0; y < 32; y++) for (const x of [15, 16]) expect(result.data[y * 32 + x]).toBeLessThan(8);
});

describe('through the whole pipeline', () => {
  test.each(['natural', 'art', 'anime', 'bicubic'])(
    '%s leaves no seam where opaque meets translucent',
    async (model) => {
      const source = await picture(24, 24, 4, (x) => [200, 60, 30, x < 12 ? 90 : 255])
        .png()
        .toBuffer();
      for (const upscale of [2, 4]) {
        const { data } = await upscaler.upscale(source, { model, upscale });
        const pixels = await decodePixels(data);
        expect(maxValue(pixels.data)).toBe(255);
        for (let y = 0; y < 24 * upscale; y++) {
          for (let x = 0; x < 24 * upscale; x++) {
            const [r, g, b, alpha] = pixels.at(x, y);
            expect([r, g, b]).toEqual([200, 60, 30]);
            expect(alpha).toBeGreaterThanOrEqual(90);
            // An edge on the grid of pixels is one.
            if (model !== 'bicubic') expect(alpha).toBe(x < 12 * upscale ? 90 : 255);
          }
        }
      }
    },
  );

  test.each(['natural', 'art', 'anime'])(
    '%s makes no dots in what is clear, and files that are not much larger than they must be',
    async (model) => {
      const svg = (side: number): Buffer =>
        Buffer.from(
          `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}" viewBox="0 0 24 24" fill="none" stroke="#123" stroke-width="2"><circle cx="12" cy="12" r="8"/><path d="M4 20L20 4"/></svg>`,
        );
      const { data } = await upscaler.upscale(await sharp(svg(24)).png().toBuffer(), { model });
      const small = await decodePixels(await sharp(svg(24)).png().toBuffer());
      const pixels = await decodePixels(data);
      for (let y = 0; y < 48; y++) {
        for (let x = 0; x < 48; x++) {
          // What is clear in the source is clear in all four of its pixels: the mean says so.
          if (small.at(x >> 1, y >> 1)[3] === 0) expect(pixels.at(x, y)[3]).toBe(0);
        }
      }
      const onWhite = (side: number): Promise<Buffer> =>
        sharp(svg(side)).flatten({ background: 'white' }).png().toBuffer();
      const opaque = await upscaler.upscale(await onWhite(24), { model });
      expect(opaque.data.length).toBeLessThan(2.6 * (await onWhite(48)).length);
    },
  );
});
