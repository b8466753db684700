import type { LossyStorage } from './lossy-storage.js';
import type { PictureFeatures } from './picture-features.js';

/** Loss in a stored picture, as far as the choice depends on it. */
export interface Damage extends Pick<LossyStorage, 'told' | 'squaredStep'> {
  /** Of the compressed pixels. */
  readonly bitsPerPixel: number;
}

/** All that a choice depends on. */
export interface Sight {
  readonly features: PictureFeatures;
  /** Undefined for what was stored without loss. */
  readonly damage: Damage | undefined;
  /** Pixels a side of the squares that the picture consists of; 1 for none. */
  readonly cell: number;
  /** How much larger the picture is to be. */
  readonly factor: number;
}

/** Steps of one level lose no more than rounding does: a JPEG of quality 98 is as good as a PNG. */
export const leastSquaredStep = 1.5;

/** Which encoder lost it: they leave different noise. */
export function formatOf({ told }: Damage): 'JPEG' | 'WebP' | 'AVIF' {
  return told.startsWith('WebP') ? 'WebP' : told.startsWith('AVIF') ? 'AVIF' : 'JPEG';
}

/** Of the steps that can be seen, the share of the hard ones; 0 where there are none. */
export function hardShare({ soft, hard }: PictureFeatures): number {
  return soft + hard > 0 ? hard / (soft + hard) : 0;
}
