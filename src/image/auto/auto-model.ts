/** Stands for whichever network suits the picture. */
export const autoModel = 'auto';

/** The networks among which `auto` chooses. */
export const autoChoices = ['natural', 'natural-jpeg', 'art', 'nearest'] as const;

/** Those between which scores decide. */
export const scoredChoices = ['natural', 'natural-jpeg', 'art'] as const;

export type ScoredChoice = (typeof scoredChoices)[number];

/** Part of a cached result's key: goes up with every change that may choose otherwise. */
export const chooserVersion = 3;

export interface ModelChoice {
  readonly model: (typeof autoChoices)[number];
  /** In words, for people: `JPEG of quality 72, 512 colours, 1 % flat, 12 % of the steps hard`. */
  readonly reason: string;
}
