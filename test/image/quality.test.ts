import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { builtinLabels } from '#src/model/catalogue/registry.js';
import { readPixels } from '../../bench/quality-data.js';
import { lumaOf, psnr, shave, ssim, type LumaPlane } from '../../bench/quality-metrics.js';
import { useUpscaler } from './upscaler.js';

const { upscaler } = useUpscaler();

const pictures = { photo: 'astronaut.png', drawing: 'clipart-sailing.png', icon: 'clipart-icon.png' } as const;
type Picture = keyof typeof pictures;

interface Floor {
  readonly label: string;
  readonly scale: number;
  readonly picture: Picture;
  /** How the small picture is stored: as JPEG of that quality, or losslessly. */
  readonly jpeg?: number;
  /** dB above centred bicubic. */
  readonly above: number;
}

/**
 * About two thirds of what each network reaches. `real` and the larger `anime-video` redraw more than they keep: they are
 * measured on what they are made for, badly damaged pictures, and may lose even there.
 */
const floors: readonly Floor[] = [
  { label: 'natural', scale: 2, picture: 'photo', above: 1.8 },
  { label: 'natural', scale: 3, picture: 'photo', above: 1 },
  { label: 'natural', scale: 4, picture: 'photo', above: 0.6 },
  { label: 'natural-jpeg', scale: 2, picture: 'photo', jpeg: 60, above: 0.4 },
  { label: 'art', scale: 2, picture: 'drawing', above: 2.5 },
  { label: 'art', scale: 2, picture: 'icon', above: 5 },
  { label: 'anime', scale: 2, picture: 'drawing', above: 3 },
  { label: 'anime-noise0', scale: 2, picture: 'drawing', above: 3 },
  { label: 'anime-noise1', scale: 2, picture: 'drawing', jpeg: 80, above: 0.4 },
  { label: 'anime-noise2', scale: 2, picture: 'drawing', jpeg: 60, above: 0.4 },
  { label: 'anime-noise3', scale: 2, picture: 'drawing', jpeg: 40, above: 0.4 },
  { label: 'anime-video', scale: 2, picture: 'drawing', jpeg: 40, above: 0.3 },
  { label: 'anime-video', scale: 3, picture: 'drawing', jpeg: 40, above: -0.6 },
  { label: 'anime-video', scale: 4, picture: 'drawing', jpeg: 40, above: -1.3 },
  { label: 'real', scale: 4, picture: 'icon', jpeg: 30, above: 0.8 },
];

/** dB of what a model makes of a picture reduced by `scale`. */
async function quality(model: string, { scale, picture, jpeg }: Omit<Floor, 'label' | 'above'>): Promise<number> {
  const file = fileURLToPath(new URL(`../../examples/images/${pictures[picture]}`, import.meta.url));
  const side = 144;
  const large = await sharp(file)
    .flatten({ background: 'white' })
    .resize(side, side, { fit: 'cover', withoutReduction: true })
    .png()
    .toBuffer();
  const reduced = sharp(large).resize(side / scale, side / scale, { kernel: 'lanczos3' });
  const small = await (jpeg === undefined ? reduced.png() : reduced.jpeg({ quality: jpeg })).toBuffer();
  const { data } = await upscaler.upscale(small, { upscale: scale, model, format: 'png' });
  return psnr(await luma(data, scale), await luma(large, scale));
}

async function luma(file: Uint8Array, border: number): Promise<LumaPlane> {
  const { data, width, height } = await readPixels(file);
  return shave(lumaOf(data, width, height), border);
}

describe('each built-in network comes closer to the original than bicubic interpolation', () => {
  const known = new Set(builtinLabels().map(({ label }) => label));

  for (const floor of floors.filter(({ label }) => known.has(label))) {
    const { label, scale, picture, jpeg, above } = floor;
    const stored = jpeg === undefined ? '' : `, JPEG of quality ${jpeg}`;
    it(`${label} ×${scale} on the ${picture}${stored}: by at least ${above} dB`, async () => {
      const gain = (await quality(label, floor)) - (await quality('bicubic', floor));
      expect(gain).toBeGreaterThan(above);
    });
  }

  it('has a floor for every network and scale', () => {
    const networks = builtinLabels().filter(({ kind }) => kind === 'network');
    for (const { label, scales } of networks) {
      const tested = floors.filter((floor) => floor.label === label).map(({ scale }) => scale);
      expect([...new Set(tested)].sort(), label).toEqual(scales);
    }
  });
});

describe('the metrics', () => {
  const plane = (value: (x: number, y: number) => number): LumaPlane => ({
    width: 24,
    height: 20,
    data: Float64Array.from({ length: 24 * 20 }, (_, at) => value(at % 24, Math.floor(at / 24))),
  });

  it('know black, white and the primaries of BT.601', () => {
    const { data } = lumaOf(Uint8Array.of(0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 255), 5, 1);
    expect([...data].map((value) => Number(value.toFixed(3)))).toEqual([16, 235, 81.481, 144.553, 40.966]);
  });

  it('give a difference of one level everywhere 48.13 dB', () => {
    expect(
      psnr(
        plane(() => 100),
        plane(() => 101),
      ),
    ).toBeCloseTo(20 * Math.log10(255), 10);
  });

  it('find equal planes equal, and noise unlike', () => {
    const picture = plane((x, y) => 120 + 40 * Math.sin(x / 2) + 30 * Math.cos(y / 3));
    const noisy = plane(
      (x, y) => 120 + 40 * Math.sin(x / 2) + 30 * Math.cos(y / 3) + (((x * 7 + y * 13) % 5) - 2) * 12,
    );
    expect(ssim(picture, picture)).toBeCloseTo(1, 12);
    expect(ssim(picture, noisy)).toBeLessThan(0.9);
    expect(ssim(picture, noisy)).toBeCloseTo(ssim(noisy, picture), 12);
  });

  it('compare flat planes by their means alone', () => {
    const c1 = (0.01 * 255) ** 2;
    const expected = (2 * 50 * 60 + c1) / (50 ** 2 + 60 ** 2 + c1);
    expect(
      ssim(
        plane(() => 50),
        plane(() => 60),
      ),
    ).toBeCloseTo(expected, 6);
  });
});
