import { expect, test } from 'vitest';
import { nearest, suggestion } from '#src/suggest.js';
import { byteSize, count, digits, duration, megapixels } from '#src/cli/words.js';

test.each([
  [0, '0'],
  [0.0031, '0.0031'],
  [0.3072, '0.31'],
  [1.2345, '1.23'],
  [12.345, '12.3'],
  [123.45, '123'],
  [123456, '123456'],
])('%d is written %s', (value, text) => {
  expect(digits(value)).toBe(text);
});

test.each([
  [0.04, '0.0 s'],
  [1.26, '1.3 s'],
  [9.96, '10 s'],
  [59.4, '59 s'],
  [59.6, '1 min 0 s'],
  [200, '3 min 20 s'],
  [7500, '2 h 5 min'],
])('%d seconds are %s', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

test('units and plurals', () => {
  expect(megapixels(4_194_304)).toBe('4.19 MP');
  expect(byteSize(812)).toBe('812 B');
  expect(byteSize(41_234)).toBe('41.2 kB');
  expect(byteSize(999_999)).toBe('1 MB');
  expect(count(1, 'image')).toBe('1 image');
  expect(count(0, 'image')).toBe('0 images');
});

test('a suggestion is near, or none', () => {
  const formats = ['png', 'jpeg', 'webp', 'avif'];
  expect(nearest('wepb', formats)).toBe('webp');
  expect(nearest('JPEG', formats)).toBe('jpeg');
  expect(nearest('orig', ['fail', 'original'])).toBe('original');
  expect(nearest('bitmap', formats)).toBeUndefined();
  expect(nearest('', formats)).toBeUndefined();
  expect(suggestion('pgn', formats)).toBe(' Did you mean "png"?');
  expect(suggestion('gif', formats)).toBe('');
});
