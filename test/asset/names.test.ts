import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  extensionFor,
  formatByWord,
  formatOfName,
  nameOfResult,
  parseDensityName,
  printDensityName,
} from '#src/asset/names.js';

describe('density in a file name', () => {
  it.each([
    ['logo.png', { stem: 'logo', density: 1, extension: '.png' }],
    ['logo@2x.png', { stem: 'logo', density: 2, extension: '.png' }],
    ['icons/logo@1.5x.PNG', { stem: 'icons/logo', density: 1.5, extension: '.PNG' }],
    ['logo@2X.png', { stem: 'logo', density: 2, extension: '.png' }],
    ['logo@x.png', { stem: 'logo@x', density: 1, extension: '.png' }],
    ['logo@0x.png', { stem: 'logo@0x', density: 1, extension: '.png' }],
    ['@2x/logo.png', { stem: '@2x/logo', density: 1, extension: '.png' }],
    ['logo.min@3x.png', { stem: 'logo.min', density: 3, extension: '.png' }],
    ['logo@0.5x.png', { stem: 'logo', density: 0.5, extension: '.png' }],
    ['logo@2x', { stem: 'logo', density: 2, extension: '' }],
  ])('%s', (file, expected) => {
    expect(parseDensityName(file)).toEqual(expected);
  });

  it('prints none for density 1, and no rounding errors', () => {
    expect(printDensityName({ stem: 'a', density: 1, extension: '.png' })).toBe('a.png');
    expect(printDensityName({ stem: 'a', density: 1.5 * 1.1, extension: '.png' })).toBe('a@1.65x.png');
  });

  it('reads back what it prints', () => {
    const stem = fc.stringMatching(/^[a-z][a-z@./-]*[a-z]$/);
    const density = fc.integer({ min: 1, max: 6400 }).map((n) => n / 100);
    fc.assert(
      fc.property(stem, density, fc.constantFrom('.png', '.jpg'), (s, d, extension) => {
        const name = { stem: s, density: d, extension };
        expect(parseDensityName(printDensityName(name))).toEqual(name);
      }),
    );
  });
});

describe('the extension of a format', () => {
  it.each([
    ['jpeg', '.jfif', '.jfif'],
    ['jpeg', '.JPEG', '.JPEG'],
    ['jpeg', '.png', '.jpg'],
    ['tiff', '.tiff', '.tiff'],
    ['tiff', '.png', '.tif'],
    ['webp', undefined, '.webp'],
  ] as const)('of %s for a file with %s is %s', (format, given, expected) => {
    expect(extensionFor(format, given)).toBe(expected);
  });

  it.each([
    ['a.jfif', 'jpeg'],
    ['a/b.c/d.JPE', 'jpeg'],
    ['a.tif', 'tiff'],
    ['a.svg', undefined],
    ['png', undefined],
  ] as const)('tells that %s is %s', (file, format) => {
    expect(formatOfName(file)).toBe(format);
  });

  it.each([
    ['jpg', 'jpeg'],
    ['tif', 'tiff'],
    ['avif', 'avif'],
    ['', undefined],
    ['bmp', undefined],
    ['toString', undefined],
    ['a.png', undefined],
  ] as const)('is a word for it: %s is %s', (word, format) => {
    expect(formatByWord(word)).toBe(format);
  });
});

describe('the name of a result', () => {
  it('is the planned one, and changes only with the format', () => {
    const planned = { name: 'a@2x.jpg', format: 'png' as const };
    expect(nameOfResult(planned, { format: 'png' })).toBe('a@2x.jpg');
    expect(nameOfResult(planned, { format: 'webp' })).toBe('a@2x.webp');
    expect(nameOfResult({ name: 'a@2x.tif', format: 'png' }, { format: 'tiff' })).toBe('a@2x.tif');
  });
});
