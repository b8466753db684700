import { fixed, percent } from './format.js';
import type { Goal, Table } from './measurement.js';
import type { MethodSpeed } from './quality-clock.js';
import type { SpeedPoint } from './quality-plot.js';
import { type CaseResult, mean, median, type MethodScore } from './quality-measure.js';
import { scoredChoices } from '#src/image/auto/auto-model.js';

/**
 * dB beyond which two pictures differ by less than rounding to 8 bits would: a mean counts no picture as closer, so that an
 * exact one doesn't outweigh all others.
 */
const ceiling = 60;
/** dB that `auto` may lie behind the best. */
const tolerance = 0.1;

/** The results of one row of the table. */
interface Row {
  readonly name: string;
  readonly cases: readonly CaseResult[];
}

const capped = (psnr: number): number => Math.min(psnr, ceiling);

function rowsOf(results: readonly CaseResult[], key: (one: CaseResult) => string): Row[] {
  const rows = new Map<string, CaseResult[]>();
  for (const one of results) rows.set(key(one), [...(rows.get(key(one)) ?? []), one]);
  return [...rows].map(([name, cases]) => ({ name, cases }));
}

/** The scores of a method in a row; nothing where it doesn't have the scale. */
function scoresOf({ cases }: Row, method: string): MethodScore[] {
  return cases.flatMap(({ scores }) => scores[method] ?? []);
}

const meanPsnr = (scores: readonly MethodScore[]): number => mean(scores.map(({ psnr }) => capped(psnr)));

type Show = (scores: readonly MethodScore[], row: Row) => string;

const showPsnr: Show = (scores) => (scores.every(({ psnr }) => psnr === Infinity) ? 'exact' : fixed(meanPsnr(scores)));
const showSsim: Show = (scores) => fixed(mean(scores.map(({ ssim }) => ssim)), 4);
const showGmsd: Show = (scores) => fixed(mean(scores.map(({ gmsd }) => gmsd)), 4);
const showBytes: Show = (scores, { cases }) =>
  fixed(median(scores.map(({ bytes }, index) => bytes / cases[index]!.trueBytes)));
const showDecoded: Show = (scores) => percent(mean(scores.map(({ decoded }) => Number(decoded))), 0);

function tableOf(caption: string, rows: readonly Row[], methods: readonly string[], show: Show): Table {
  const shown = methods.filter((method) => rows.some((row) => scoresOf(row, method).length > 0));
  return {
    caption,
    columns: ['', ...shown],
    rows: rows.map((row) => [
      row.name,
      ...shown.map((method) => {
        const scores = scoresOf(row, method);
        return scores.length > 0 ? show(scores, row) : '';
      }),
    ]),
  };
}

const titles: Readonly<Record<CaseResult['group'], string>> = {
  photographs: 'Photographs, on luma',
  drawings: 'Drawn from SVG at 1× and 2×, in RGB on white',
  pages: 'Pages rendered by Chromium at device pixel ratios 1 and 2, in RGB',
  codes: 'QR codes, in RGB',
  'pixel art': 'Pixel art, in RGB on white',
};

/** Tables that belong together. */
export interface TableBlock {
  readonly name: string;
  readonly tables: readonly Table[];
}

/** PSNR, SSIM and GMSD of each group, drawings by size, codes that can be read, bytes, and what `auto` takes. */
export function qualityTables(results: readonly CaseResult[], methods: readonly string[]): TableBlock[] {
  const blocks = rowsOf(results, ({ group }) => group).map(({ name, cases }): TableBlock => {
    const title = titles[cases[0]!.group];
    const rows = rowsOf(cases, ({ row }) => row);
    const tables = [
      tableOf(`${title}: PSNR in dB`, rows, methods, showPsnr),
      tableOf(`${title}: SSIM on luma`, rows, methods, showSsim),
      tableOf(`${title}: GMSD on luma, less is better`, rows, methods, showGmsd),
    ];
    if (name === 'codes') tables.push(tableOf('QR codes that jsQR reads', rows, methods, showDecoded));
    return { name, tables };
  });
  const drawn = results.filter(({ group }) => group === 'drawings');
  if (drawn.length > 0) {
    const rows = sorted(rowsOf(drawn, ({ row, size }) => `${row.split(',')[0]!}, ${size} px`));
    blocks.push({ name: 'sizes', tables: [tableOf('Drawings by size: PSNR in dB', rows, methods, showPsnr)] });
  }
  const files = results.filter(({ group }) => group !== 'photographs');
  if (files.length > 0) {
    const caption = 'Bytes of the PNG over those of the true large picture, written by the same encoder: median';
    const rows = rowsOf(files, ({ row }) => row);
    blocks.push({ name: 'bytes', tables: [tableOf(caption, rows, methods, showBytes)] });
  }
  const chosen = judged(results);
  return chosen.length > 0 ? [...blocks, { name: 'auto', tables: [autoTable(chosen)] }] : blocks;
}

