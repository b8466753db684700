import type { Transform } from './astro.js';

interface Size {
  readonly width: number;
  readonly height: number;
}

/** As far as upres enlarges; what is wanted beyond that stays that size, as all that is too large does in Astro. */
const largest = 8;

/**
 * The whole factor by which a source has to be enlarged so that Astro's sharp service has nothing left to do but to reduce; 1
 * where it is large enough. Whole, so that all sizes and formats of a picture share few enlargements, and strangers who ask a
 * server for sizes can have it compute no more than those.
 */
export function enlargementFor(wanted: Pick<Transform, 'width' | 'height' | 'fit'>, source: Size): number {
  // Sizes that follow from a ratio are rounded: half a pixel is no reason for another step.
  const across = wanted.width ? (wanted.width - 0.5) / source.width : undefined;
  const down = wanted.height ? (wanted.height - 0.5) / source.height : undefined;
  const ratios = [across, down].filter((ratio) => ratio !== undefined);
  if (ratios.length === 0) return 1;
  // Astro's `fit` is CSS's, and sharp's where that has more; without one, sharp covers.
  const within = wanted.fit !== undefined && ['contain', 'inside', 'scale-down'].includes(wanted.fit);
  const ratio = within ? Math.min(...ratios) : Math.max(...ratios);
  return Math.min(largest, Math.max(1, Math.ceil(ratio)));
}
