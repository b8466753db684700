import { maxValue, type Plane } from './planes.js';

/**
 * Where the source is wholly transparent or wholly opaque and so are all pixels around, the enlarged alpha is exactly that,
 * too. Networks and bicubic alike ring beside edges: unseen, but one level above nothing is a ghost that compresses badly.
 * Edges themselves are left as they came out.
 *
 * @param enlarged changed in place; its sides are a multiple of the source's
 */
export function settleAlpha(enlarged: Plane, source: Plane): void {
  const { width, height, data } = source;
  const scale = enlarged.width / width;
  const full = maxValue(data);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = data[y * width + x]!;
      if ((value !== 0 && value !== full) || !isUniform(source, x, y, value)) continue;
      for (let row = y * scale; row < (y + 1) * scale; row++) {
        const start = row * enlarged.width + x * scale;
        for (let at = start; at < start + scale; at++) enlarged.data[at] = value;
      }
    }
  }
}

function isUniform({ width, height, data }: Plane, x: number, y: number, value: number): boolean {
  for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row++) {
    for (let column = Math.max(0, x - 1); column <= Math.min(width - 1, x + 1); column++) {
      if (data[row * width + column] !== value) return false;
    }
  }
  return true;
}