/** Methods scale by scale. */
export function speedTable(speeds: readonly MethodSpeed[]): Table {
  return {
    caption: 'Megapixels of the result for each second of one core',
    columns: ['', 'scale', 'passes', 'MP/s'],
    rows: speeds.map(({ name, scale, passes, megapixelsPerSecond }) => [
      name,
      `×${scale}`,
      passes.map((pass) => `×${pass}`).join(' '),
      megapixelsPerSecond.toPrecision(3).replace(/\.?0+$/, ''),
    ]),
  };
}

/** Speeds with the PSNR of a set of photographs, reduced as the literature does. */
export function speedPoints(speeds: readonly MethodSpeed[], results: readonly CaseResult[], set: string): SpeedPoint[] {
  const rows = rowsOf(results, ({ row }) => row);
  return speeds.flatMap((speed) => {
    const row = rows.find(({ name }) => name === `${set} ×${speed.scale}, MATLAB bicubic`);
    return row ? { ...speed, psnr: meanPsnr(scoresOf(row, speed.name)) } : [];
  });
}

const sorted = (rows: readonly Row[]): Row[] => {
  const sets = [...new Set(rows.map(({ name }) => name.split(',')[0]!))];
  const rank = ({ name, cases }: Row): number => sets.indexOf(name.split(',')[0]!) * 1000 + cases[0]!.size!;
  return [...rows].sort((a, b) => rank(a) - rank(b));
};

/** dB that `auto` lies behind the best of what it mostly chooses among for such a file, case by case. */
const behind = (one: CaseResult): number => behindBest(one, [...scoredChoices[storageOf(one)], 'nearest']);

/** The same, but all choices count, and larger networks: `bicubic`, and at eight times the time `anime`, with loss the gentler ones that mend. */
const behindAll = (one: CaseResult): number =>
  behindBest(one, [
    ...scoredChoices[storageOf(one)],
    'nearest',
    'bicubic',
    ...(one.lossy ? ['anime-noise0', 'anime-noise1'] : ['anime']),
  ]);

const storageOf = ({ lossy }: CaseResult): keyof typeof scoredChoices => (lossy ? 'lossy' : 'lossless');

const behindBest = ({ scores }: CaseResult, labels: readonly string[]): number => {
  const best = Math.max(...labels.flatMap((label) => scores[label]?.psnr ?? []).map(capped));
  return Math.max(0, best - capped(scores.auto!.psnr));
};

const belowBicubic = ({ scores }: CaseResult): number => capped(scores.bicubic!.psnr) - capped(scores.auto!.psnr);

const judged = (results: readonly CaseResult[]): CaseResult[] =>
  results.filter(({ scores }) => scores.auto && scores.bicubic);

/** What `auto` chose in each row, and how far that lies behind the best choice. */
function autoTable(results: readonly CaseResult[]): Table {
  return {
    caption: `What auto takes, and dB behind the best of ${scoredChoices.lossless.join(', ')} and nearest; with loss, also ${scoredChoices.lossy.slice(scoredChoices.lossless.length).join(', ')}`,
    columns: ['', 'cases', `within ${tolerance}`, 'mean', 'worst', 'below bicubic', 'taken'],
    rows: rowsOf(results, ({ row }) => row).map(({ name, cases }) => [
      name,
      String(cases.length),
      percent(mean(cases.map((one) => Number(behind(one) <= tolerance))), 0),
      fixed(mean(cases.map(behind)), 3),
      fixed(Math.max(...cases.map(behind))),
      fixed(Math.max(0, ...cases.map(belowBicubic))),
      taken(cases),
    ]),
  };
}

function taken(cases: readonly CaseResult[]): string {
  const counts = new Map<string, number>();
  for (const { scores } of cases) {
    const model = scores.auto!.model!;
    counts.set(model, (counts.get(model) ?? 0) + 1);
  }
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([model, count]) => (counts.size > 1 ? `${model} ${count}` : model))
    .join(', ');
}

/**
 * What the literature reports of bicubic interpolation on Set5, for the scales 2, 3 and 4 (Dong, Loy, He and Tang, "Image
 * super-resolution using deep convolutional networks", 2014, and everybody since).
 */
const published: Readonly<Record<number, number>> = { 2: 33.66, 3: 30.39, 4: 28.42 };

const decibels = (value: number): string => `${fixed(value, 3)} dB`;

/** A goal, and the rows that miss it, in words. */
export interface QualityGoal {
  readonly goal: Goal;
  readonly missed: readonly string[];
}

