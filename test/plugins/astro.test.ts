import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import upres, { type UpresAstroOptions } from 'upres/astro';
import { enlarge } from 'upres/astro/enlarge';
import type { ImageConfig, LocalPicture, LocalService, Transform } from '#upres/plugins/astro/astro.js';
import { enlarging } from '#upres/plugins/astro/enlarging.js';
import { enlargementFor } from '#upres/plugins/astro/factor.js';
import { temporaryFolder } from '../support/folders.js';

const cache = join(temporaryFolder(), 'cache');
const configOf = (options: UpresAstroOptions = {}): ImageConfig => ({ service: upres({ cache, ...options }) });

/** What Astro's sharp service does, as far as it matters: candidates by widths and densities, and nothing is enlarged. */
const astros = {
  propertiesToHash: ['src', 'width', 'height', 'format'],
  validateOptions: (options) => ({ ...options, format: options.format ?? 'webp' }),
  getSrcSet({ widths, densities, ...options }) {
    const src = options.src as LocalPicture;
    const width = options.width ?? src.width;
    const all = densities
      ? densities.map((density) => [width * Number(density), `${density}x`] as const)
      : (widths ?? []).filter((each) => each <= src.width).map((each) => [each, `${each}w`] as const);
    return all.map(([each, descriptor]) => {
      const height = Math.round((each * (options.height ?? src.height)) / width);
      return { transform: { ...options, width: each, height }, descriptor };
    });
  },
  getHTMLAttributes: ({ width, height, upres: mark }) => ({ width, height, ...(mark === undefined ? {} : { mark }) }),
  getURL: () => '/_image',
  async transform(input, { width, height, format }) {
    const size = { ...(width && { width }), ...(height && { height }), withoutEnlargement: true };
    const { data, info } = await sharp(input)
      .resize(size)
      .toFormat(format as 'webp')
      .toBuffer({ resolveWithObject: true });
    return { data, format: info.format };
  },
} satisfies LocalService & { getURL: () => string };

const serviceIn = (isOnDemand: boolean, enlargeBy = enlarge): Required<LocalService> & typeof astros =>
  enlarging(astros, { isOnDemand: () => isOnDemand, enlarge: enlargeBy });

const src: LocalPicture = { src: '/_astro/photo.ab12.png', width: 12, height: 8, format: 'png' };
const wide: LocalPicture = { ...src, width: 2000, height: 1000 };

describe('the factor', () => {
  it.for<[string, Pick<Transform, 'width' | 'height' | 'fit'>, number]>([
    ['what is smaller', { width: 80 }, 1],
    ['the same size', { width: 120, height: 80 }, 1],
    ['a width', { width: 240 }, 2],
    ['a height', { height: 200 }, 3],
    ['between two steps, the upper', { width: 150 }, 2],
    ['a height that was rounded', { width: 240, height: 160.4 }, 2],
    ['nothing at all', {}, 1],
    ['a square that is covered', { width: 120, height: 120 }, 2],
    ['a square that it fits into', { width: 120, height: 120, fit: 'contain' }, 1],
    ['another that it fits into', { width: 240, height: 900, fit: 'inside' }, 2],
    ['a square that is filled', { width: 120, height: 240, fit: 'fill' }, 3],
    ['more than there is', { width: 120_000 }, 8],
  ])('of %s', ([, wanted, factor]) => {
    expect(enlargementFor(wanted, { width: 120, height: 80 })).toBe(factor);
  });
});

describe('candidates', () => {
  const descriptors = async (options: Partial<Transform>, settings: UpresAstroOptions = {}): Promise<string[]> => {
    const candidates = await serviceIn(false).getSrcSet({ src, ...options }, configOf(settings));
    return candidates.map(({ descriptor, transform }) => `${descriptor!}${transform.upres === undefined ? '' : '+'}`);
  };

  it.for<[string, Partial<Transform>, UpresAstroOptions, string[]]>([
    ['where nothing is said', {}, {}, ['2x+']],
    ['of the option', {}, { densities: [1, 2, 3] }, ['2x+', '3x+']],
    ['of none', {}, { densities: false }, []],
    ['of the author, densities', { densities: [1, 1.5] }, {}, ['1x', '1.5x+']],
    ['of the author, widths', { widths: [6, 12, 24] }, {}, ['6w', '12w', '24w+']],
    ['of a wide source', { src: wide }, {}, []],
    ['of a wide source that is shown small', { src: wide, width: 800, height: 400 }, {}, ['2x']],
    ['of a layout', { widths: [12], 'data-astro-image': 'constrained' }, {}, ['12w', '24w+']],
    [
      'of a layout with a width',
      { width: 10, widths: [10, 12], 'data-astro-image': 'fixed' },
      {},
      ['10w', '12w', '20w+'],
    ],
    ['of an SVG', { src: { ...src, format: 'svg' } }, {}, []],
  ])('%s', async ([, options, settings, expected]) => {
    expect(await descriptors(options, settings)).toEqual(expected);
  });

  it('name the picture that Astro gave, not one of another width', async () => {
    const [candidate] = await serviceIn(false).getSrcSet({ src, widths: [24] }, configOf());
    expect(candidate!.transform).toMatchObject({ src, width: 24, height: 16 });
  });
});

