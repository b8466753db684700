import type { FixedSize } from '../../model/catalogue/geometry.js';
import type { Approximation } from '../weights/weights-manifest.js';
import { untrimmedTile, type TilePlan } from './tiles.js';

/** Input pixels that tiles see beyond the picture's borders, where they see more than the picture. */
const border = 32;

/** Cores and reads along one axis. */
interface Span {
  readonly start: number;
  readonly length: number;
  readonly read: number;
}

/**
 * Cuts an image for a network that takes pictures of one size alone: every tile reads as much. A small image, or what is left of a
 * large one at its end, is mirrored until that is full. Neither threads nor memory have a part in it.
 */
export function planFixedTiles(
  { width, height }: { readonly width: number; readonly height: number },
  size: FixedSize,
  approximation: Approximation,
): TilePlan {
  const fits = width <= size.width && height <= size.height;
  // Of one that sees no seams, borders are nothing but black for the network; of another, each cut is worse than that.
  const seamless = approximation.levels !== undefined && approximation.levels <= 1;
  const rows = spans(height, size.height, approximation, fits && !seamless);
  const columns = spans(width, size.width, approximation, fits && !seamless);
  const tiles = rows.flatMap((row) =>
    columns.map((column) =>
      untrimmedTile(
        { x: column.start, y: row.start, width: column.length, height: row.length },
        { x: column.read, y: row.read, width: size.width, height: size.height },
      ),
    ),
  );
  const computedPixels = tiles.length * size.width * size.height;
  return { tiles, computedPixels, waste: computedPixels / (width * height) - 1 };
}

function spans(length: number, size: number, { halo, unit }: Approximation, whole: boolean): Span[] {
  const down = (pixels: number): number => Math.floor(pixels / unit) * unit;
  const before = whole ? 0 : Math.min(halo, Math.max(down(border), unit));
  if (length + 2 * before <= size) return [{ start: 0, length, read: -down((size - length) / 2) }];
  const step = down(size - 2 * halo);
  const parts = Math.ceil((length + 2 * before - size) / step) + 1;
  const startOf = (part: number): number => (part === 0 ? 0 : part * step - before + halo);
  return Array.from({ length: parts }, (_, part) => {
    const end = part === parts - 1 ? length : startOf(part + 1);
    return { start: startOf(part), length: end - startOf(part), read: part * step - before };
  });
}
