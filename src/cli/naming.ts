import path from 'node:path';
import type { OutputFormat } from '../image/codec/formats.js';
import type { Target } from '../image/target.js';
import { extensionFor, parseDensityName, printDensityName } from '../asset/names.js';

const sizeTail = /(?:-\d+w)?(?:-\d+h)?$/i;

/** A file name without its folder and extension. */
export function stemOf(file: string): string {
  return path.parse(file).name;
}

/** `photo-800w`, `photo-600h`, `photo-800w-600h` → `photo`; undefined when the stem has no such end. */
export function withoutSize(stem: string): string | undefined {
  const bare = stem.replace(sizeTail, '');
  return bare === stem || bare === '' ? undefined : bare;
}

/**
 * The file name of an output. A source's density multiplies with the factor, because `photo@2x` is the picture `photo` at twice
 * its pixels: two times that is `photo@4x`. Sizes are written as `srcset` writes widths, and heights in the same way. The
 * input's extension stays as it is spelled where it is one of the format's.
 * @param file name of the input, without its folder
 */
export function outputName(file: string, target: Target, format?: OutputFormat): string {
  const name = parseDensityName(file);
  const extension = format === undefined ? name.extension : extensionFor(format, name.extension);
  const { upscale, height, width = target.minWidth } = target;
  if (upscale !== undefined) return printDensityName({ ...name, density: name.density * upscale, extension });
  const size = (width === undefined ? '' : `-${width}w`) + (height === undefined ? '' : `-${height}h`);
  return stemOf(file) + size + extension;
}
