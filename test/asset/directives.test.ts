import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkDirectives,
  hasDirectives,
  parseQuery,
  printQuery,
  shapes,
  type LooseDirectives,
} from '#src/asset/directives.js';
import { UpresError } from '#src/errors.js';
import { outputFormats } from '#src/image/codec/formats.js';

const factor = fc.integer({ min: 100, max: 800 }).map((hundredths) => hundredths / 100);
const pixels = fc.integer({ min: 1, max: 100_000 });
const size: fc.Arbitrary<LooseDirectives> = fc.oneof(
  fc.record({ upscale: fc.array(factor, { minLength: 1, maxLength: 4 }), width: pixels }, { requiredKeys: [] }),
  fc.record({ minWidth: pixels }),
);
const others: fc.Arbitrary<LooseDirectives> = fc.record(
  {
    model: fc.string({ minLength: 1, unit: 'grapheme' }),
    format: fc.array(fc.constantFrom(...outputFormats), { minLength: 1 }),
    quality: fc.integer({ min: 1, max: 100 }),
    animation: fc.constantFrom('keep' as const, 'first-frame' as const),
    preset: fc.string({ minLength: 1 }),
    as: fc.constantFrom(...shapes),
  },
  { requiredKeys: [] },
);
const directives = fc.tuple(size, others).map(([a, b]) => checkDirectives({ ...a, ...b }));

function messageOf(query: string): string {
  try {
    parseQuery(query);
  } catch (error) {
    if (error instanceof UpresError && error.code === 'BAD_ARGUMENT') return error.message;
    throw error;
  }
  throw new Error(`"${query}" was accepted`);
}

describe('reading and printing', () => {
  it('reads back what it prints', () => {
    fc.assert(
      fc.property(directives, (d) => {
        expect(parseQuery(printQuery(d))).toEqual(d);
      }),
    );
  });

  it('prints one text for one meaning, whatever the order and the repetitions', () => {
    fc.assert(
      fc.property(directives, fc.infiniteStream(fc.nat()), (d, random) => {
        const parts = printQuery(d).split('&');
        const shuffled = parts.map((part) => [random.next().value, part] as const).sort(([a], [b]) => a - b);
        expect(printQuery(parseQuery(shuffled.map(([, part]) => part).join('&'))!)).toBe(printQuery(d));
      }),
    );
  });

  it('never throws anything but a BAD_ARGUMENT', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseQuery(`?upscale=${text}`);
        } catch (error) {
          expect(error).toMatchObject({ name: 'UpresError', code: 'BAD_ARGUMENT' });
        }
      }),
    );
  });

  it.each([
    ['?upscale=2', { upscale: [2] }],
    ['upscale=2', { upscale: [2] }],
    ['?upscale', {}],
    ['?upscale=', {}],
    ['?upscale=3;1;2;2&as=srcset', { upscale: [1, 2, 3], as: 'srcset' }],
    ['?upscale=1,2&as=img', { upscale: [1, 2], as: 'img' }],
    ['?upscale=1%3B2%3b3&amp;as=srcset', { upscale: [1, 2, 3], as: 'srcset' }],
    ['?upscale&width=800&format=jpg', { width: 800, format: ['jpeg'] }],
    ['?upscale&lossless&format=webp', { lossless: true, format: ['webp'] }],
    ['?upscale&lossless=true&animation=keep', { lossless: true, animation: 'keep' }],
    ['?upscale&lossless=false&quality=80', { lossless: false, quality: 80 }],
    ['?upscale&minWidth=1200&quality=80&preset=hero', { minWidth: 1200, quality: 80, preset: 'hero' }],
    ['?upscale=2&model=my%20own', { upscale: [2], model: 'my own' }],
  ])('reads %s', (query, expected) => {
    expect(parseQuery(query)).toEqual(expected);
  });

  it('prints `as` last, where ambient types look for it', () => {
    expect(printQuery({ as: 'img', preset: 'p', quality: 5, format: ['png'], model: 'art', upscale: [1, 2] })).toBe(
      'upscale=1;2&model=art&format=png&quality=5&preset=p&as=img',
    );
  });
});

