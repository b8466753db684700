import { scoredChoices, type ModelChoice, type ScoredChoice } from './auto-model.js';
import { weights, type Weights } from './choice-weights.js';
import { forPixels, isMadeOfPixels } from './made-of-pixels.js';
import { mostColours } from './picture-features.js';
import { formatOf, hardShare, leastSquaredStep, type Sight } from './sight.js';

/** Keeps logarithms finite: far below what a picture with anything in it has. */
const leastEnergy = 1e-3;

/**
 * Chooses a network for a picture: whole pixels where the picture consists of them, otherwise the network with the highest
 * score, which is a sum of traits, each by its weight, or what a rule puts in its place. `docs/quality.md` tells where weights
 * and rules come from.
 */
export function chooseModel(sight: Sight): ModelChoice {
  const model = isMadeOfPixels(sight) ? forPixels(sight) : ruled(best(sight), sight);
  return { model, reason: reasonFor(sight) };
}

/**
 * A small drawing in several colours, as an emoji or a flag. The result has so few pixels that eight times the time is a quarter
 * of a second. With as many colours as inks, its edges are straight and lie between pixels, where `art` is exact.
 */
const colourful = { leastInks: 0.18, leastColours: 9, mostResult: 256 ** 2 };

/**
 * A drawing that was reduced by a kernel with negative lobes, as by sharp's default: its edges ring, which `art` keeps and
 * `anime` takes out. Thin strokes of small icons only look so. Where a photograph was expected, it has to be flat and its edges
 * hard as well. A result of that many pixels takes four seconds.
 */
const rung = { leastRinging: 0.12, leastSide: 32, leastFlat: 0.25, leastHard: 0.4, mostResult: 1024 ** 2 };

/**
 * Even stripes as fine as pixels, in a photograph whose other edges are smooth: what a reduction by the mean of pixels makes of
 * finer ones. They run in a wrong direction, and networks make them sharp.
 */
const folded = { leastStriped: 0.055, leastOfTurning: 0.28, leastNext: -0.2, mostNext: 0, mostFlat: 0.1 };

/**
 * A photograph in a palette of few colours, as GIFs and PNGs made small have them: dithered or in bands, which `natural` makes sharp
 * and `natural-jpeg` takes for an encoder's noise. A grey one has few colours without a palette.
 */
const palette = { mostColours: 128, mostGreys: 32, leastInks: 0.005, leastPixelsPerColour: 32 };

/**
 * So dull that what an encoder left of it is as uneven as what was drawn: networks make both sharp, and lie below bicubic. AVIF
 * keeps edges well enough for `art`.
 */
const dull = { mostContrast: { JPEG: 24, WebP: 32, AVIF: 48 } };

/** The squared step up to which a drawing needs the gentler of two restorers: JPEG leaves more to mend. */
const gentle = { mostSquaredStep: { WebP: 200, AVIF: 400, JPEG: 0 } };

/**
 * What is left of a code in a JPEG of low quality: two inks, and steps that none follows, or that the next one undoes. The larger
 * restorer draws its squares anew.
 */
const wornCode = { mostColours: 128, mostInks: 0.01, mostNext: 0.02, undone: -0.35 };

/** What is taken where a network has the highest score: mostly that. */
export function ruled(model: ScoredChoice, sight: Sight): ModelChoice['model'] {
  const { features, damage } = sight;
  const { striped, turning, following, flat, contrast } = features;
  if (damage && model !== 'art' && contrast <= dull.mostContrast[formatOf(damage)])
    return formatOf(damage) === 'AVIF' ? 'art' : 'bicubic';
  if (!damage && isForAnime(model, sight)) return 'anime';
  if (!damage && model === 'natural' && isInPalette(features)) return 'natural-jpeg';
  if (model === 'art-jpeg')
    return damage && formatOf(damage) === 'JPEG' && isWornCode(features) ? 'anime-noise1' : model;
  if (model === 'art') return model;
  if (model === 'anime-noise1')
    return damage && damage.squaredStep <= gentle.mostSquaredStep[formatOf(damage)] ? 'anime-noise0' : model;
  const stripes = striped >= folded.leastStriped && striped >= folded.leastOfTurning * turning;
  return stripes && flat <= folded.mostFlat && following[0] > folded.leastNext && following[0] < folded.mostNext
    ? 'bicubic'
    : model;
}

