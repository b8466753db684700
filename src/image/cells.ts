import type { Frame, Samples } from './planes.js';

/**
 * How many pixels a side the squares have of which a picture consists throughout, as of pixel art or a code that was enlarged
 * by whole pixels: 1 where there are none. Exact: one pixel that differs from its square ends it.
 *
 * @param frame of more than one colour
 */
export function cellSize({ colour, alpha }: Frame): number {
  const { width, height, channels, data } = colour;
  const cover = alpha?.data;
  let cell = commonDivisor(width, height);
  for (let y = 0, pixel = 0; y < height && cell > 1; y++) {
    for (let x = 0; x < width && cell > 1; x++, pixel++) {
      if (x % cell !== 0 && differs(data, cover, channels, pixel, pixel - 1)) cell = commonDivisor(cell, x);
      if (y % cell !== 0 && differs(data, cover, channels, pixel, pixel - width)) cell = commonDivisor(cell, y);
    }
  }
  return cell;
}

function differs(data: Samples, cover: Samples | undefined, channels: number, a: number, b: number): boolean {
  if (cover?.[a] !== cover?.[b]) return true;
  // Colours under full transparency are whatever the program left there.
  if (cover?.[a] === 0) return false;
  for (let channel = 0; channel < channels; channel++) {
    if (data[a * channels + channel] !== data[b * channels + channel]) return true;
  }
  return false;
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}
