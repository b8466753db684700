import type { WaitBudget } from './wait-budget.js';

/** Values that survive in a JSON file. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** Figures for people. */
export interface Table {
  readonly caption: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** What a figure should be at least, or at most. */
export interface Goal {
  readonly what: string;
  readonly value: number;
  readonly bound: { readonly atLeast: number } | { readonly atMost: number };
  /** The value and its bound in words. */
  readonly show: (value: number) => string;
}

/** What one measurement found. */
export interface Findings {
  readonly tables: readonly Table[];
  readonly goals: readonly Goal[];
  /** Every single value, for other programs. */
  readonly figures: Json;
}

/** What every measurement is given. */
export interface Setting {
  /** Small pictures and few repetitions: shows that the bench works, not how fast upres is. */
  readonly quick: boolean;
  /** Of a measurement that can be taken in parts, the names of those that are wanted; undefined: all. */
  readonly parts: readonly string[] | undefined;
  /** Repetitions of what is compared. */
  readonly pairs: number;
  /** How long this measurement may wait for other programs to come to rest. */
  readonly waitBudget: WaitBudget;
  /** Told how many cores other programs used at most during the rounds that count. */
  readonly disturbed: (cores: number) => void;
  /** A folder for pictures and results, removed at the end. */
  readonly folder: string;
  /** Where prepared weights are kept, removed at the end: never the user's own. */
  readonly cacheFolder: string;
  /** Photographs in the layout of `readSet`, where there are some. */
  readonly data: string | undefined;
  /** A file for a plot, where one is wanted. */
  readonly plot: string | undefined;
  /** Tells whoever watches what goes on. */
  readonly say: (text: string) => void;
}

/** One thing that the bench measures. */
export interface Measurement {
  /** What `--only` calls it. */
  readonly name: string;
  readonly title: string;
  /** Whether it is left out of what is measured when nothing is named. */
  readonly onlyIfNamed?: boolean;
  /** What `--part` calls its parts, where it has any. */
  readonly parts?: readonly string[];
  readonly run: (setting: Setting) => Promise<Findings>;
}

export function isMet({ value, bound }: Goal): boolean {
  return 'atLeast' in bound ? value >= bound.atLeast : value <= bound.atMost;
}
