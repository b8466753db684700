import { inBands } from '../give-way.js';
import { maxValue, type Plane } from './planes.js';

/**
 * Where the source is wholly transparent or wholly opaque and so are all pixels around, the enlarged alpha is exactly that,
 * too. Networks and bicubic alike ring beside edges: unseen, but one level above nothing is a ghost that compresses badly.
 * Edges themselves are left as they came out.
 *
 * @param enlarged changed in place; its sides are a multiple of the source's
 */
export async function settleAlpha(enlarged: Plane, source: Plane): Promise<void> {
  const { width, height, data } = source;
  const scale = enlarged.width / width;
  const full = maxValue(data);
  await inBands(height, width * (12 + scale ** 2), (from, to) => {
    for (let y = from; y < to; y++) {
      for (let x = 0; x < width; x++) {
        const value = data[y * width + x]!;
        if ((value !== 0 && value !== full) || !isUniform(source, x, y, value)) continue;
        for (let row = y * scale; row < (y + 1) * scale; row++) {
          const start = row * enlarged.width + x * scale;
          for (let at = start; at < start + scale; at++) enlarged.data[at] = value;
        }
      }
    }
  });
}

function isUniform({ width, height, data }: Plane, x: number, y: number, value: number): boolean {
  const bottom = Math.min(height - 1, y + 1);
  const left = Math.max(0, x - 1);
  const right = Math.min(width - 1, x + 1);
  for (let row = Math.max(0, y - 1); row <= bottom; row++) {
    for (let at = row * width + left; at <= row * width + right; at++) if (data[at] !== value) return false;
  }
  return true;
}
