import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UpresError } from '#src/errors.js';
import { parseVariant, parseVariants, requestFields } from '#src/server/service/variant.js';

const settings = { model: 'natural', models: { mine: '/models/mine.onnx' } };
const parse = (fields: Record<string, unknown>) => parseVariant(fields, settings);

describe('the files that a job is to make of each image', () => {
  const model = 'natural';

  test.each([
    [{ upscale: '4;2' }, [{ upscale: 2 }, { upscale: 4 }]],
    [{ format: 'avif,webp' }, [{ format: 'avif' }, { format: 'webp' }].map((one) => ({ upscale: 2, ...one }))],
    [
      { width: '300', upscale: '1;2', format: 'webp;jpg;jpeg', quality: '70' },
      [
        { width: 300, format: 'webp' },
        { width: 300, format: 'jpeg' },
        { width: 600, format: 'webp' },
        { width: 600, format: 'jpeg' },
      ].map((one) => ({ ...one, quality: 70 })),
    ],
    [{ width: '3', upscale: '1;1.1' }, [{ width: 3 }]],
    [
      { minWidth: '9', format: 'png;gif' },
      [{ format: 'png' }, { format: 'gif' }].map((one) => ({ minWidth: 9, ...one })),
    ],
  ])('%j', (fields, variants) => {
    expect(parseVariants(fields, settings)).toEqual(variants.map((one) => ({ ...one, model })));
  });

  test.each([
    [{ format: 'avif;wepb' }, /Did you mean "webp"/],
    [{ upscale: '2;9' }, /1 to 8/],
    [{ formats: 'avif;webp' }, /Did you mean "format"/],
    [{ upscale: '1;2;3;4;5;6;7', format: 'png;webp;avif;gif' }, /7 sizes in 4 formats are more than the 24 files/],
  ])('refused: %j', (fields, message) => {
    expect(() => parseVariants(fields, settings)).toThrow(message);
  });
});

describe('the directives of a request', () => {
  test.each([
    [{}, { upscale: 2, model: 'natural' }],
    [{ upscale: '' }, { upscale: 2, model: 'natural' }],
    [{ upscale: '3.5' }, { upscale: 3.5, model: 'natural' }],
    [{ width: '800' }, { width: 800, model: 'natural' }],
    [
      { width: '101', upscale: '1.5' },
      { width: 152, model: 'natural' },
    ],
    [
      { upscale: '', minWidth: '1200' },
      { minWidth: 1200, model: 'natural' },
    ],
    [{ minWidth: '1200' }, { minWidth: 1200, model: 'natural' }],
    [
      { model: 'art', format: 'jpg', quality: '70' },
      { upscale: 2, model: 'art', format: 'jpeg', quality: 70 },
    ],
    [{ lossless: '' }, { upscale: 2, model: 'natural', lossless: true }],
    [
      { lossless: 'false', animation: 'keep' },
      { upscale: 2, model: 'natural', lossless: false, animation: 'keep' },
    ],
    [{ model: 'auto' }, { upscale: 2, model: 'auto' }],
    [{ model: 'mine' }, { upscale: 2, model: 'mine' }],
    [{ device: 'cpu' }, { upscale: 2, model: 'natural', device: 'cpu' }],
  ])('%j', (fields, variant) => {
    expect(parse(fields)).toEqual(variant);
  });

  test.each([
    [{ upscal: '2' }, /Did you mean "upscale"/],
    [{ upscale: '9' }, /1 to 8/],
    [{ upscale: '0' }, /1 to 8/],
    [{ upscale: 'false' }, /number/],
    [{ upscale: '0x2' }, /number/],
    [{ upscale: '1e1' }, /number/],
    [{ upscale: '1;2' }, /one value/],
    [{ format: 'webp,avif' }, /one value/],
    [{ format: 'wepb' }, /Did you mean "webp"/],
    [{ format: 'svg' }, /must be one of/],
    [{ quality: '0' }, /1 to 100/],
    [{ quality: '70.5' }, /whole number/],
    [{ lossless: '1' }, /true or false/],
    [{ lossless: '', quality: '70' }, /either lossless or quality/],
    [{ lossless: '', format: 'jpeg' }, /JPEG can’t keep/],
    [{ animation: 'loop' }, /keep, first-frame/],
    [{ width: '0' }, /at least 1/],
    [{ width: '-5' }, /at least 1/],
    [{ width: '1', minWidth: '2' }, /alone/],
    [{ upscale: '2', minWidth: '2' }, /alone/],
    [{ as: 'srcset' }, /no directive "as"/],
    [{ preset: 'hero' }, /no directive "preset"/],
    [{ model: 'naturl' }, /Did you mean "natural"/],
    [{ model: '/models/mine.onnx' }, /no model/],
    [{ model: './natural' }, /no model/],
    [{ model: 'file:///etc/passwd' }, /no model/],
    [{ model: '__proto__' }, /no model/],
    [{ device: 'gpu' }, /device must be/],
    [{ width: ['1', '2'] }, /given twice/],
    [{ constructor: '2' }, /no directive/],
  ])('refused: %j', (fields, message) => {
    expect(() => parse(fields)).toThrow(message);
  });

  test('whatever comes is either a variant that survives JSON or BAD_ARGUMENT', () => {
    const name = fc.oneof(fc.constantFrom(...Object.keys(requestFields.properties)), fc.string());
    const value = fc.oneof(fc.string(), fc.constantFrom('2', '1.5', 'natural', 'webp', '80', '', '%3B', '&amp;', '\0'));
    fc.assert(
      fc.property(fc.dictionary(name, value, { maxKeys: 4 }), (fields) => {
        try {
          const variant = parse(fields);
          expect(JSON.parse(JSON.stringify(variant))).toEqual(variant);
          expect([variant.upscale, variant.width, variant.minWidth].filter((size) => size !== undefined)).toHaveLength(
            1,
          );
        } catch (error) {
          if (!(error instanceof UpresError)) throw error;
          expect(error.code).toBe('BAD_ARGUMENT');
          expect(error.file).toBeUndefined();
        }
      }),
      { seed: 5, numRuns: 2000 },
    );
  });
});
