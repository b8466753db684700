import type { Approximation } from './weights/weights-manifest.js';

/** What a result says where it was made of tiles that only come near the whole: of a network that looks too far for more. */
export interface Approximate {
  /** 1 where tiles come near the whole; absent where the result equals it. */
  readonly approximate?: 1;
  /** The largest difference from the whole that a trial saw, in levels of 255; absent where it could not be tried. */
  readonly approximateBy?: number;
}

/** Differences of less, in levels of 255, are rounding. */
export const ROUNDING = 0.05;

/** What is said of tiles. */
export function approximate(approximation: Approximation | undefined): Approximate {
  const levels = approximation?.levels;
  if (!approximation || (levels !== undefined && levels < ROUNDING)) return {};
  return { approximate: 1, ...(levels !== undefined && { approximateBy: Math.round(levels * 100) / 100 }) };
}

/** What is said of a result that was made of several: what is unknown of one is unknown of all. */
export function worst(all: readonly Approximate[]): Approximate {
  const near = all.filter((one) => one.approximate !== undefined);
  if (near.length === 0) return {};
  const levels = near.map(({ approximateBy }) => approximateBy ?? Infinity);
  const most = Math.max(...levels);
  return { approximate: 1, ...(Number.isFinite(most) && { approximateBy: most }) };
}

/** What is said of it, without all else. */
export const approximateOnly = ({ approximate, approximateBy }: Approximate): Approximate => ({
  ...(approximate !== undefined && { approximate }),
  ...(approximateBy !== undefined && { approximateBy }),
});

/** In words, for a line that goes on; empty where the result equals the whole. */
export function nearness({ approximate, approximateBy }: Approximate): string {
  if (approximate === undefined) return '';
  const by = approximateBy === undefined ? 'by an unknown amount' : `by ${approximateBy} of 255 levels at most`;
  return `, approximate ${by}`;
}
