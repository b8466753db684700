import { describe, expect, it } from 'vitest';
import { checkDirectives, type LooseDirectives } from '#src/asset/directives.js';
import type { AssetOptions, DefaultRule } from '#src/asset/options.js';
import { matches, resolveDirectives, type ResolvedDirectives } from '#src/asset/resolve.js';

const resolve = (own: LooseDirectives, options: AssetOptions = {}, file = '/site/images/a.png'): ResolvedDirectives =>
  resolveDirectives(file, checkDirectives(own), options, '/site');

describe('what an asset becomes without any option', () => {
  it('is twice as large, by the network that suits it, in its own format, as a URL, or the build fails', () => {
    expect(resolve({})).toEqual({
      upscale: [2],
      width: undefined,
      minWidth: undefined,
      model: 'auto',
      formats: [],
      encodings: [{}, undefined, {}],
      mustBeLossless: false,
      animation: undefined,
      as: 'url',
      onError: 'fail',
      maxOutputPixels: undefined,
    });
  });

  it('is one file for a width, and none but that for a least width', () => {
    expect(resolve({ width: 800 })).toMatchObject({ upscale: [1], width: 800 });
    expect(resolve({ minWidth: 800 })).toMatchObject({ upscale: [], minWidth: 800 });
  });
});

describe('who is heard first', () => {
  const options: AssetOptions = {
    presets: { p: { upscale: 4, model: 'bicubic', format: 'webp', quality: 40 } },
    defaults: [
      { include: 'images/**', model: 'art', quality: 50, onError: 'original' },
      { upscale: 3, model: 'natural', format: 'avif', maxOutputPixels: 1000 },
    ],
    model: 'natural',
    quality: 60,
    onError: 'resize',
    maxOutputPixels: 2000,
  };

  it('the asset itself', () => {
    const own = { upscale: 1.5, model: 'natural', format: 'png', quality: 30, preset: 'p' };
    expect(resolve(own, options)).toMatchObject({
      upscale: [1.5],
      model: 'natural',
      formats: ['png'],
    });
    expect(resolve(own, options).encodings.map((option) => option?.quality)).toEqual([30, 40, 50, undefined, 60]);
  });

  it('what a preset asks for is asked for, unless the asset says how good it shall be', () => {
    const presets = { exact: 'lossless&animation=keep' };
    const exact = { mustBeLossless: true, animation: 'keep' };
    expect(resolve({ preset: 'exact' }, { presets })).toMatchObject(exact);
    expect(resolve({ preset: 'exact', quality: 80 }, { presets }).mustBeLossless).toBe(false);
    expect(resolve({ preset: 'exact', lossless: false }, { presets }).mustBeLossless).toBe(false);
    const ruled = { lossless: true, defaults: { animation: 'first-frame' } } as const;
    expect(resolve({}, ruled)).toMatchObject({ mustBeLossless: false, animation: 'first-frame' });
  });

  it('then its preset', () => {
    expect(resolve({ preset: 'p' }, options)).toMatchObject({ upscale: [4], model: 'bicubic', formats: ['webp'] });
  });

  it('then rules in their order, field by field', () => {
    expect(resolve({}, options)).toMatchObject({
      upscale: [3],
      model: 'art',
      formats: ['avif'],
      onError: 'original',
      maxOutputPixels: 1000,
    });
  });

  it('then the options', () => {
    expect(resolve({}, { model: 'art', onError: 'resize', maxOutputPixels: 5, quality: 9 })).toMatchObject({
      model: 'art',
      onError: 'resize',
      maxOutputPixels: 5,
    });
  });

  it('whoever names one size settles them all', () => {
    const rules: AssetOptions = { defaults: [{ upscale: 3 }, { minWidth: 900 }], presets: { w: { width: 50 } } };
    expect(resolve({}, rules)).toMatchObject({ upscale: [3], minWidth: undefined });
    expect(resolve({ preset: 'w' }, rules)).toMatchObject({ upscale: [1], width: 50, minWidth: undefined });
    expect(resolve({ minWidth: 700, preset: 'w' }, rules)).toMatchObject({
      upscale: [],
      width: undefined,
      minWidth: 700,
    });
    expect(resolve({ upscale: 2, preset: 'w' }, rules)).toMatchObject({ upscale: [2], width: undefined });
    expect(resolve({}, { defaults: [{ minWidth: 900 }, { upscale: 3 }] })).toMatchObject({
      upscale: [],
      minWidth: 900,
    });
  });
});

describe('what is refused', () => {
  it('one URL for several files, with the way out, and the file named', () => {
    const error = expect.objectContaining({ code: 'BAD_ARGUMENT', file: '/site/images/a.png' }) as Error;
    expect(() => resolve({ upscale: [1, 2] })).toThrow(error);
    expect(() => resolve({ upscale: [1, 2] })).toThrow('several factors need as=srcset');
    expect(() => resolve({ format: ['png', 'webp'], as: 'img' })).toThrow('several formats need as=picture');
  });

  it('a model that is not registered', () => {
    expect(() => resolve({ model: '../secret.onnx' })).toThrow('there is no model "../secret.onnx"');
    expect(() => resolve({ model: 'constructor' })).toThrow('there is no model "constructor"');
    expect(resolve({ model: 'mine' }, { models: { mine: './x.onnx' } }).model).toBe('mine');
  });
});

describe('which files a rule is for', () => {
  it.each<[DefaultRule, boolean]>([
    [{}, true],
    [{ include: 'images/**' }, true],
    [{ include: '**/*.png' }, true],
    [{ include: ['*.jpg', 'images/*.png'] }, true],
    [{ include: '*.png' }, false],
    [{ include: '**/*.{jpg,webp}' }, false],
    [{ exclude: 'images/a.*' }, false],
    [{ include: 'images/**', exclude: '**/a.png' }, false],
  ])('%j: %s', (rule, expected) => {
    expect(matches(rule, '/site/images/a.png', '/site')).toBe(expected);
  });

  it('is told by the path from the root', () => {
    expect(matches({ include: 'site/**' }, '/site/images/a.png', '/site')).toBe(false);
    expect(matches({ include: '../shared/**' }, '/shared/a.png', '/site')).toBe(true);
    expect(matches({ include: 'shared/**' }, '/shared/a.png', '/site')).toBe(false);
  });

  it('may be everywhere, also outside of the root', () => {
    expect(matches({ include: '**/*.png' }, '/shared/a.png', '/site')).toBe(true);
    expect(matches({ exclude: '**' }, '/shared/a.png', '/site')).toBe(false);
  });
});
