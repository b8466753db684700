import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { builtinLabels } from '#src/model/catalogue/registry.js';
import type { QualityCase } from '../../bench/quality-case.js';
import { pngOf, readPixels, readRgba, type RgbaImage } from '../../bench/quality-data.js';
import { closeness } from '../../bench/quality-measure.js';
import { gmsd, lumaOf, psnr, psnrOf, ssim, type LumaPlane } from '../../bench/quality-metrics.js';
import { areaAverage } from '../../bench/quality-photographs.js';
import { inCells, sprite } from '../../bench/quality-pixel-art.js';
import { useUpscaler } from './upscaler.js';

const { upscaler } = useUpscaler();

const samples = fileURLToPath(new URL('../../examples/images/', import.meta.url));

type Pair = Pick<QualityCase, 'file' | 'truth' | 'compare'>;
type Store = (pipeline: Sharp) => Sharp;

const png: Store = (pipeline) => pipeline.png();
const jpeg =
  (quality: number): Store =>
  (pipeline) =>
    pipeline.jpeg({ quality });
const webp: Store = (pipeline) => pipeline.webp({ quality: 80 });

/** Pixels along a side of the pictures that small ones are made from. */
const side = 144;

/** A sample picture, reduced by a kernel of sharp's or by the mean of cells, and stored. */
const reduced =
  (name: string, by: 'cubic' | 'lanczos3' | 'mitchell' | 'area', store: Store = png) =>
  async (scale: number): Promise<Pair> => {
    const whole = await sharp(join(samples, name))
      .flatten({ background: 'white' })
      .resize(side, side, { fit: 'cover', withoutReduction: true })
      .png()
      .toBuffer();
    const large = await readPixels(whole);
    const small =
      by === 'area'
        ? sharp(await pngOf(areaAverage(large, scale)))
        : sharp(whole).resize(side / scale, side / scale, { kernel: by });
    return { file: await store(small).toBuffer(), truth: await readRgba(whole), compare: 'luma' };
  };

