import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UpresError } from '#src/errors.js';
import { parseVariant, variantFields } from '#src/server/service/variant.js';

const settings = { model: 'natural', models: { mine: '/models/mine.onnx' } };
const parse = (fields: Record<string, unknown>) => parseVariant(fields, settings);

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
    const name = fc.oneof(fc.constantFrom(...variantFields), fc.string());
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
