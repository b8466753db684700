import { UpresError } from '../errors.js';
import { number, options, whole, type TypeOf } from '../schema.js';

/** The largest `upscale`. Exact sizes may ask for more, as long as the result is within its limits. */
export const maxUpscale = 8;
const defaultUpscale = 2;

export const upscaleFactor = number({ from: 1, to: maxUpscale });
export const sideLength = whole({ from: 1, of: 'pixels' });

export const targetOptions = options({
  /**
   * Times the source in both directions, any number from 1 to 8.
   * @default 2, where no other size is asked for
   */
  upscale: upscaleFactor,
  /** Exactly this many pixels wide, reducing where needed; without `height` the aspect ratio is kept. */
  width: sideLength,
  /** Exactly this many pixels high, reducing where needed; without `width` the aspect ratio is kept. */
  height: sideLength,
  /** The source's width or this many pixels, whichever is larger; the aspect ratio is kept. */
  minWidth: sideLength,
});

/** What size the result has, in one way at most: `upscale`, or `width` and `height`, or `minWidth`. */
export interface Target extends TypeOf<typeof targetOptions> {}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface ResolvedTarget extends Size {
  /** How much the source must be enlarged to reach the size in both directions; at most 1 where reducing is enough. */
  readonly factor: number;
}

/** To the nearest whole pixel, halves up, at least one. */
const toPixels = (length: number): number => Math.max(1, Math.floor(length + 0.5));

/** Throws BAD_ARGUMENT for a target that asks for several sizes. */
export function checkTarget({ upscale, width, height, minWidth }: Target): void {
  const ways = [upscale !== undefined, width !== undefined || height !== undefined, minWidth !== undefined];
  if (ways.filter(Boolean).length > 1) {
    throw new UpresError('BAD_ARGUMENT', 'give either upscale, or width and height, or minWidth: not several of them');
  }
}

/**
 * The exact size of the result for a source (upright, that is after its EXIF orientation).
 * @param target checked
 */
export function resolveTarget(source: Size, target: Target): ResolvedTarget {
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
