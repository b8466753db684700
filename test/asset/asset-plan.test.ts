import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { planAsset, type AssetPlan } from '#src/asset/asset-plan.js';
import { checkDirectives, parseQuery, printQuery, type LooseDirectives } from '#src/asset/directives.js';
import type { AssetOptions } from '#src/asset/options.js';
import { resolveDirectives } from '#src/asset/resolve.js';
import { SourceFacts } from '#src/asset/source-facts.js';
import { codeOf } from '../support/errors.js';
import { makeSite } from './support/site.js';

const site = makeSite();
const outputs = { has: () => Promise.resolve(false) };
const facts = new SourceFacts(undefined);

function plan(file: string, own: LooseDirectives = {}, options: AssetOptions = {}): Promise<AssetPlan> {
  const path = site.path(file);
  const resolved = resolveDirectives(path, checkDirectives(own), options, site.root);
  return planAsset(path, path, resolved, outputs, facts);
}

const sizes = ({ variants }: AssetPlan): string[] =>
  variants.map(({ name, width, height, density }) => `${name} ${width}×${height} ${density}x`);

beforeAll(async () => {
  await site.picture('photo.jpg', 30, 20);
  await site.picture('logo.png', 10, 7);
  await site.picture('icon@2x.png', 20, 20);
  await site.picture('tiny@30x.png', 10, 10);
  await site.picture('made/logo.png', 10, 8);
  await site.picture('made/logo@2x.png', 21, 17);
  await site.picture('made/icon@1x.png', 4, 4);
  await site.picture('made/icon@2x.png', 8, 8);
  for (const name of ['both.png', 'only.png']) await site.picture(`made/${name}`, 10, 8);
  for (const name of ['both@2x.png', 'both@2x.webp', 'only@2x.webp']) await site.picture(`made/${name}`, 20, 16);
});

describe('sizes and names', () => {
  it('factors keep the layout of the source', async () => {
    const made = await plan('logo.png', { upscale: [1, 1.5, 3], as: 'srcset' });
    expect(sizes(made)).toEqual(['logo.png 10×7 1x', 'logo@1.5x.png 15×11 1.5x', 'logo@3x.png 30×21 3x']);
    expect(made.layout).toEqual({ width: 10, height: 7 });
  });

  it('a width is a layout of that width, and factors are its densities', async () => {
    const made = await plan('photo.jpg', { width: 45, upscale: [1, 2], as: 'img' });
    expect(sizes(made)).toEqual(['photo-45w.jpg 45×30 1x', 'photo-90w.jpg 90×60 2x']);
    expect(made.layout).toEqual({ width: 45, height: 30 });
  });

  it('a least width enlarges only what is smaller, and keeps the layout', async () => {
    const enough = await plan('photo.jpg', { minWidth: 30 });
    expect(sizes(enough)).toEqual(['photo-30w.jpg 30×20 1x']);
    expect(enough.variants[0]!.verbatim).toBe(true);
    const small = await plan('photo.jpg', { minWidth: 60 });
    expect(sizes(small)).toEqual(['photo-60w.jpg 60×40 2x']);
    expect(small.variants[0]!.verbatim).toBe(false);
    expect(small.layout).toEqual({ width: 30, height: 20 });
  });

  it('a source of density 2 is shown at half its size', async () => {
    const made = await plan('icon@2x.png', { upscale: [1, 2], as: 'srcset' });
    expect(sizes(made)).toEqual(['icon@2x.png 20×20 2x', 'icon@4x.png 40×40 4x']);
    expect(made.layout).toEqual({ width: 10, height: 10 });
  });

  it('a layout has at least one pixel', async () => {
    expect((await plan('tiny@30x.png')).layout).toEqual({ width: 1, height: 1 });
  });

  it('formats come in the order in which they were asked for', async () => {
    const made = await plan('logo.png', { upscale: [1, 2], format: ['webp', 'png'], as: 'picture' });
    expect(sizes(made).map((text) => text.split(' ')[0])).toEqual([
      'logo.webp',
      'logo@2x.webp',
      'logo.png',
      'logo@2x.png',
    ]);
    expect(made.variants.map(({ verbatim }) => verbatim)).toEqual([false, false, true, false]);
  });

  it('quality is that of each format', async () => {
    const own: LooseDirectives = { format: ['avif', 'webp', 'png'], as: 'picture' };
    const made = await plan('logo.png', own, { quality: { webp: 70 } });
    expect(made.variants.map(({ encoding }) => encoding.quality)).toEqual([undefined, 70, undefined]);
  });

  it('lossless is asked for where a format has the choice, and refused where it can’t be', async () => {
    const own: LooseDirectives = { format: ['avif', 'webp', 'png'], lossless: true, as: 'picture' };
    const made = await plan('logo.png', own, { quality: { webp: 70 } });
    expect(made.variants.map(({ encoding }) => encoding)).toEqual([{ lossless: true }, { lossless: true }, {}]);
    await expect(plan('photo.jpg', { lossless: true })).rejects.toThrow('lossless: a JPEG can’t keep every pixel');
    // Said for all files, it is for those that have the choice.
    expect((await plan('photo.jpg', {}, { lossless: true })).variants[0]!.encoding).toEqual({});
  });

  it('each variant has directives that ask for it alone', async () => {
    const made = await plan('logo.png', { upscale: [1, 2], format: ['webp', 'png'], model: 'art', as: 'picture' });
    for (const variant of made.variants) {
      const [alone] = (await plan('logo.png', parseQuery(printQuery(variant.directives)))).variants;
      expect(alone).toEqual({ ...variant, alone: variant.alone === undefined ? undefined : true });
    }
  });
});