describe('whose a query is', () => {
  it.each(['upscale', '?upscale=2', '?a=b&upscale', '?a=b&amp;upscale=2'])('ours: %s', (query) => {
    expect(hasDirectives(query)).toBe(true);
  });

  it.each([
    '',
    '?',
    '?url',
    '?upscaled=2',
    '?width=800',
    '?x=upscale',
    '?v=1;upscale=2',
    '?Upscale=2',
    '?upscale=false',
    '?w=1&upscale=off',
    '?upscale=0&w=1',
  ])('not ours: %s', (query) => {
    expect(hasDirectives(query)).toBe(false);
    expect(parseQuery(query)).toBeUndefined();
  });

  it("leaves the bundler's own keys alone", () => {
    expect(parseQuery('?upscale=2&t=1234&import', ['t', 'import'])).toEqual({ upscale: [2] });
    expect(() => parseQuery('?upscale=2&t=1234', ['import'])).toThrow('there is no directive "t"');
  });
});

describe('what is refused', () => {
  it.each([
    ['upscale=2&qualty=80', 'there is no directive "qualty". Did you mean "quality"?'],
    ['upscale=2&minwidth=80', 'Did you mean "minWidth"?'],
    ['upscale=2&zzzzzz=80', 'there is no directive "zzzzzz".'],
    ['upscale=2&upscale=3', 'the directive "upscale" is given twice'],
    ['upscale=0.5', 'upscale must be a number from 1 to 8, not 0.5'],
    ['upscale=9', 'upscale must be a number from 1 to 8, not 9'],
    ['upscale=-2', 'upscale must be a number from 1 to 8, not -2'],
    ['upscale=2x', 'upscale must be a number, not "2x"'],
    ['upscale=0x2', 'upscale must be a number, not "0x2"'],
    ['upscale=1;;Infinity', 'upscale must be a number, not "Infinity"'],
    ['upscale&width=', 'width must be a number, not ""'],
    ['upscale&width=0', 'width must be a whole number of pixels of at least 1, not 0'],
    ['upscale&width=1.5', 'width must be a whole number of pixels of at least 1, not 1.5'],
    ['upscale=2&minWidth=100', 'minWidth stands alone'],
    ['upscale&width=50&minWidth=100', 'minWidth stands alone'],
    ['upscale&lossless=yes', 'lossless must be true or false, not "yes"'],
    ['upscale&lossless&quality=80', 'give either lossless or quality'],
    ['upscale&lossless&format=webp;jpg&as=picture', 'a JPEG can’t keep every pixel as it is'],
    ['upscale&lossless&format=gif', 'a GIF can’t keep every pixel as it is'],
    ['upscale&animation=stop', 'animation must be one of keep, first-frame, not "stop"'],
    ['upscale&quality=0', 'quality must be a whole number from 1 to 100, not 0'],
    ['upscale&format=wepb', 'Did you mean "webp"?'],
    ['upscale&as=imag', 'Did you mean "img"?'],
    ['upscale&model=', 'model must be the name of one, not ""'],
  ])('%s', (query, words) => {
    expect(messageOf(query)).toContain(words);
  });

  it('values of other types, as JavaScript may give them', () => {
    const loose =
      (fields: Record<string, unknown>): (() => unknown) =>
      () =>
        checkDirectives(fields);
    expect(loose({ upscale: '2' })).toThrow('upscale must be a number from 1 to 8, not "2"');
    expect(loose({ upscale: [null] })).toThrow('not null');
    expect(loose({ width: '800' })).toThrow('not "800"');
    expect(loose({ model: 5 })).toThrow('model must be the name of one, not 5');
    expect(loose({ format: [7] })).toThrow('format must be one of png');
    expect(loose({ as: {} })).toThrow('as must be one of url');
    expect(loose({ scale: 2 })).toThrow('Did you mean "upscale"?');
  });
});
