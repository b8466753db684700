/** Stands for whichever network suits the picture. */
export const autoModel = 'auto';

/** What scores decide between, where the file was stored without loss and with loss. `art-jpeg` and the larger `anime-noise1` mend drawings. */
export const scoredChoices = {
  lossless: ['natural', 'natural-jpeg', 'art'],
  lossy: ['natural', 'natural-jpeg', 'art', 'art-jpeg', 'anime-noise1'],
} as const;

export type ScoredChoice = (typeof scoredChoices)[keyof typeof scoredChoices][number];

/** What rules take. */
export const ruledChoices = ['anime', 'anime-noise0', 'nearest', 'bicubic'] as const;

/** All among which `auto` chooses. */
export const autoChoices = [...scoredChoices.lossy, ...ruledChoices] as const;

/** Part of a cached result's key: goes up with every change that may choose otherwise. */
export const chooserVersion = 12;

export interface ModelChoice {
  readonly model: (typeof autoChoices)[number];
  /** In words, for people: `JPEG of quality 72, 512 colours, 1 % flat, 12 % of the steps hard`. */
  readonly reason: string;
}
