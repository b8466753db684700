import { expect, test } from 'vitest';
import { outputName, withoutSize } from '#src/cli/naming.js';
import type { OutputFormat, Target } from '#src/image/upscale.js';

test.each<[string, Target, OutputFormat | undefined, string]>([
  ['photo.png', { upscale: 2 }, undefined, 'photo@2x.png'],
  ['photo.png', { upscale: 1.5 }, undefined, 'photo@1.5x.png'],
  ['photo.png', { width: 800 }, undefined, 'photo-800w.png'],
  ['photo.png', { minWidth: 800 }, undefined, 'photo-800w.png'],
  ['photo.png', { height: 600 }, undefined, 'photo-600h.png'],
  ['photo.png', { width: 800, height: 600 }, undefined, 'photo-800w-600h.png'],
  ['photo.png', { upscale: 2 }, 'webp', 'photo@2x.webp'],
  ['photo.png', { upscale: 2 }, 'jpeg', 'photo@2x.jpg'],
  // An extension that already says so stays as it is spelled.
  ['PHOTO.JPEG', { upscale: 2 }, 'jpeg', 'PHOTO@2x.JPEG'],
  ['scan.tif', { upscale: 2 }, 'tiff', 'scan@2x.tif'],
  ['scan.png', { upscale: 2 }, 'tiff', 'scan@2x.tif'],
  ['a.b.png', { upscale: 2 }, undefined, 'a.b@2x.png'],
  ['photo', { upscale: 2 }, undefined, 'photo@2x'],
  // The density of a named source multiplies.
  ['photo@2x.png', { upscale: 2 }, undefined, 'photo@4x.png'],
  ['photo@1.5x.png', { upscale: 1.5 }, undefined, 'photo@2.25x.png'],
  ['photo@1.1x.png', { upscale: 3 }, undefined, 'photo@3.3x.png'],
  ['photo@2x.png', { width: 800 }, undefined, 'photo@2x-800w.png'],
  ['photo@0.5x.png', { upscale: 2 }, undefined, 'photo.png'],
  ['photo@0x.png', { upscale: 2 }, undefined, 'photo@0x@2x.png'],
  ['photo.jfif', { upscale: 2 }, 'jpeg', 'photo@2x.jfif'],
  ['photo@1.00001x.png', { upscale: 2 }, undefined, 'photo@2.00002x.png'],
])('%s with %o as %s is %s', (file, target, format, expected) => {
  expect(outputName(file, target, format)).toBe(expected);
});

test('variants know their source', () => {
  expect(withoutSize('photo-800w')).toBe('photo');
  expect(withoutSize('photo-600h')).toBe('photo');
  expect(withoutSize('photo-800w-600h')).toBe('photo');
  expect(withoutSize('photo')).toBeUndefined();
  expect(withoutSize('photo-800')).toBeUndefined();
  expect(withoutSize('-800w')).toBeUndefined();
});
