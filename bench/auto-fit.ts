// Fits the weights by which `auto` chooses to what `auto-measure.ts` measured, and tells how good the choice is.
//
//   node out/bench/auto-fit.js FOLDER... [--write src/image/auto/choice-weights.ts]
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { lookAt } from '#src/image/auto/choose-for-picture.js';
import {
  autoChoices,
  ruledChoices,
  scoredChoices,
  type ModelChoice,
  type ScoredChoice,
} from '#src/image/auto/auto-model.js';
import { ruled, storageOf, traitsOf } from '#src/image/auto/choose-model.js';
import { forPixels, isMadeOfPixels } from '#src/image/auto/made-of-pixels.js';
import type { Sight } from '#src/image/auto/sight.js';
import { decode } from '#src/image/codec/decode.js';
import { PictureTimer } from '#src/image/picture-timer.js';
import { readHeader } from '#src/image/codec/read-header.js';
import { Dice } from './dice.js';
import { textTable } from './text-table.js';

interface Measured {
  readonly file: string;
  readonly kind: string;
  readonly name: string;
  readonly storage: string;
  readonly scale: number;
  readonly rgb: Readonly<Record<string, number>>;
  readonly luma: Readonly<Record<string, number>>;
}

interface Case extends Measured {
  readonly sight: Sight;
  readonly traits: Readonly<Record<string, number>>;
  /** dB of each choice behind the best one, of those that such a file may get. */
  readonly behind: Readonly<Partial<Record<string, number>>>;
  /** dB of bicubic before the best one. */
  readonly bicubic: number;
}

type Choice = ModelChoice['model'];

/** Weights by choice and trait. */
type Fit = number[][];

/** What its time costs, in dB: eight times that of the others. A photograph does not gain enough for it. */
const slow = { choice: 'anime-noise1', drawing: 0.1, photograph: 1 } as const;

const { values, positionals } = parseArgs({ allowPositionals: true, options: { write: { type: 'string' } } });
const cases = (await Promise.all(positionals.map(readCases))).flat();
const folds = 5;
const steps = 1200;
const chosen = new Map<Case, Choice>();
const fitted: Record<string, { names: string[]; fit: Fit }> = {};
for (const storage of ['lossless', 'lossy'] as const) {
  const labels = scoredChoices[storage];
  const some = cases.filter(({ traits }) => storageOf(traits) === storage);
  const free = some.filter(({ sight }) => !isMadeOfPixels(sight));
  for (const one of some) chosen.set(one, forPixels(one.sight));
  const names = Object.keys(free[0]?.traits ?? {});
  for (let fold = 0; fold < folds; fold++) {
    const isOut = (one: Case): boolean => new Dice(familyOf(one)).within(0, folds) === fold;
    const fit = fitTo(
      free.filter((one) => !isOut(one)),
      labels,
      names,
    );
    for (const one of free.filter(isOut)) {
      const best = bestOf(fit, labels, names, one);
      const taken = ruled(best, one.sight);
      chosen.set(one, one.behind[taken] === undefined ? best : taken);
    }
  }
  fitted[storage] = { names, fit: fitTo(free, labels, names) };
}
print();
if (values.write !== undefined) await writeFile(values.write, source());

/** What is left out together: a whole set of icons and a whole kind of page, but of photographs and clip art one picture. */
function familyOf({ kind, name }: Case): string {
  return kind === 'photo' || kind === 'drawing' ? `${kind} ${name.split(' ')[0]}` : kind;
}

async function readCases(folder: string): Promise<Case[]> {
  const lines = (await readFile(join(folder, 'cases.jsonl'), 'utf8')).trim().split('\n');
  const read: Case[] = [];
  for (const line of lines) {
    const one = JSON.parse(line) as Measured;
    const bytes = await readFile(join(folder, one.file));
    const header = await readHeader(bytes);
    const [frame] = await decode(bytes, header, {
      frames: 1,
      colour: 'srgb',
      file: undefined,
      timer: new PictureTimer(),
    });
    const sight = await lookAt(bytes, header, frame!, one.scale);
    const traits = traitsOf(sight);
    const found = one.kind === 'photo' ? one.luma : one.rgb;
    const scored = scoredChoices[storageOf(traits)];
    // Measured before there was one of these networks.
    if ([...scored, 'nearest', 'bicubic'].some((label) => found[label] === undefined)) continue;
    const labels = [...scored, ...ruledChoices].filter((label) => found[label] !== undefined);
    const best = Math.max(...labels.map((label) => found[label]!));
    const behind = Object.fromEntries(labels.map((label) => [label, best - found[label]!]));
    read.push({ ...one, sight, traits, behind, bicubic: best - found.bicubic! });
  }
  return read;
}

/** What a choice costs: decibels, as far as they can be seen, something for missing a goal, and time. */
function costOf(label: ScoredChoice, { behind, bicubic, kind }: Case): number {
  const lost = behind[label]!;
  const time = label === slow.choice ? (kind === 'photo' ? slow.photograph : slow.drawing) : 0;
  return Math.min(lost, 4) + 0.2 * Math.min(1, lost / 0.1) + (lost - bicubic > 0.1 ? 0.5 : 0) + time;
}

/**
 * The weights for which the cost is least that is to be expected when each choice is taken with the probability that a softmax
 * of its score gives: gradient descent with Adam's steps (Kingma and Ba, 2015), on traits of mean 0 and variance 1.
 */