function isWornCode({ colours, inks, following: [next] }: Sight['features']): boolean {
  if (colours > wornCode.mostColours || inks >= wornCode.mostInks) return false;
  return Math.abs(next) <= wornCode.mostNext || next <= wornCode.undone;
}

function isInPalette({ colours, inks, area }: Sight['features']): boolean {
  const most = inks < palette.leastInks ? palette.mostGreys : palette.mostColours;
  return colours <= most && area >= palette.leastPixelsPerColour * colours;
}

/** Whether `anime` gains enough for eight times the time. */
function isForAnime(model: ScoredChoice, { features, factor }: Sight): boolean {
  const { inks, colours, ringing, side, flat, area } = features;
  const result = area * factor ** 2;
  const severalInks = inks >= colourful.leastInks && colours >= colourful.leastColours;
  if (model === 'art' && severalInks && result <= colourful.mostResult) return true;
  if (ringing < rung.leastRinging || side < rung.leastSide || result > rung.mostResult) return false;
  return model === 'art' || (flat >= rung.leastFlat && hardShare(features) >= rung.leastHard);
}

function best(sight: Sight): ScoredChoice {
  const traits = traitsOf(sight);
  const storage = storageOf(traits);
  const table: Weights = weights[storage];
  const score = (label: ScoredChoice): number =>
    Object.entries(table[label]!).reduce((sum, [name, weight]) => sum + weight * traits[name]!, 0);
  const labels: readonly ScoredChoice[] = scoredChoices[storage];
  return labels.reduce((first, label) => (score(label) > score(first) ? label : first));
}

/** Which table of weights is for these traits: a picture that lost next to nothing counts as one without loss. */
export function storageOf(traits: Readonly<Record<string, number>>): keyof typeof scoredChoices {
  return 'damage' in traits ? 'lossy' : 'lossless';
}

/** Numbers that a choice is made of, each about as large as the next. */
export function traitsOf({ features, damage, factor }: Sight): Readonly<Record<string, number>> {
  const { flat, following, ramped, ringing, turning, translucent, cutOut, side, colours, pixels, energy } = features;
  const plain = {
    start: 1,
    hard: hardShare(features),
    flat,
    next: following[0],
    afterNext: following[1],
    ramped,
    ringing,
    turning,
    translucent,
    cutOut: cutOut ? 1 : 0,
    side: Math.log2(side) / 10,
    colours: Math.log2(colours) / 10,
    sparse: Math.log2(pixels / colours) / 10,
    large: factor > 2 ? 1 : 0,
    energy: Math.log10(energy + leastEnergy) / 4,
  };
  if (!damage || damage.squaredStep <= leastSquaredStep) return plain;
  const noise = damage.squaredStep * damage.bitsPerPixel;
  return {
    ...plain,
    damage: Math.log10(damage.squaredStep),
    detail: Math.log10((energy + leastEnergy) / noise),
    block4: formatOf(damage) === 'WebP' ? 1 : 0,
    block64: formatOf(damage) === 'AVIF' ? 1 : 0,
  };
}

function reasonFor({ features, damage, cell }: Sight): string {
  const { colours, flat } = features;
  return [
    ...(damage ? [damage.told] : []),
    `${colours === mostColours ? 'many' : colours} ${colours === 1 ? 'colour' : 'colours'}`,
    ...(cell > 1 && colours > 1 ? [`squares of ${cell} pixels`] : []),
    `${percent(flat)} flat`,
    `${percent(hardShare(features))} of the steps hard`,
  ].join(', ');
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;
