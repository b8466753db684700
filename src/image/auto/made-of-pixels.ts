import type { ModelChoice } from './auto-model.js';
import { fewColours, type PictureFeatures } from './picture-features.js';
import { formatOf, hardShare, leastSquaredStep, type Sight } from './sight.js';

/**
 * What pixel art has at most of edges in two steps, as smoothed ones are, and of its colours that are mixtures. Encoders that lose
 * something make new colours, so there the hard steps have to be most of those that can be seen.
 */
const pixelArt = { mostRamped: 0.18, mostMixed: 0.4, mostRampedWithLoss: 0.1, leastHardWithLoss: 0.65 };

/**
 * Codes and sprites whose steps an encoder wore down. Where cells are pixels, most steps are undone by the next one: in sprites,
 * which have few mixtures and, once there is noise, turn at every corner; and in codes, which have many mixtures. So it is in line
 * icons, but they are translucent, or smaller than codes can be. Where cells are larger, no step follows.
 */
const worn = {
  sprite: { mostNext: -0.19, mostMixed: 0.15, leastTurning: 0.14 },
  clearSprite: { mostNext: -0.1, mostRamped: 0.12, leastHard: 0.45 },
  code: { mostNext: -0.35, leastSide: 21, mostRamped: 0.26, leastHard: 0.5 },
  larger: { mostNext: 0.005, mostRamped: 0.1, leastHard: 0.78 },
};

/**
 * What the step after next tells, where something was lost. Cells two pixels wide turn back there, and nearly all of their steps
 * are at every other place; lines of two equal greys, as smoothing makes of thin ones, turn back as well, but lie anywhere. Where
 * cells are pixels, the step after next hardly depends on the first; that of smoothed bars does.
 */
const afterNextStep = {
  pairs: { mostNext: 0.02, mostAfter: -0.05, leastPaired: 0.97 },
  smoothed: { mostNext: -0.2, leastOfNext: 0.6 },
};

/**
 * A code of two inks and larger cells. What is wrong with it in a JPEG or a WebP is the noise about its edges, which a restorer
 * takes away. At other scales than two and four its result is reduced, which blurs it: there, a little noise is the lesser evil.
 */
const largeCode = {
  mostNext: 0.01,
  mostColours: 128,
  mostInks: 0.01,
  mostRamped: 0.25,
  leastHard: 0.45,
  noisyStep: 25,
};

/** From this squared step on, a JPEG's noise is worse in a code of single pixels than what a restorer makes of it. */
const noisyCode = { leastSquaredStep: 100, mostInks: largeCode.mostInks };

/**
 * Steps of single pixels are often undone by the next one, and those of larger cells are followed by none. In between, and flat
 * for the most part, are drawings whose edges are straight, as flags of stripes.
 */
const straight = { leastNext: -0.25, mostNext: -0.005, leastFlat: 0.4 };

/**
 * Photographs that were stored in a palette of few colours have no mixtures among these either, but most of their steps are soft,
 * or lie on slopes. Small sprites may be as soft; and where hardly a step is hard, nothing was drawn of pixels.
 */
const shaded = { leastArea: 64 ** 2, mostHard: 0.5, mostHardAnyway: 0.15 };

/** As many mixtures can come about by chance. */
const fewMixtures = 3;

/**
 * Whether whole pixels are right: those of pixel art and of codes, enlarged before or not. Also where nothing is to be seen,
 * as in one colour or one pixel: all networks give the same there, and none is as cheap.
 */
export function isMadeOfPixels({ features, damage, cell }: Sight): boolean {
  const { colours, mixed, energy, hard, ramped, following, flat, translucent } = features;
  if (energy === 0 || cell > 1) return true;
  if (hard === 0) return false;
  if (damage) {
    if (isSmoothed(features)) return false;
    if (isWorn(features) || isLargeCode(features)) return true;
  }
  // In a drawing with smooth edges, a step upwards is followed by another one; here it is followed by none, or undone.
  if (following[0] > 0) return false;
  if (mixed > Math.max(fewMixtures, pixelArt.mostMixed * colours)) return false;
  if (
    (damage || mixed > 0 || translucent > 0) &&
    flat > straight.leastFlat &&
    following[0] > straight.leastNext &&
    following[0] < straight.mostNext
  )
    return false;
  if (damage) return ramped <= pixelArt.mostRampedWithLoss && hardShare(features) >= pixelArt.leastHardWithLoss;
  if (isShaded(features)) return false;
  // A palette may have steps of its own, as of a sky: where no colour is a mixture, none is a smoothed edge.
  return colours <= fewColours && (ramped <= pixelArt.mostRamped || mixed === 0);
}

function isShaded(features: PictureFeatures): boolean {
  const hard = hardShare(features);
  if (features.area < shaded.leastArea) return false;
  return hard < shaded.mostHardAnyway || (hard < shaded.mostHard && features.ramped > pixelArt.mostRamped);
}

function isSmoothed({ following: [next, afterNext], paired }: PictureFeatures): boolean {
  const { pairs, smoothed } = afterNextStep;
  if (Math.abs(next) <= pairs.mostNext) return afterNext <= pairs.mostAfter && paired < pairs.leastPaired;
  return next <= smoothed.mostNext && afterNext <= smoothed.leastOfNext * next;
}

function isWorn(features: PictureFeatures): boolean {
  const { ramped, following, side, mixed, colours, turning, translucent } = features;
  const [next] = following;
  const hard = hardShare(features);
  const { sprite, clearSprite, code, larger } = worn;
  if (Math.abs(next) <= larger.mostNext) return ramped <= larger.mostRamped && hard >= larger.leastHard;
  if (translucent > 0) return false;
  const fewMixed = mixed <= sprite.mostMixed * colours;
  const clear = ramped <= clearSprite.mostRamped && hard >= clearSprite.leastHard;
  if (clear && fewMixed && next <= clearSprite.mostNext) return true;
  if (ramped > code.mostRamped || hard < code.leastHard) return false;
  if (next <= code.mostNext && side >= code.leastSide) return true;
  return fewMixed && next <= sprite.mostNext && turning >= sprite.leastTurning;
}

function isLargeCode(features: PictureFeatures): boolean {
  const { ramped, following, colours, inks } = features;
  const plain = colours <= largeCode.mostColours && inks < largeCode.mostInks;
  const large = Math.abs(following[0]) <= largeCode.mostNext;
  return plain && large && ramped <= largeCode.mostRamped && hardShare(features) >= largeCode.leastHard;
}

/** What is taken where a picture is made of pixels. */
export function forPixels({ features, damage, factor }: Sight): ModelChoice['model'] {
  if (!damage || features.energy === 0) return 'nearest';
  const format = formatOf(damage);
  const reduced = factor !== 2 && factor !== 4;
  if (!isLargeCode(features)) {
    const code = features.following[0] <= worn.code.mostNext && features.inks < noisyCode.mostInks;
    const noisy = format === 'JPEG' && damage.squaredStep >= noisyCode.leastSquaredStep;
    return code && noisy && !reduced ? 'anime-noise1' : 'nearest';
  }
  if (format === 'AVIF' || damage.squaredStep <= leastSquaredStep) return 'nearest';
  return reduced && (format === 'WebP' || damage.squaredStep <= largeCode.noisyStep) ? 'nearest' : 'anime-noise1';
}