function fitTo(some: readonly Case[], labels: readonly ScoredChoice[], names: readonly string[]): Fit {
  const rows = some.map(({ traits }) => names.map((name) => traits[name]!));
  const mean = names.map((_, at) => rows.reduce((sum, row) => sum + row[at]!, 0) / rows.length);
  const spread = names.map(
    (_, at) => Math.sqrt(rows.reduce((sum, row) => sum + (row[at]! - mean[at]!) ** 2, 0) / rows.length) || 1,
  );
  const inputs = rows.map((row) =>
    row.map((value, at) => (names[at] === 'start' ? 1 : (value - mean[at]!) / spread[at]!)),
  );
  const costs = some.map((one) => labels.map((label) => costOf(label, one)));
  const size = names.length * labels.length;
  const weights = new Float64Array(size);
  const first = new Float64Array(size);
  const second = new Float64Array(size);
  const decay = 4e-3;
  for (let step = 1; step <= steps; step++) {
    const gradient = weights.map((weight) => decay * weight);
    inputs.forEach((input, index) => {
      const scores = labels.map((_, choice) =>
        input.reduce((sum, value, at) => sum + value * weights[choice * names.length + at]!, 0),
      );
      const top = Math.max(...scores);
      const powers = scores.map((score) => Math.exp(score - top));
      const total = powers.reduce((sum, power) => sum + power, 0);
      const cost = costs[index]!;
      const expected = powers.reduce((sum, power, choice) => sum + (power / total) * cost[choice]!, 0);
      powers.forEach((power, choice) => {
        const slope = ((power / total) * (cost[choice]! - expected)) / inputs.length;
        input.forEach((value, at) => (gradient[choice * names.length + at]! += slope * value));
      });
    });
    for (let at = 0; at < size; at++) {
      first[at] = 0.9 * first[at]! + 0.1 * gradient[at]!;
      second[at] = 0.999 * second[at]! + 0.001 * gradient[at]! ** 2;
      const rate = 0.05 * Math.min(1, (steps - step) / (steps / 2));
      weights[at]! -= (rate * (first[at]! / (1 - 0.9 ** step))) / (Math.sqrt(second[at]! / (1 - 0.999 ** step)) + 1e-9);
    }
  }
  return labels.map((_, choice) => {
    const own = names.map((name, at) => weights[choice * names.length + at]! / (name === 'start' ? 1 : spread[at]!));
    const shift = own.reduce((sum, weight, at) => sum + (names[at] === 'start' ? 0 : weight * mean[at]!), 0);
    return own.map((weight, at) => (names[at] === 'start' ? weight - shift : weight));
  });
}

function bestOf(fit: Fit, labels: readonly ScoredChoice[], names: readonly string[], { traits }: Case): ScoredChoice {
  const scores = fit.map((row) => row.reduce((sum, weight, at) => sum + weight * traits[names[at]!]!, 0));
  return labels[scores.indexOf(Math.max(...scores))]!;
}

function print(): void {
  const groups = new Map<string, Case[]>();
  const add = (name: string, one: Case): void => void groups.set(name, [...(groups.get(name) ?? []), one]);
  for (const one of cases) {
    add(one.kind, one);
    add(`as ${one.storage.split(' ')[0]!}`, one);
    add(`times ${one.scale}`, one);
    add('all', one);
  }
  const meanOf = (some: readonly number[]): number => some.reduce((sum, value) => sum + value, 0) / some.length;
  const rows = [...groups].sort().map(([name, some]) => {
    const behind = some.map((one) => one.behind[chosen.get(one)!]!);
    const always = (label: Choice): string => {
      const where = some.flatMap((one) => one.behind[label] ?? []);
      return where.length === 0 ? '' : meanOf(where).toFixed(2);
    };
    return [
      name,
      String(some.length),
      `${((100 * behind.filter((value) => value <= 0.1).length) / some.length).toFixed(1)} %`,
      meanOf(behind).toFixed(3),
      Math.max(...behind).toFixed(2),
      String(some.filter((one, at) => behind[at]! - one.bicubic > 0.1).length),
      ...autoChoices.map(always),
    ];
  });
  const columns = ['', 'cases', 'within 0.1 dB', 'mean behind', 'worst', 'below bicubic', ...autoChoices];
  console.log(
    textTable({
      caption: `What is chosen in cross-validation of ${folds} parts, in dB behind the best`,
      columns,
      rows,
    }),
  );
}

function source(): string {
  const table = (storage: keyof typeof scoredChoices): string => {
    const { names, fit } = fitted[storage]!;
    return scoredChoices[storage]
      .map((label, choice) => {
        const entries = names.map((name, at) => `${name}: ${Number(fit[choice]![at]!.toPrecision(4))}`);
        return `    '${label}': { ${entries.join(', ')} },`;
      })
      .join('\n');
  };
  return `import type { ScoredChoice } from './auto-model.js';

/** How much of each trait speaks for each network. */
export type Weights = Readonly<Partial<Record<ScoredChoice, Readonly<Record<string, number>>>>>;

/** Made by \`bench/auto-fit.ts\`, as \`docs/quality.md\` tells. */
export const weights: { readonly lossless: Weights; readonly lossy: Weights } = {
  lossless: {
${table('lossless')}
  },
  lossy: {
${table('lossy')}
  },
};
`;
}
