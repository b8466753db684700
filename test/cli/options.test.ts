import { describe, expect, test } from 'vitest';
import { parseOptions, type RawOptions } from '#src/cli/options.js';

describe('without flags', () => {
  test('images are doubled and errors fail', () => {
    expect(parseOptions({})).toEqual({
      target: { upscale: 2 },
      formats: [],
      onError: 'fail',
      overwrite: false,
      dryRun: false,
      json: false,
      quiet: false,
    });
  });
});

describe('good values', () => {
  test.each<[RawOptions, object]>([
    [{ upscale: '1.5' }, { target: { upscale: 1.5 } }],
    [{ upscale: '8' }, { target: { upscale: 8 } }],
    [{ width: '800' }, { target: { width: 800 } }],
    [{ height: '600' }, { target: { height: 600 } }],
    [{ width: '800', height: '600' }, { target: { width: 800, height: 600 } }],
    [{ minWidth: '1200' }, { target: { minWidth: 1200 } }],
    [{ format: 'jpg' }, { formats: ['jpeg'] }],
    [{ format: 'WEBP' }, { formats: ['webp'] }],
    [{ format: 'tif' }, { formats: ['tiff'] }],
    [{ format: 'avif,webp,avif' }, { formats: ['avif', 'webp'] }],
    [{ quality: '80' }, { quality: 80 }],
    [
      { quality: '80', format: 'avif' },
      { quality: 80, formats: ['avif'] },
    ],
    [{ lossless: true }, { lossless: true }],
    [{ animation: 'first-frame' }, { animation: 'first-frame' }],
    [{ threads: '3' }, { threads: 3 }],
    [{ device: 'auto' }, { device: 'auto' }],
    [{ device: 'WebGPU' }, { device: 'webgpu' }],
    [{ onError: 'resize' }, { onError: 'resize' }],
    [{ colour: 'keep' }, { colour: 'keep' }],
    [{ color: 'keep' }, { colour: 'keep' }],
    [{ alpha: 'bicubic' }, { alpha: 'bicubic' }],
    [{ maxInputPixels: '120000000' }, { maxInputPixels: 120_000_000 }],
    [{ maxInputPixels: '120M' }, { maxInputPixels: 120_000_000 }],
    [{ maxOutputPixels: '1.5g' }, { maxOutputPixels: 1_500_000_000 }],
    [
      { overwrite: true, json: true, quiet: true },
      { overwrite: true, json: true, quiet: true },
    ],
    [
      { model: 'art', out: 'dir' },
      { model: 'art', out: 'dir' },
    ],
  ])('%o', (raw, expected) => {
    expect(parseOptions(raw)).toMatchObject(expected);
  });
});

describe('bad values', () => {
  test.each<[RawOptions, string]>([
    [{ upscale: '1' }, '--upscale must be a number above 1 and up to 8, not "1"'],
    [{ upscale: '8.01' }, 'not "8.01"'],
    [{ upscale: '2x' }, 'not "2x"'],
    [{ upscale: '0x2' }, 'not "0x2"'],
    [{ upscale: '' }, 'not ""'],
    [{ upscale: '-2' }, 'not "-2"'],
    [{ upscale: '1,2' }, 'Run upres once for each factor'],
    [{ width: '0' }, '--width must be a whole number of pixels of at least 1, not "0"'],
    [{ width: '80.5' }, '--width must be a whole number'],
    [{ height: '1e3' }, '--height must be a whole number'],
    [{ minWidth: 'wide' }, '--min-width must be a whole number'],
    [{ quality: '0' }, '--quality must be a whole number from 1 to 100, not "0"'],
    [{ quality: '101' }, 'not "101"'],
    [{ quality: '80', format: 'png' }, '--quality is for JPEG, WebP and AVIF'],
    [{ quality: '80', lossless: true }, '--lossless leaves no --quality to choose'],
    [{ format: 'webp,jpeg', lossless: true }, "jpeg can't be"],
    [{ animation: 'frist-frame' }, 'Did you mean "first-frame"?'],
    [{ threads: '0' }, '--threads must be a whole number from 1 to 256, not "0"'],
    [{ threads: '257' }, 'not "257"'],
    [{ device: 'gpu' }, '--device must be one of auto, cpu, wasm, webgpu, cuda, dml, coreml, not "gpu"'],
    [{ device: 'cdua' }, 'Did you mean "cuda"?'],
    [{ format: 'avif,wepb' }, 'not "wepb"'],
    [{ format: 'avif,' }, 'not ""'],
    [{ format: 'wepb' }, 'Did you mean "webp"?'],
    [{ format: 'bmp' }, '--format must be one of png, jpeg'],
    [{ format: 'toString' }, 'not "toString"'],
    [{ onError: 'orginal' }, 'Did you mean "original"?'],
    [{ colour: 'rgb' }, 'Did you mean "srgb"?'],
    [{ colour: 'srgb', color: 'keep' }, 'another spelling'],
    [{ alpha: 'cubic' }, '--alpha must be one of network, bicubic, not "cubic"'],
    [{ maxInputPixels: '10T' }, '--max-input-pixels must be a number of pixels'],
    [{ maxOutputPixels: '0' }, '--max-output-pixels must be a number of pixels'],
    [{ out: '' }, '--out takes the name'],
    [{ model: '' }, '--model must be a label'],
  ])('%o', (raw, message) => {
    expect(() => parseOptions(raw)).toThrow(
      expect.objectContaining({ code: 'BAD_ARGUMENT', message: expect.stringContaining(message) as string }),
    );
  });
});

describe('targets that contradict each other', () => {
  test.each<RawOptions>([
    { upscale: '2', width: '800' },
    { upscale: '2', height: '800' },
    { upscale: '2', minWidth: '800' },
    { width: '800', minWidth: '800' },
    { height: '800', minWidth: '800' },
    { upscale: '2', width: '800', height: '600' },
  ])('%o', (raw) => {
    expect(() => parseOptions(raw)).toThrow('ask for different sizes');
  });
});