/** SVG at 1× and at the scale; with alpha where it has a transparent ground. */
const drawn =
  (body: string, { width, height, store = png }: { width: number; height: number; store?: Store }) =>
  async (scale: number): Promise<Pair> => {
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${body}</svg>`;
    const at = (density: number): Sharp => sharp(Buffer.from(svg), { density: 72 * density });
    return {
      file: await store(at(1)).toBuffer(),
      truth: await readRgba(await at(scale).png().toBuffer()),
      compare: 'rgb',
    };
  };

const ground = '<rect width="100%" height="100%" fill="#fff"/>';
const stroke = 'fill="none" stroke="#222" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"';
const lines = `<g ${stroke}><path d="M3 11L12 3l9 8"/><path d="M5 10v10h14V10"/><path d="M10 20v-6h4v6"/><circle cx="12" cy="9" r="1.5"/></g>`;
const filled =
  '<path fill="#1a1a1a" fill-rule="evenodd" d="M10 1a9 9 0 1 0 0 18 9 9 0 0 0 0-18Zm0 4 1.6 3.4 3.7.5-2.7 2.6.7 3.7-3.3-1.8-3.3 1.8.7-3.7L4.7 8.9l3.7-.5Z"/>';
const logo =
  '<rect x="2" y="2" width="28" height="28" rx="8" fill="#4338ca"/><path d="M9 22V10l7 8 7-8v12" fill="none" stroke="#fff" stroke-width="3"/>';
const flag =
  '<rect width="48" height="32" fill="#006aa7"/><path d="M0 16H48M18 0V32" stroke="#fecc02" stroke-width="6"/><path d="M30 2l6 10H24Z" fill="#d80027"/>';
const emoji =
  '<circle cx="16" cy="16" r="14" fill="#ffcc4d"/><g fill="#664500"><ellipse cx="11" cy="12" rx="2" ry="3"/><ellipse cx="21" cy="12" rx="2" ry="3"/><path d="M8 19q8 9 16 0-8 3-16 0Z"/></g>';
const chart =
  '<g stroke="#d5dbe3"><path d="M10 20.5H86M10 40.5H86M10 60.5H86"/></g><path d="M10 60L24 44L38 52L52 28L66 34L86 14" fill="none" stroke="#2563eb" stroke-width="2"/><g fill="#e08a1e"><rect x="14" y="66" width="9" height="12"/><rect x="44" y="70" width="9" height="8"/></g>';

/** Whole-pixel cells: the truth repeats each pixel. */
const repeated =
  (small: RgbaImage) =>
  async (scale: number): Promise<Pair> => ({ file: await pngOf(small), truth: inCells(small, scale), compare: 'rgb' });

/** A picture of every row of the table of docs/quality.md, small enough to be measured each time. */
const pictures = {
  'a photograph, bicubic': reduced('astronaut.png', 'cubic'),
  'a photograph, lanczos3': reduced('astronaut.png', 'lanczos3'),
  'a photograph, mitchell': reduced('astronaut.png', 'mitchell'),
  'a photograph, area': reduced('astronaut.png', 'area'),
  'a photograph, JPEG 92': reduced('astronaut.png', 'area', jpeg(92)),
  'a photograph, JPEG 80': reduced('astronaut.png', 'area', jpeg(80)),
  'a photograph, JPEG 60': reduced('astronaut.png', 'area', jpeg(60)),
  'a photograph, WebP 80': reduced('astronaut.png', 'area', webp),
  'clip art, lanczos3': reduced('clipart-sailing.png', 'lanczos3'),
  'clip art, area': reduced('clipart-icon.png', 'area'),
  'clip art, JPEG 80': reduced('clipart-sailing.png', 'lanczos3', jpeg(80)),
  'clip art, JPEG 60': reduced('clipart-sailing.png', 'lanczos3', jpeg(60)),
  'clip art, JPEG 40': reduced('clipart-sailing.png', 'lanczos3', jpeg(40)),
  'an icon, JPEG 30': reduced('clipart-icon.png', 'lanczos3', jpeg(30)),
  'a line icon, opaque': drawn(ground + lines, { width: 24, height: 24 }),
  'a line icon with alpha': drawn(lines, { width: 24, height: 24 }),
  'a filled icon, opaque': drawn(ground + filled, { width: 20, height: 20 }),
  'a filled icon with alpha': drawn(filled, { width: 20, height: 20 }),
  'a logo with alpha': drawn(logo, { width: 32, height: 32 }),
  'a flag': drawn(flag, { width: 48, height: 32 }),
  'an emoji with alpha': drawn(emoji, { width: 32, height: 32 }),
  'a chart': drawn(ground + chart, { width: 96, height: 80 }),
  'a chart, JPEG 85': drawn(ground + chart, { width: 96, height: 80, store: jpeg(85) }),
  'pixel art': repeated(sprite(1, 16)),
} as const satisfies Record<string, (scale: number) => Promise<Pair>>;

interface Floor {
  readonly label: string;
  readonly scale: number;
  readonly picture: keyof typeof pictures;
  /** dB above centred bicubic. */
  readonly above: number;
}

/**
 * About two thirds of what each reaches. `real` redraws more than it keeps: it is measured on what it is made for, a badly
 * damaged picture.
 */
const floors: readonly Floor[] = [
  { label: 'natural', scale: 2, picture: 'a photograph, bicubic', above: 2.1 },
  { label: 'natural', scale: 2, picture: 'a photograph, lanczos3', above: 1.9 },
  { label: 'natural', scale: 2, picture: 'a photograph, mitchell', above: 1.8 },
  { label: 'natural', scale: 2, picture: 'a photograph, area', above: 1.7 },
  { label: 'natural', scale: 3, picture: 'a photograph, lanczos3', above: 0.9 },
  { label: 'natural', scale: 3, picture: 'a photograph, area', above: 0.8 },
  { label: 'natural', scale: 4, picture: 'a photograph, lanczos3', above: 0.8 },
  { label: 'natural', scale: 4, picture: 'a photograph, area', above: 0.5 },
  { label: 'natural-jpeg', scale: 2, picture: 'a photograph, JPEG 92', above: 1.4 },
  { label: 'natural-jpeg', scale: 2, picture: 'a photograph, JPEG 80', above: 1.1 },
  { label: 'natural-jpeg', scale: 2, picture: 'a photograph, JPEG 60', above: 0.6 },
  { label: 'natural-jpeg', scale: 2, picture: 'a photograph, WebP 80', above: 1.3 },
  { label: 'art', scale: 2, picture: 'clip art, lanczos3', above: 2.7 },
  { label: 'art', scale: 2, picture: 'clip art, area', above: 5 },
  { label: 'art', scale: 2, picture: 'a line icon, opaque', above: 7.1 },
  { label: 'art', scale: 2, picture: 'a line icon with alpha', above: 8 },
  { label: 'art', scale: 2, picture: 'a filled icon, opaque', above: 9.8 },
  { label: 'art', scale: 2, picture: 'a filled icon with alpha', above: 9.9 },
  { label: 'art', scale: 2, picture: 'a logo with alpha', above: 9.5 },
  { label: 'art', scale: 2, picture: 'a flag', above: 4.8 },
  { label: 'art', scale: 2, picture: 'an emoji with alpha', above: 7.5 },
  { label: 'art', scale: 2, picture: 'a chart', above: 7.6 },
  { label: 'art-jpeg', scale: 2, picture: 'a chart, JPEG 85', above: 2.9 },
  { label: 'art-jpeg', scale: 2, picture: 'clip art, JPEG 80', above: 2.5 },
  { label: 'auto', scale: 2, picture: 'a photograph, area', above: 1.7 },
  { label: 'auto', scale: 2, picture: 'a photograph, JPEG 80', above: 1.1 },
  { label: 'auto', scale: 2, picture: 'clip art, lanczos3', above: 3.7 },
  { label: 'auto', scale: 2, picture: 'a line icon, opaque', above: 7.1 },
  { label: 'auto', scale: 2, picture: 'a flag', above: 4.8 },
  { label: 'auto', scale: 2, picture: 'a chart', above: 7.6 },
  { label: 'auto', scale: 2, picture: 'a chart, JPEG 85', above: 1.9 },
  { label: 'auto', scale: 2, picture: 'pixel art', above: 7 },
  { label: 'anime', scale: 2, picture: 'clip art, lanczos3', above: 3.7 },
  { label: 'anime', scale: 2, picture: 'a line icon with alpha', above: 7.3 },
  { label: 'anime-noise0', scale: 2, picture: 'clip art, lanczos3', above: 3.4 },
  { label: 'anime-noise1', scale: 2, picture: 'clip art, JPEG 80', above: 2.8 },
  { label: 'anime-noise2', scale: 2, picture: 'clip art, JPEG 60', above: 2.3 },
  { label: 'anime-noise3', scale: 2, picture: 'clip art, JPEG 40', above: 2.2 },
  { label: 'real', scale: 4, picture: 'an icon, JPEG 30', above: 0.9 },
];

/** dB of what a model makes of a small picture. */
async function quality(model: string, scale: number, { file, truth, compare }: Pair): Promise<number> {
  const { data } = await upscaler.upscale(file, { upscale: scale, model, format: 'png' });
  return closeness(await readRgba(data), truth, scale, compare).psnr;
}

describe('what comes out is closer to the truth than bicubic interpolation', () => {
  const known = new Set(['auto', ...builtinLabels().map(({ label }) => label)]);

  for (const { label, scale, picture, above } of floors.filter(({ label }) => known.has(label))) {
    it(`${label} ×${scale} on ${picture}: by at least ${above} dB`, async () => {
      const pair = await pictures[picture](scale);
      expect((await quality(label, scale, pair)) - (await quality('bicubic', scale, pair))).toBeGreaterThan(above);
    });
  }

  it('has a floor for every network and scale, and for every picture', () => {
    const networks = builtinLabels().filter(({ kind }) => kind === 'network');
    for (const { label, scales } of networks) {
      const tested = floors.filter((floor) => floor.label === label).map(({ scale }) => scale);
      expect([...new Set(tested)].sort(), label).toEqual(scales);
    }
    expect(new Set(floors.map(({ picture }) => picture))).toEqual(new Set(Object.keys(pictures)));
  });

  it.each([2, 3, 4])('nearest ×%i draws pixel art exactly', async (scale) => {
    expect(await quality('nearest', scale, await pictures['pixel art'](scale))).toBe(Infinity);
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

  it('give pixels with one level of difference in a third of their values 52.90 dB, and equal ones infinitely many', () => {
    const pixels = Uint8Array.from({ length: 300 }, (_, at) => at % 200);
    const other = pixels.map((value, at) => (at % 3 === 0 ? value + 1 : value));
    expect(psnrOf(pixels, other)).toBeCloseTo(20 * Math.log10(255) + 10 * Math.log10(3), 10);
    expect(psnrOf(pixels, pixels)).toBe(Infinity);
  });

  it('know the deviation of gradients of a step that is gone from one half of a picture', () => {
    // A step of 219 levels of luma (255 of grey) between columns 11 and 12: Prewitt finds 255 in both of them. What isn't there
    // below row 10 has a similarity of c / (255² + c); zeros beyond the border are grey in both planes.
    const step = plane((x) => (x < 12 ? 16 : 235));
    expect(gmsd(step, step)).toBe(0);
    const flat = plane(() => 16);
    const half = plane((x, y) => (x < 12 || y >= 10 ? 16 : 235));
    expect(gmsd(step, half)).toBeGreaterThan(
      gmsd(
        step,
        plane((x) => (x < 12 ? 16 : 200)),
      ),
    );
    expect(gmsd(step, half)).toBeCloseTo(gmsd(half, step), 12);
    const dot = plane((x, y) => (x === 12 && y === 10 ? 235 : 16));
    // Of 480 pixels, the eight around the dot differ: four next to it with gradients of 85, four at its corners with 85·√2.
    const similarity = (squared: number): number => 170 / (squared + 170);
    const values = [
      ...Array<number>(472).fill(1),
      ...Array<number>(4).fill(similarity(85 ** 2)),
      ...Array<number>(4).fill(similarity(2 * 85 ** 2)),
    ];
    const mean = values.reduce((sum, value) => sum + value, 0) / 480;
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 479);
    expect(gmsd(flat, dot)).toBeCloseTo(deviation, 12);
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
