import { UpresError } from '../errors.js';
import { formatTraits, type OutputFormat } from './codec/formats.js';

/** Bounds on a picture, checked by its header before anything is decoded; pixels are those of all frames. */
export interface PixelLimits {
  /** Default 100 million. */
  readonly maxInputPixels?: number;
  /** Default 400 million. */
  readonly maxOutputPixels?: number;
  /**
   * Of an animation that is read; each costs a call of the network, however small it is. Default 1000, which is more than a
   * minute of 15 a second.
   */
  readonly maxFrames?: number;
}

/** For whoever only wants to know what a picture is. */
export const unlimited = { maxInputPixels: Infinity, maxOutputPixels: Infinity, maxFrames: Infinity } as const;

export const defaultMaxInputPixels = 100_000_000;
export const defaultMaxOutputPixels = 400_000_000;
export const defaultMaxFrames = 1000;

interface Size {
  readonly width: number;
  readonly height: number;
  readonly frames: number;
}

function describe({ width, height, frames }: Size): string {
  return `${width}×${height} pixels${frames > 1 ? ` in ${frames} frames` : ''}`;
}

const megapixels = (pixels: number): string => `${Number((pixels / 1e6).toPrecision(3))} megapixels`;

/** A limit as given by a user, or the default. */
export function resolveLimit(name: keyof PixelLimits, limit: number | undefined, fallback: number): number {
  if (limit === undefined) return fallback;
  // Infinity switches a limit off.
  if (!(limit >= 1)) {
    const unit = name === 'maxFrames' ? 'frames' : 'pixels';
    throw new UpresError('BAD_ARGUMENT', `${name} must be a number of ${unit} of at least 1, not ${limit}`);
  }
  return limit;
}

/** Throws INPUT_TOO_LARGE when the header promises more pixels or frames than are allowed. */
export function checkInputSize(size: Size, limits: PixelLimits, file: string | undefined): void {
  const mostFrames = resolveLimit('maxFrames', limits.maxFrames, defaultMaxFrames);
  if (size.frames > mostFrames) {
    throw new UpresError(
      'INPUT_TOO_LARGE',
      `the animation has ${size.frames} frames, more than the limit of ${mostFrames}: raise maxFrames if it is meant to be so long`,
      { file },
    );
  }
  const most = resolveLimit('maxInputPixels', limits.maxInputPixels, defaultMaxInputPixels);
  if (size.width * size.height * size.frames > most) {
    throw new UpresError(
      'INPUT_TOO_LARGE',
      `the image has ${describe(size)}, more than the limit of ${megapixels(most)}: raise maxInputPixels if it is meant to be so large`,
      { file },
    );
  }
}

/** Throws OUTPUT_TOO_LARGE when the result would have more pixels than are allowed, or than its format can hold. */
export function checkOutputSize(
  size: Size,
  format: OutputFormat,
  limit: number | undefined,
  file: string | undefined,
): void {
  const most = resolveLimit('maxOutputPixels', limit, defaultMaxOutputPixels);
  const { display, maxSide } = formatTraits[format];
  if (Math.max(size.width, size.height) > maxSide) {
    throw new UpresError(
      'OUTPUT_TOO_LARGE',
      `the result would have ${describe(size)}, but a ${display} has at most ${maxSide} on a side: ask for less, or for another format`,
      { file },
    );
  }
  if (size.width * size.height * size.frames > most) {
    throw new UpresError(
      'OUTPUT_TOO_LARGE',
      `the result would have ${describe(size)}, more than the limit of ${megapixels(most)}: ask for less, or raise maxOutputPixels`,
      { file },
    );
  }
}
