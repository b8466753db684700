import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isOurs, splitUrl } from '#src/asset/urls.js';

describe('a URL', () => {
  it.each([
    ['a.png', 'a.png', '', ''],
    ['a.png?upscale=2', 'a.png', 'upscale=2', ''],
    ['a.png?upscale=2#x', 'a.png', 'upscale=2', '#x'],
    ['a.png#x', 'a.png', '', '#x'],
    ['a.png#x?upscale=2', 'a.png', '', '#x?upscale=2'],
    ['a.png?b?c#d#e', 'a.png', 'b?c', '#d#e'],
    ['a.png?#', 'a.png', '', '#'],
    ['', '', '', ''],
  ])('%s is taken apart', (url, path, query, fragment) => {
    expect(splitUrl(url)).toEqual({ path, query, fragment });
  });

  it('loses nothing but signs without anything behind them', () => {
    fc.assert(
      fc.property(fc.string(), (url) => {
        const { path, query, fragment } = splitUrl(url);
        expect(path + (query === '' ? '' : `?${query}`) + fragment).toBe(url.replace(/^([^?#]*)\?(?=#|$)/, '$1'));
      }),
    );
  });

  it.each([
    ['a.png?upscale=2#x', true],
    ['a.png#x?upscale=2', false],
    ['https://example.com/a.png?upscale=2', false],
    ['//example.com/a.png?upscale', false],
    ['C:/a.png?upscale=2', true],
  ])('%s is ours: %s', (url, ours) => {
    expect(isOurs(url)).toBe(ours);
  });
});
