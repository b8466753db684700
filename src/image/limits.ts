import { UpresError } from '../errors.js';
import { number, options, type TypeOf } from '../schema.js';
import { formatTraits, type OutputFormat } from './codec/formats.js';

export const limitOptions = options({
  /**
   * Pixels of the image, all frames counted.
   * @default 100 million
   */
  maxInputPixels: number({ from: 1, of: 'pixels' }),
  /**
   * Pixels of the result, all frames counted.
   * @default 400 million
   */
  maxOutputPixels: number({ from: 1, of: 'pixels' }),
  /**
   * Frames of an animation that is read; each costs a call of the network, however small it is.
   * @default 1000, which is more than a minute of 15 a second
   */
  maxFrames: number({ from: 1, of: 'frames' }),
});

/** Bounds on a picture, checked by its header before anything is decoded. Infinity switches one off. */
export interface PixelLimits extends TypeOf<typeof limitOptions> {}

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

/** Throws INPUT_TOO_LARGE when the header promises more pixels or frames than are allowed. */
export function checkInputSize(size: Size, limits: PixelLimits, file: string | undefined): void {
  const mostFrames = limits.maxFrames ?? defaultMaxFrames;
  if (size.frames > mostFrames) {
    throw new UpresError(
      'INPUT_TOO_LARGE',
      `the animation has ${size.frames} frames, more than the limit of ${mostFrames}: raise maxFrames if it is meant to be so long`,
      { file },
    );
  }
  const most = limits.maxInputPixels ?? defaultMaxInputPixels;
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
  const most = limit ?? defaultMaxOutputPixels;
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