describe('pictures that were made by hand', () => {
  it('win over computed ones, at the size that they have', async () => {
    const made = await plan('made/logo.png', { upscale: [1, 2, 3], as: 'srcset' });
    expect(sizes(made)).toEqual(['logo.png 10×8 1x', 'logo@2x.png 21×17 2x', 'logo@3x.png 30×24 3x']);
    expect(made.variants.map(({ isOverride, verbatim }) => [isOverride, verbatim])).toEqual([
      [false, true],
      [true, true],
      [false, false],
    ]);
    expect(made.variants[1]!.source).toBe(site.path('made/logo@2x.png'));
  });

  it('those that are not there are listed, so that a caller can wait for them', async () => {
    const own: LooseDirectives = { upscale: [1, 2, 3], format: ['webp', 'png'], as: 'picture' };
    const missing = ['logo@2x.webp', 'logo@3x.webp', 'logo@3x.png'].map((name) => site.path(`made/${name}`));
    expect((await plan('made/logo.png', own)).missing).toEqual(missing);
    expect((await plan('logo.png', { minWidth: 99 })).missing).toEqual([]);
    expect((await plan('logo.png', { width: 99 })).missing).toEqual([]);
  });

  it('are converted where another format is asked for', async () => {
    const [variant] = (await plan('made/logo.png', { format: 'webp' })).variants;
    expect(variant).toMatchObject({ isOverride: true, verbatim: false, target: { upscale: 1 }, name: 'logo@2x.webp' });
  });

  it('are taken in the very format that is asked for, where there is one', async () => {
    const made = await plan('made/both.png', { format: ['webp', 'png', 'avif'], as: 'picture' });
    const taken = made.variants.map(({ source, verbatim }) => [source, verbatim]);
    const [webp, png] = [site.path('made/both@2x.webp'), site.path('made/both@2x.png')];
    expect(taken).toEqual([
      [webp, true],
      [png, true],
      [png, false],
    ]);
    // Of another format than the source's, none is asked for.
    expect((await plan('made/only.png')).variants[0]).toMatchObject({ isOverride: false });
  });

  it('are found next to a source that names its density 1', async () => {
    const [variant] = (await plan('made/icon@1x.png', { upscale: 2 })).variants;
    expect(variant).toMatchObject({ isOverride: true, source: site.path('made/icon@2x.png') });
  });
});

describe('what is no image', () => {
  it('is refused by its bytes, whatever its name', async () => {
    site.file('text.png', 'no picture');
    site.file('drawing.png', '<svg xmlns="http://www.w3.org/2000/svg"/>');
    site.file('empty.png', '');
    expect(await codeOf(plan('text.png'))).toBe('UNSUPPORTED_FORMAT');
    expect(await codeOf(plan('drawing.png'))).toBe('UNSUPPORTED_FORMAT');
    expect(await codeOf(plan('empty.png'))).toBe('INPUT_EMPTY');
  });

  it('takes the format from the bytes, and keeps the name that pages ask for', async () => {
    site.file('really-a.png', await readFile(site.path('photo.jpg')));
    const one = await plan('really-a.png', { upscale: [1] });
    expect(one.variants[0]).toMatchObject({ format: 'jpeg', name: 'really-a.png', verbatim: true });
    // What imports it in its turn must not name the format, or the name would follow.
    const [two] = (await plan('really-a.png')).variants;
    expect(two).toMatchObject({ format: 'jpeg', name: 'really-a@2x.png' });
    expect(two!.directives.format).toBeUndefined();
    const [asked] = (await plan('really-a.png', { format: ['jpeg'] })).variants;
    expect(asked).toMatchObject({ format: 'jpeg', name: 'really-a@2x.jpg', directives: { format: ['jpeg'] } });
    site.file('no-extension', await readFile(site.path('photo.jpg')));
    expect((await plan('no-extension')).variants[0]).toMatchObject({ name: 'no-extension@2x.jpg' });
  });

  it.each(['a.jfif', 'a.jpe', 'a.JPG', 'a.JPeG'])('%s keeps its extension as it is spelled', async (name) => {
    site.file(name, await readFile(site.path('photo.jpg')));
    const extension = name.slice(1);
    expect((await plan(name)).variants[0]).toMatchObject({ format: 'jpeg', name: `a@2x${extension}` });
    expect((await plan(name, { format: ['jpeg'] })).variants[0]).toMatchObject({ name: `a@2x${extension}` });
    expect((await plan(name, { format: ['webp'] })).variants[0]).toMatchObject({ name: 'a@2x.webp' });
  });
});
