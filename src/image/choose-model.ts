import type { PictureFeatures } from './picture-features.js';

/** Stands for whichever network suits the picture. */
export const autoModel = 'auto';

/** The networks among which `auto` chooses. */
export const autoChoices = ['natural', 'natural-jpeg', 'art'] as const;

/** Part of a cached result's key: goes up with every change that may choose otherwise. */
export const chooserVersion = 1;

export interface ModelChoice {
  readonly model: (typeof autoChoices)[number];
  /** In words, for people: `JPEG of quality 72`. */
  readonly reason: string;
}

/** Up to here, blocks and ringing cost more than the restorer takes of the detail. */
const mostDamagedQuality = 90;

/** A drawing has areas of one colour; a thumbnail of a photograph, whose steps are as hard, has none. */
const leastFlat = 0.05;
/** From here on, so many of the steps between pixels are hard that the picture is drawn. */
const drawnShare = 0.4;
/** The encoder softens edges, and rings around them; where there is little texture beside them, fewer are enough. */
const drawnShareInJpeg = 0.28;
const mostTextureInJpeg = 0.3;

/**
 * Chooses a network for a picture.
 *
 * The thresholds were found on pictures of which reduced copies were enlarged by all three networks and compared with the
 * original (`docs/quality.md` tells on which, and how often the best one is chosen).
 *
 * @param quality of a JPEG, 1 to 100; undefined for other formats
 */
export function chooseModel(features: PictureFeatures, quality: number | undefined): ModelChoice {
  const stored = quality === undefined ? '' : `JPEG of quality ${quality}`;
  if (quality !== undefined && quality <= mostDamagedQuality) return { model: 'natural-jpeg', reason: stored };
  const { colours, flat, soft, hard } = features;
  const share = soft + hard > 0 ? hard / (soft + hard) : 0;
  const hardEnough =
    quality === undefined ? share >= drawnShare : share >= drawnShareInJpeg && soft <= mostTextureInJpeg;
  const drawn = flat >= leastFlat && hardEnough;
  const counts = `${colours} ${colours === 1 ? 'colour' : 'colours'}, ${percent(flat)} flat, ${percent(share)} of the steps hard`;
  return { model: drawn ? 'art' : 'natural', reason: stored === '' ? counts : `${stored}, ${counts}` };
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;
