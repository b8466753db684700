// Fits the weights by which `auto` chooses to what `auto-measure.ts` measured, and tells how good the choice is.
//
//   node out/bench/auto-fit.js FOLDER... [--write src/image/choice-weights.ts]
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { lookAt } from '#src/image/auto/choose-for-picture.js';
import { autoChoices, scoredChoices, type ModelChoice } from '#src/image/auto/auto-model.js';
import { isMadeOfPixels, traitsOf, type Sight } from '#src/image/auto/choose-model.js';
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
  /** dB of each choice behind the best one. */
  readonly behind: readonly number[];
  /** dB of bicubic before the best one. */
  readonly bicubic: number;
}

/** Weights by choice and trait. */
type Fit = number[][];

const { values, positionals } = parseArgs({ allowPositionals: true, options: { write: { type: 'string' } } });
const cases = (await Promise.all(positionals.map(readCases))).flat();
const folds = 4;
const steps = 1200;
const chosen = new Map<Case, number>();
const fitted: Record<string, { names: string[]; fit: Fit }> = {};
for (const part of ['lossless', 'lossy'] as const) {
  const some = cases.filter(({ traits }) => (part === 'lossy') === 'damage' in traits);
  const free = some.filter(({ sight }) => !isMadeOfPixels(sight));
  for (const one of some) chosen.set(one, autoChoices.indexOf('nearest'));
  const names = Object.keys(free[0]?.traits ?? {});
  for (let fold = 0; fold < folds; fold++) {
    const isOut = ({ name }: Case): boolean => new Dice(name).within(0, folds) === fold;
    const fit = fitTo(
      free.filter((one) => !isOut(one)),
      names,
    );
    for (const one of free.filter(isOut)) chosen.set(one, bestOf(fit, names, one));
  }
  fitted[part] = { names, fit: fitTo(free, names) };
}
print();
if (values.write !== undefined) await writeFile(values.write, source());

async function readCases(folder: string): Promise<Case[]> {
  const lines = (await readFile(join(folder, 'cases.jsonl'), 'utf8')).trim().split('\n');
  const read: Case[] = [];
  let charts = 0;
  for (const line of lines) {
    const one = JSON.parse(line) as Measured;
    // Bars, lines and discs are all alike: one in four speaks for the others.
    if (one.kind === 'chart' && ++charts % 4 !== 0) continue;
    const bytes = await readFile(join(folder, one.file));
    const header = await readHeader(bytes);
    const [frame] = await decode(bytes, header, {
      frames: 1,
      colour: 'srgb',
      file: undefined,
      timer: new PictureTimer(),
    });
    const sight = await lookAt(bytes, header, frame!, one.scale);
    const found = one.kind === 'photo' ? one.luma : one.rgb;
    const best = Math.max(...autoChoices.map((label) => found[label]!));
    const behind = autoChoices.map((label) => best - found[label]!);
    read.push({ ...one, sight, traits: traitsOf(sight), behind, bicubic: best - found.bicubic! });
  }
  return read;
}

/** What a choice costs: decibels, as far as they can be seen, and something for missing a goal. */
function costOf(behind: number, bicubic: number): number {
  return Math.min(behind, 4) + 0.2 * Math.min(1, behind / 0.1) + (behind - bicubic > 0.1 ? 0.5 : 0);
}

/**
 * The weights for which the cost is least that is to be expected when each choice is taken with the probability that a softmax
 * of its score gives: gradient descent with Adam's steps (Kingma and Ba, 2015), on traits of mean 0 and variance 1.
 */
function fitTo(some: readonly Case[], names: readonly string[]): Fit {
  const rows = some.map(({ traits }) => names.map((name) => traits[name]!));
  const mean = names.map((_, at) => rows.reduce((sum, row) => sum + row[at]!, 0) / rows.length);
  const spread = names.map(
    (_, at) => Math.sqrt(rows.reduce((sum, row) => sum + (row[at]! - mean[at]!) ** 2, 0) / rows.length) || 1,
  );
  const inputs = rows.map((row) =>
    row.map((value, at) => (names[at] === 'start' ? 1 : (value - mean[at]!) / spread[at]!)),
  );
  const costs = some.map(({ behind, bicubic }) => behind.map((one) => costOf(one, bicubic)));
  const size = names.length * scoredChoices.length;
  const weights = new Float64Array(size);
  const first = new Float64Array(size);
  const second = new Float64Array(size);
  const decay = 2e-4;
  for (let step = 1; step <= steps; step++) {
    const gradient = weights.map((weight) => decay * weight);
    inputs.forEach((input, index) => {
      const scores = scoredChoices.map((_, choice) =>
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
  return scoredChoices.map((_, choice) => {
    const own = names.map((name, at) => weights[choice * names.length + at]! / (name === 'start' ? 1 : spread[at]!));
    const shift = own.reduce((sum, weight, at) => sum + (names[at] === 'start' ? 0 : weight * mean[at]!), 0);
    return own.map((weight, at) => (names[at] === 'start' ? weight - shift : weight));
  });
}

function bestOf(fit: Fit, names: readonly string[], { traits }: Case): number {
  const scores = fit.map((row) => row.reduce((sum, weight, at) => sum + weight * traits[names[at]!]!, 0));
  return scores.indexOf(Math.max(...scores));
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
    const always = (label: ModelChoice['model']): string =>
      meanOf(some.map((one) => one.behind[autoChoices.indexOf(label)]!)).toFixed(2);
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
  const table = ({ names, fit }: { names: string[]; fit: Fit }): string =>
    scoredChoices
      .map((label, choice) => {
        const entries = names.map((name, at) => `${name}: ${Number(fit[choice]![at]!.toPrecision(4))}`);
        return `    '${label}': { ${entries.join(', ')} },`;
      })
      .join('\n');
  return `import type { ScoredChoice } from './auto-model.js';

/** How much of each trait speaks for each network. */
export type Weights = Readonly<Record<ScoredChoice, Readonly<Record<string, number>>>>;

/** Made by \`bench/auto-fit.ts\`, as \`docs/quality.md\` tells. */
export const weights: { readonly lossless: Weights; readonly lossy: Weights } = {
  lossless: {
${table(fitted.lossless!)}
  },
  lossy: {
${table(fitted.lossy!)}
  },
};
`;
}
