import { inBands } from '../../event-loop.js';
import type { Frame, Samples } from '../../pixels.js';

/**
 * How many pixels a side the squares have of which a picture consists throughout, as of pixel art or a code that was enlarged
 * by whole pixels: 1 where there are none. Exact: one pixel that differs from its square ends it.
 *
 * @param frame of more than one colour
 */
export async function cellSize({ colour, alpha }: Frame): Promise<number> {
  const { width, height, channels, data } = colour;
  const cover = alpha?.data;
  let cell = commonDivisor(width, height);
  const scan = (from: number, to: number): void => {
    for (let y = from; y < to && cell > 1; y++) {
      for (let x = 0, pixel = y * width; x < width && cell > 1; x++, pixel++) {
        if (x % cell !== 0 && differs(data, cover, channels, pixel, pixel - 1)) cell = commonDivisor(cell, x);
        if (y % cell !== 0 && differs(data, cover, channels, pixel, pixel - width)) cell = commonDivisor(cell, y);
      }
    }
  };
  // Nearly all pictures are known by their first rows.
  const first = Math.min(height, 4);
  scan(0, first);
  if (cell > 1) {
    await inBands(height - first, width * 2 * channels, (from, to) => {
      scan(first + from, first + to);
    });
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
