import type { PixelArray, PixelImage } from '../../pixels.js';

/** The place inside 0..length-1 that is seen at `place` in a pair of mirrors along the edges: -1 is 0, -2 is 1. */
export function mirror(place: number, length: number): number {
  const period = 2 * length;
  const within = ((place % period) + period) % period;
  return within < length ? within : period - 1 - within;
}

/**
 * Copies a piece of a row. Beyond its edges the image is mirrored (symmetrically, the outermost pixels twice): flat areas stay
 * flat and lines go on, where the black with which networks pad would draw a rim. Measured on Set14 ×2, mirroring gives 0.05 dB
 * more than repeating the outermost pixel.
 * @param x first pixel; may be negative
 * @param y row; may be outside
 * @param count pixels
 * @param target takes `count * channels` values from `offset` on
 */
export function copyMirroredRow(
  { data, width, height, channels }: PixelImage<PixelArray>,
  x: number,
  y: number,
  count: number,
  target: PixelArray,
  offset: number,
): void {
  const row = mirror(y, height) * width;
  const first = Math.min(count, Math.max(0, -x));
  const last = Math.max(first, Math.min(count, width - x));
  if (last > first) {
    target.set(data.subarray((row + x + first) * channels, (row + x + last) * channels), offset + first * channels);
  }
  const copy = (index: number): void => {
    const from = (row + mirror(x + index, width)) * channels;
    for (let channel = 0; channel < channels; channel++) {
      target[offset + index * channels + channel] = data[from + channel]!;
    }
  };
  for (let index = 0; index < first; index++) copy(index);
  for (let index = last; index < count; index++) copy(index);
}
