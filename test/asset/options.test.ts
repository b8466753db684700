import { describe, expect, it } from 'vitest';
import { checkAssetOptions, encodingFor, presetOf } from '#src/asset/options.js';

const refuse = (options: Record<string, unknown>, words: string): void => {
  expect(() => {
    checkAssetOptions(options);
  }).toThrow(
    expect.objectContaining({ code: 'BAD_ARGUMENT', message: expect.stringContaining(words) as string }) as Error,
  );
};

describe('options of the build tools', () => {
  it('may be left out, and may all be there', () => {
    checkAssetOptions({});
    checkAssetOptions({
      defaults: [
        { include: ['icons/**'], exclude: 'icons/raw/**', upscale: [1, 2, 3], model: 'mine', onError: 'original' },
        { minWidth: 1200, format: ['webp', 'png'], quality: { webp: 70 }, maxOutputPixels: 1e6 },
      ],
      presets: { hero: 'upscale=1;2&format=webp&as=img', thumb: { width: 100 }, '2x': '?model=art' },
      models: { mine: './mine.onnx' },
      model: 'mine',
      quality: { jpeg: 90, avif: 50 },
      onError: 'resize',
      maxOutputPixels: Infinity,
      cache: false,
      threads: 2,
      device: 'auto',
      report: 'reports/page.html',
    });
  });

  it.each<[Record<string, unknown>, string]>([
    [{ modle: 'art' }, 'there is no option "modle". Did you mean "model"?'],
    [{ model: 'arts' }, 'there is no model "arts". Did you mean "art"?'],
    [{ model: 'anime-video' }, '"anime-video" is in upres no more. Take "art" for drawings'],
    [{ model: './x.onnx' }, 'registered in the option "models"'],
    [{ models: { art: './x.onnx' } }, '"art" is the label of a built-in network'],
    [
      { models: { mine: 5 } },
      'models.mine must be a path, or { file, range, order, acceptApproximation, memoryBudget }, not 5',
    ],
    [{ onError: 'ignore' }, 'onError must be one of fail, original, resize, not "ignore"'],
    [{ quality: 101 }, 'quality must be a whole number from 1 to 100'],
    [{ quality: { png: 80 } }, 'there is no option "quality.png". Known are jpeg, webp, avif'],
    [{ defaults: { includes: '*' } }, 'there is no option "defaults.includes". Did you mean "include"?'],
    [{ defaults: [{ upscale: 2, minWidth: 9 }] }, 'minWidth stands alone'],
    [{ defaults: { format: 'jpq' } }, 'format must be one of'],
    [{ defaults: { model: 'nope' } }, 'there is no model "nope"'],
    [{ defaults: { maxOutputPixels: -1 } }, 'maxOutputPixels must be'],
    [{ presets: { hero: 'upscale=2&whdth=2' } }, 'Did you mean "width"?'],
    [{ presets: { a: 'preset=b', b: 'width=1' } }, 'the preset "a" names a preset'],
    [{ maxOutputPixels: 0 }, 'maxOutputPixels must be'],
    [{ threads: 0 }, 'threads must be'],
    [{ device: 'gpu' }, 'device must be one of auto, cpu, wasm, webgpu, cuda, dml, coreml, not "gpu"'],
    [{ device: 'webgpuu' }, 'Did you mean "webgpu"?'],
    [{ device: false }, 'not false'],
    [{ cache: '' }, 'cache must be a folder, false, or { remote }, not ""'],
    [{ cache: true }, 'cache must be a folder, false, or { remote }, not true'],
    [{ report: '' }, 'report must be true, false or a file'],
  ])('refuses %j', refuse);

  it('finds presets, and suggests one for a misspelt name', () => {
    const options = { presets: { hero: 'width=1200&as=img', thumb: { upscale: 2 } } };
    expect(presetOf(options, 'hero')).toEqual({ width: 1200, as: 'img' });
    expect(presetOf(options, 'thumb')).toEqual({ upscale: [2] });
    expect(() => presetOf(options, 'heros')).toThrow('there is no preset "heros". Did you mean "hero"?');
    expect(() => presetOf(options, 'toString')).toThrow('there is no preset "toString"');
  });
});

describe('the encoding', () => {
  it('is the first option that says something about the format', () => {
    const byFormat = [undefined, { quality: { jpeg: 50 } }, { quality: { webp: 70 } }, { quality: 90 }];
    expect(encodingFor('webp', ...byFormat)).toEqual({ quality: 70 });
    expect(encodingFor('jpeg', { quality: 10 }, { quality: 20 })).toEqual({ quality: 10 });
    expect(encodingFor('avif', { quality: { webp: 70 } })).toEqual({});
  });

  it('is none for formats without: no palette in place of a PNG', () => {
    expect(encodingFor('png', { quality: 80, lossless: true })).toEqual({});
    expect(encodingFor('gif', { quality: 80, lossless: true })).toEqual({});
  });

  it('is lossless where that is asked for before any quality', () => {
    expect(encodingFor('webp', {}, { lossless: true, quality: 70 })).toEqual({ lossless: true });
    expect(encodingFor('webp', { quality: 80 }, { lossless: true })).toEqual({ quality: 80 });
    expect(encodingFor('webp', { quality: { avif: 80 } }, { lossless: true })).toEqual({ lossless: true });
    expect(encodingFor('webp', { lossless: false }, { lossless: true, quality: 9 })).toEqual({
      lossless: false,
      quality: 9,
    });
    expect(encodingFor('jpeg', { lossless: true, quality: 70 })).toEqual({ quality: 70 });
  });
});
