import { UpresError } from '../errors.js';

/**
 * What size the result has, in pixels; at most one of the three ways, and with none of them `upscale` is 2:
 *
 * - `upscale`: that many times the source in both directions, any number from 1 to 8;
 * - `width`, `height` or both: exactly so, reducing where needed; one alone keeps the aspect ratio, both together do not;
 * - `minWidth`: the source's width or this one, whichever is larger; the aspect ratio is kept.
 */
export interface Target {
  readonly upscale?: number;
  readonly width?: number;
  readonly height?: number;
  readonly minWidth?: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface ResolvedTarget extends Size {
  /** How much the source must be enlarged to reach the size in both directions; at most 1 where reducing is enough. */
  readonly factor: number;
}

/** The largest `upscale`. Exact sizes may ask for more, as long as the result is within its limits. */
export const maxUpscale = 8;
const defaultUpscale = 2;

/** To the nearest whole pixel, halves up, at least one. */
const toPixels = (length: number): number => Math.max(1, Math.floor(length + 0.5));

/** Throws BAD_ARGUMENT unless the target is one that can be resolved for any source. */
export function checkTarget(target: Target): void {
  const { upscale, width, height, minWidth } = target;
  const ways = [upscale !== undefined, width !== undefined || height !== undefined, minWidth !== undefined];
  if (ways.filter(Boolean).length > 1) {
    throw new UpresError('BAD_ARGUMENT', 'give either upscale, or width and height, or minWidth: not several of them');
  }
  if (upscale !== undefined && !(upscale >= 1 && upscale <= maxUpscale)) {
    throw new UpresError('BAD_ARGUMENT', `upscale must be a number from 1 to ${maxUpscale}, not ${upscale}`);
  }
  for (const [name, pixels] of Object.entries({ width, height, minWidth })) {
    if (pixels !== undefined && (!Number.isInteger(pixels) || pixels < 1)) {
      throw new UpresError('BAD_ARGUMENT', `${name} must be a whole number of pixels of at least 1, not ${pixels}`);
    }
  }
}

/**
 * The exact size of the result for a source (upright, that is after its EXIF orientation).
 *
 * @throws BAD_ARGUMENT for targets that contradict themselves or are out of range
 */
export function resolveTarget(source: Size, target: Target): ResolvedTarget {
  checkTarget(target);
  const { width, height } = sizeOf(source, target);
  return { width, height, factor: Math.max(width / source.width, height / source.height) };
}

function sizeOf(source: Size, { upscale, width, height, minWidth }: Target): Size {
  if (width !== undefined && height !== undefined) return { width, height };
  if (width !== undefined) return { width, height: toPixels((source.height * width) / source.width) };
  if (height !== undefined) return { width: toPixels((source.width * height) / source.height), height };
  if (minWidth !== undefined) return sizeOf(source, { width: Math.max(source.width, minWidth) });
  const factor = upscale ?? defaultUpscale;
  return { width: toPixels(source.width * factor), height: toPixels(source.height * factor) };
}
