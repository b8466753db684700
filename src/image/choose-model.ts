import type { JpegStorage } from './jpeg-quality.js';
import type { PictureFeatures } from './picture-features.js';

/** Stands for whichever network suits the picture. */
export const autoModel = 'auto';

/** The networks among which `auto` chooses. */
export const autoChoices = ['natural', 'natural-jpeg', 'art'] as const;

/** Part of a cached result's key: goes up with every change that may choose otherwise. */
export const chooserVersion = 2;

export interface ModelChoice {
  readonly model: (typeof autoChoices)[number];
  /** In words, for people: `JPEG of quality 72, 5120 colours, 1 % flat, 12 % of the steps hard`. */
  readonly reason: string;
}

/** A JPEG, as far as the choice depends on it. */
export interface JpegDamage extends Pick<JpegStorage, 'quality' | 'squaredStep'> {
  /** Of the compressed pixels. */
  readonly bitsPerPixel: number;
}

/** Numbers that a choice is made of, each about as large as the next. */
interface Traits {
  /** Hard steps among all that can be seen, 0 to 1: the more, the more it is drawn. */
  readonly hard: number;
  /** Pixels that equal their neighbours, 0 to 1. */
  readonly flat: number;
  /** How a step predicts the next one, −1 to 1: in photographs edges are soft and go on rising, in drawings they don't. */
  readonly next: number;
  /** And the one after that: high where edges are wide, and in pictures that were enlarged before. */
  readonly afterNext: number;
}

interface JpegTraits extends Traits {
  /** Decimal logarithm of the mean squared quantisation step: 0 for quality 100, 1.1 for 90, 2.5 for 50. */
  readonly damage: number;
  /** Decimal logarithm of the picture's energy over the energy that quantisation may have put in for each bit that is stored. */
  readonly detail: number;
}

/** A sum of traits, each by its weight. */
interface Score<Trait extends string> {
  readonly start: number;
  readonly weights: Readonly<Record<Trait, number>>;
}

/*
 * How much each network is to be preferred to `natural`, whose score is 0. Logistic regression on 300 pictures, as PNG and as
 * JPEG at eleven qualities, each case weighted by the decibels between the best network and the second best, since where these
 * are equal it does not matter. `docs/quality.md` tells which pictures, and how often the best network is chosen among others.
 */
const artScore: Score<keyof Traits> = {
  start: -1.11,
  weights: { hard: 4.58, flat: 3.28, next: -7.5, afterNext: 2.38 },
};
const artScoreInJpeg: Score<keyof JpegTraits> = {
  start: -1.29,
  weights: { damage: 1.35, detail: -0.34, hard: 5.95, flat: 5.7, next: -7.05, afterNext: 2.31 },
};
const restorerScoreInJpeg: Score<keyof JpegTraits> = {
  start: 0.77,
  weights: { damage: 3, detail: -2.01, hard: 5.07, flat: 3.8, next: -2.87, afterNext: 7.62 },
};

/** Keeps logarithms finite: far below what a picture with anything in it has. */
const leastEnergy = 1e-3;

/**
 * Chooses a network for a picture. `natural-jpeg` is for JPEGs only: what it takes for damage in other files is the picture's.
 *
 * @param jpeg how it was stored; undefined for other formats
 */
export function chooseModel(features: PictureFeatures, jpeg: JpegDamage | undefined): ModelChoice {
  return { model: best(features, jpeg), reason: reasonFor(features, jpeg) };
}

function best(features: PictureFeatures, jpeg: JpegDamage | undefined): ModelChoice['model'] {
  // Of one colour, or too small to tell.
  if (features.energy === 0) return 'natural';
  const [next, afterNext] = features.following;
  const traits: Traits = { hard: hardShare(features), flat: features.flat, next, afterNext };
  if (!jpeg) return scoreOf(artScore, traits) > 0 ? 'art' : 'natural';
  const noise = jpeg.squaredStep * jpeg.bitsPerPixel;
  const jpegTraits: JpegTraits = {
    ...traits,
    damage: Math.log10(jpeg.squaredStep),
    detail: Math.log10((features.energy + leastEnergy) / noise),
  };
  const art = scoreOf(artScoreInJpeg, jpegTraits);
  const restorer = scoreOf(restorerScoreInJpeg, jpegTraits);
  if (Math.max(art, restorer) <= 0) return 'natural';
  return art > restorer ? 'art' : 'natural-jpeg';
}

function scoreOf<Trait extends string>(
  { start, weights }: Score<Trait>,
  traits: Readonly<Record<Trait, number>>,
): number {
  const names = Object.keys(weights) as Trait[];
  return names.reduce((sum, name) => sum + weights[name] * traits[name], start);
}

function hardShare({ soft, hard }: PictureFeatures): number {
  return soft + hard > 0 ? hard / (soft + hard) : 0;
}

function reasonFor(features: PictureFeatures, jpeg: JpegDamage | undefined): string {
  const { colours, flat } = features;
  return [
    ...(jpeg ? [`JPEG of quality ${jpeg.quality}`] : []),
    `${colours} ${colours === 1 ? 'colour' : 'colours'}`,
    `${percent(flat)} flat`,
    `${percent(hardShare(features))} of the steps hard`,
  ].join(', ');
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;
