import path from 'node:path';
import type { OutputFormat } from '../image/formats.js';
import type { Target } from '../image/target.js';
import { extensionOf, formatOfName } from './image-kinds.js';

const densityTail = /@(\d+(?:\.\d+)?)x$/i;
const sizeTail = /(?:-\d+w)?(?:-\d+h)?$/i;

/** A file name without its folder and extension. */
export function stemOf(file: string): string {
  return path.parse(file).name;
}

/** The density that a stem like `photo@2x` claims; undefined when it claims none. */
export function densityOf(stem: string): number | undefined {
  const match = densityTail.exec(stem);
  return match ? Number(match[1]) : undefined;
}

/** `photo@2x` → `photo` */
export function withoutDensity(stem: string): string {
  return stem.replace(densityTail, '');
}

/** `photo-800w`, `photo-600h`, `photo-800w-600h` → `photo`; undefined when the stem has no such end. */
export function withoutSize(stem: string): string | undefined {
  const bare = stem.replace(sizeTail, '');
  return bare === stem || bare === '' ? undefined : bare;
}

/** At most four decimals: 1.1 × 3 is 3.3000000000000003 otherwise. */
function short(value: number): string {
  return String(Math.round(value * 1e4) / 1e4);
}

/**
 * The stem of an output. A stem's density multiplies with the factor, because `photo@2x` is the picture `photo` at twice its
 * pixels: two times that is `photo@4x`. Sizes are written as `srcset` writes widths, and heights in the same way.
 */
export function outputStem(stem: string, target: Target): string {
  if (target.upscale !== undefined) return `${withoutDensity(stem)}@${short((densityOf(stem) ?? 1) * target.upscale)}x`;
  const width = target.width ?? target.minWidth;
  return stem + (width === undefined ? '' : `-${width}w`) + (target.height === undefined ? '' : `-${target.height}h`);
}

/**
 * The file name of an output. The input's extension stays as it is spelled unless another format is asked for.
 * @param file name of the input, without its folder
 */
export function outputName(file: string, target: Target, format?: OutputFormat): string {
  const { name, ext } = path.parse(file);
  const keep = format === undefined || formatOfName(file) === format;
  return outputStem(name, target) + (keep ? ext : extensionOf(format));
}