/** Whether the metric is the one that everybody uses, and what the networks and `auto` should reach. */
export function qualityGoals(results: readonly CaseResult[], methods: readonly string[]): QualityGoal[] {
  const rows = rowsOf(results, ({ row }) => row);
  const alone = (goal: Goal): QualityGoal => ({ goal, missed: [] });
  return [
    ...rows.flatMap(metricGoal).map(alone),
    ...rowsGoal(
      `the share of rows in which auto is at most ${tolerance} dB behind the best other column`,
      rows,
      (row) => againstBest(row, methods),
      tolerance,
    ),
    ...rowsGoal(
      'the share of drawn sets in which art is not behind anime',
      rows.filter(({ cases }) => cases[0]!.group === 'drawings'),
      (row) => against(row, 'art', 'anime'),
    ),
    ...rowsGoal(
      'the share of reductions in which natural (natural-jpeg where stored with loss) is not behind anime',
      rows.filter(({ cases }) => cases[0]!.group === 'photographs'),
      (row) => against(row, isLossy(row) ? 'natural-jpeg' : 'natural', 'anime'),
    ),
    ...[...bytesGoal(results), ...autoGoals(judged(results))].map(alone),
  ];
}

const isLossy = ({ name }: Row): boolean => /JPEG|WebP/.test(name);

/** What a method lacks to another one. */
interface Lack {
  readonly method: string;
  readonly psnr: number;
  readonly other: string;
  readonly otherPsnr: number;
}

function against(row: Row, method: string, other: string): Lack | undefined {
  const [mine, theirs] = [scoresOf(row, method), scoresOf(row, other)];
  if (mine.length === 0 || theirs.length === 0) return undefined;
  return { method, psnr: meanPsnr(mine), other, otherPsnr: meanPsnr(theirs) };
}

function againstBest(row: Row, methods: readonly string[]): Lack | undefined {
  const lacks = methods.filter((method) => method !== 'auto').flatMap((other) => against(row, 'auto', other) ?? []);
  return lacks.length === 0 ? undefined : lacks.reduce((a, b) => (b.otherPsnr > a.otherPsnr ? b : a));
}

/** That no row lacks more than this many dB; rows without one of the two methods don't count. */
function rowsGoal(
  what: string,
  rows: readonly Row[],
  lackOf: (row: Row) => Lack | undefined,
  bound = 0,
): QualityGoal[] {
  const lacks = rows.flatMap((row) => {
    const lack = lackOf(row);
    return lack ? { row, lack } : [];
  });
  if (lacks.length === 0) return [];
  const missed = lacks.filter(({ lack: { psnr, otherPsnr } }) => otherPsnr - psnr > bound);
  return [
    {
      goal: { what, value: 1 - missed.length / lacks.length, bound: { atLeast: 1 }, show: (value) => percent(value) },
      missed: missed.map(
        ({ row, lack: { method, psnr, other, otherPsnr } }) =>
          `${row.name}: ${method} ${fixed(psnr)}, ${other} ${fixed(otherPsnr)} dB`,
      ),
    },
  ];
}

function metricGoal(row: Row): Goal[] {
  const scale = /^Set5 ×(\d), MATLAB bicubic$/.exec(row.name)?.[1];
  const scores = scoresOf(row, 'bicubic');
  const expected = published[Number(scale)];
  // Five pictures: a sample of them has another mean.
  if (scale === undefined || expected === undefined || scores.length !== 5) return [];
  const value = meanPsnr(scores);
  return [
    {
      what: `the distance of bicubic ×${scale} on Set5 (${fixed(value)} dB) from the published ${expected} dB`,
      value: Math.abs(value - expected),
      bound: { atMost: 0.05 },
      show: decibels,
    },
  ];
}

function bytesGoal(results: readonly CaseResult[]): Goal[] {
  const ratios = results.flatMap(({ group, scores, trueBytes }) =>
    group === 'drawings' && scores.art ? scores.art.bytes / trueBytes : [],
  );
  if (ratios.length === 0) return [];
  return [
    {
      what: "art's bytes on drawings over those of the true picture, median",
      value: median(ratios),
      bound: { atMost: 1.5 },
      show: (value) => fixed(value),
    },
  ];
}

function autoGoals(results: readonly CaseResult[]): Goal[] {
  if (results.length === 0) return [];
  const lacksOf = (lacks: readonly number[], best: string): Goal[] => [
    {
      what: `the share of ${results.length} cases in which auto is within ${tolerance} dB of ${best}`,
      value: lacks.filter((lack) => lack <= tolerance).length / lacks.length,
      bound: { atLeast: 0.95 },
      show: (value) => percent(value),
    },
    { what: `auto's mean loss to ${best}`, value: mean(lacks), bound: { atMost: 0.05 }, show: decibels },
  ];
  return [
    ...lacksOf(results.map(behind), 'the best choice but anime and those that mend for it'),
    ...lacksOf(results.map(behindAll), 'the best choice, anime among them'),
    {
      what: 'the most that auto lies below bicubic',
      value: Math.max(0, ...results.map(belowBicubic)),
      bound: { atMost: 0.1 },
      show: decibels,
    },
  ];
}