describe('what Astro keeps results by', () => {
  const mark = async (options: UpresAstroOptions, width = 24): Promise<unknown> =>
    (await serviceIn(false).validateOptions({ src, width, height: width / 1.5 }, configOf(options))).upres;

  it('changes with the network, and only where something is enlarged', async () => {
    expect(serviceIn(false).propertiesToHash).toContain('upres');
    expect(await mark({ model: 'art' })).toBe(await mark({ model: 'art', threads: 1 }));
    expect(await mark({ model: 'art' })).not.toBe(await mark({ model: 'natural' }));
    expect(await mark({}, 12)).toBeUndefined();
  });

  it('is no attribute', async () => {
    const config = configOf();
    const valid = await serviceIn(false).validateOptions({ src, width: 24, height: 16 }, config);
    expect(valid.upres).toBeTypeOf('string');
    expect(await serviceIn(false).getHTMLAttributes(valid, config)).toEqual({ width: 24, height: 16 });
  });
});

describe('pictures', () => {
  let photo: Buffer;
  beforeAll(async () => {
    photo = await sharp('examples/images/coffee.jpg').resize(12, 8).png().toBuffer();
  });
  const make = async (
    input: Uint8Array,
    wanted: Pick<Transform, 'width' | 'height' | 'format'>,
    options: UpresAstroOptions = {},
    onDemand = false,
  ) => {
    const transform = { format: 'png', ...wanted, src: src.src };
    const { data, format } = await serviceIn(onDemand).transform(input, transform, configOf(options));
    const { width, height, pages } = await sharp(data).metadata();
    return { size: `${width}x${height}`, format, data, pages };
  };

  it.for<[string, Pick<Transform, 'width' | 'height' | 'format'>, string]>([
    ['a smaller one', { width: 6 }, '6x4'],
    ['a larger one', { width: 24 }, '24x16'],
    ['one between the factors', { width: 30 }, '30x20'],
    ['another format', { width: 36, format: 'webp' }, '36x24'],
    ['one that is cut', { width: 20, height: 20 }, '20x20'],
  ])('%s', async ([, wanted, size]) => {
    expect((await make(photo, wanted)).size).toBe(size);
  });

  it('are those of a network, not of a resize', async () => {
    const { data } = await make(photo, { width: 24 }, { model: 'natural' });
    const plain = await make(photo, { width: 24 }, { model: 'bicubic' });
    expect(Buffer.from(data).equals(plain.data)).toBe(false);
  });

  it('stay animations', async () => {
    const frames = [0, 1].map((frame) =>
      sharp({ create: { width: 12, height: 8, channels: 3, background: { r: 200 * frame, g: 9, b: 9 } } })
        .png()
        .toBuffer(),
    );
    const gif = await sharp(await Promise.all(frames), { join: { animated: true } })
      .gif()
      .toBuffer();
    const large = await enlarge(gif, { src: '/a.gif', width: 24 }, upres({ cache }).config);
    expect(await sharp(large, { pages: -1 }).metadata()).toMatchObject({ pages: 2, width: 24, pageHeight: 16 });
  });

  it('of formats without pixels are left to Astro', async () => {
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"></svg>');
    expect(await enlarge(svg, { src: '/a.svg', width: 40 }, upres({ cache }).config)).toBe(svg);
  });

  it('that are damaged fail with their name, or are what onError says', async () => {
    const broken = photo.subarray(0, photo.length - 60);
    await expect(make(broken, { width: 24 })).rejects.toMatchObject({ code: 'INPUT_CORRUPT', file: src.src });
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    const original = await enlarge(broken, { src: src.src, width: 24 }, upres({ cache, onError: 'original' }).config);
    expect(Buffer.from(original).equals(broken)).toBe(true);
    expect(warn).toHaveBeenCalledWith(expect.stringContaining(src.src));
    warn.mockRestore();
  });

  it('are not enlarged by a server that renders on demand, unless it may', async () => {
    expect((await make(photo, { width: 24 }, {}, true)).size).toBe('12x8');
    expect(await serviceIn(true).getSrcSet({ src }, configOf())).toEqual([]);
    expect((await make(photo, { width: 24 }, { onDemand: true }, true)).size).toBe('24x16');
  });
});

describe('options', () => {
  it.for<[Record<string, unknown>, string]>([
    [{ modle: 'art' }, 'model'],
    [{ model: 'artt' }, 'art'],
    [{ quality: 80 }, 'components'],
    [{ densities: [9] }, 'densities'],
    [{ maxWidth: 0 }, 'maxWidth'],
    [{ cache: { remote: 'https://team/', key: 'x' } }, 'UPRES_REMOTE_CACHE_KEY'],
  ])('%j is refused', ([options, words]) => {
    expect(() => upres(options as UpresAstroOptions)).toThrow(words);
  });

  it('change the names of pictures with what is said of the numbers of a network of your own', () => {
    const nameWith = (own: NonNullable<UpresAstroOptions['models']>[string]): unknown =>
      upres({ models: { own } }).config.identity;
    const plain = nameWith('own.onnx');
    const described = [nameWith({ file: 'own.onnx', range: [0, 255] }), nameWith({ file: 'own.onnx', order: 'BGR' })];
    expect(new Set([plain, ...described]).size).toBe(3);
    expect(nameWith({ file: 'own.onnx' })).toBe(plain);
  });

  it('can be written as JSON, which Astro does', () => {
    const { config } = upres({ model: 'art', densities: [1, 3] });
    expect(JSON.parse(JSON.stringify(config))).toEqual(config);
  });
});
