import type { LossyStorage } from './lossy-storage.js';
import { mostColours, type PictureFeatures } from './picture-features.js';
import { weights, type Weights } from './choice-weights.js';

/** Stands for whichever network suits the picture. */
export const autoModel = 'auto';

/** The networks among which `auto` chooses. */
export const autoChoices = ['natural', 'natural-jpeg', 'art', 'nearest'] as const;

export type AutoChoice = (typeof autoChoices)[number];

/** Part of a cached result's key: goes up with every change that may choose otherwise. */
export const chooserVersion = 3;

export interface ModelChoice {
  readonly model: AutoChoice;
  /** In words, for people: `JPEG of quality 72, 512 colours, 1 % flat, 12 % of the steps hard`. */
  readonly reason: string;
}

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

/** Keeps logarithms finite: far below what a picture with anything in it has. */
const leastEnergy = 1e-3;

/**
 * Chooses a network for a picture: whole pixels where the picture consists of squares, otherwise the one with the highest
 * score, which is a sum of traits, each by its weight. `docs/quality.md` tells where the weights come from.
 */
export function chooseModel(sight: Sight): ModelChoice {
  return { model: best(sight), reason: reasonFor(sight) };
}

function best(sight: Sight): AutoChoice {
  // One colour, or one pixel: all give the same, and this is the cheapest.
  if (sight.features.energy === 0 || sight.cell > 1) return 'nearest';
  const scores = scoresOf(sight.damage ? weights.lossy : weights.lossless, traitsOf(sight));
  return autoChoices.reduce((first, label) => (scores[label] > scores[first] ? label : first));
}

function scoresOf(table: Weights, traits: Readonly<Record<string, number>>): Record<AutoChoice, number> {
  const score = (label: AutoChoice): number =>
    Object.entries(table[label]).reduce((sum, [name, weight]) => sum + weight * traits[name]!, 0);
  return {
    natural: score('natural'),
    'natural-jpeg': score('natural-jpeg'),
    art: score('art'),
    nearest: score('nearest'),
  };
}

/** Numbers that a choice is made of, each about as large as the next. */
export function traitsOf({ features, damage, factor }: Sight): Readonly<Record<string, number>> {
  const { flat, following, ramped, ringing, translucent, colours, pixels, energy } = features;
  const plain = {
    start: 1,
    hard: hardShare(features),
    flat,
    next: following[0],
    afterNext: following[1],
    ramped,
    ringing,
    translucent,
    colours: Math.log2(colours) / 10,
    sparse: Math.log2(pixels / colours) / 10,
    large: factor > 2 ? 1 : 0,
    energy: Math.log10(energy + leastEnergy) / 4,
  };
  if (!damage) return plain;
  const noise = damage.squaredStep * damage.bitsPerPixel;
  return {
    ...plain,
    damage: Math.log10(damage.squaredStep),
    detail: Math.log10((energy + leastEnergy) / noise),
    block4: damage.told.startsWith('WebP') ? 1 : 0,
    block64: damage.told.startsWith('AVIF') ? 1 : 0,
  };
}

function hardShare({ soft, hard }: PictureFeatures): number {
  return soft + hard > 0 ? hard / (soft + hard) : 0;
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
