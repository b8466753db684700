import { fixed, percent } from './format.js';
import type { Goal, Table } from './measurement.js';
import type { CaseResult, MethodScore } from './quality-measure.js';
import { mean, median } from './quality-measure.js';
import { choices } from './quality-methods.js';

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

/** All tables: PSNR, SSIM and GMSD of each group, drawings by size, bytes, codes, and what `auto` chose. */
export function qualityTables(results: readonly CaseResult[], methods: readonly string[]): Table[] {
  const tables = rowsOf(results, ({ group }) => group).flatMap(({ cases }): Table[] => {
    const { group } = cases[0]!;
    const rows = rowsOf(cases, ({ row }) => row);
    return [
      tableOf(`${titles[group]}: PSNR in dB`, rows, methods, showPsnr),
      tableOf(`${titles[group]}: SSIM on luma`, rows, methods, showSsim),
      tableOf(`${titles[group]}: GMSD on luma, less is better`, rows, methods, showGmsd),
    ];
  });
  const drawn = results.filter(({ group }) => group === 'drawings');
  if (drawn.length > 0) {
    const bySize = rowsOf(drawn, ({ row, size }) => `${row.split(',')[0]!}, ${size} px`);
    tables.push(tableOf('Drawings by size: PSNR in dB', sorted(bySize), methods, showPsnr));
  }
  const files = results.filter(({ group }) => group !== 'photographs');
  if (files.length > 0) {
    const caption = 'Bytes of the PNG over those of the true large picture, written by the same encoder: median';
    tables.push(
      tableOf(
        caption,
        rowsOf(files, ({ row }) => row),
        methods,
        showBytes,
      ),
    );
  }
  const read = results.filter(({ scores }) => scores['auto']?.decoded !== undefined);
  if (read.length > 0) {
    tables.push(
      tableOf(
        'QR codes that can be read (jsQR)',
        rowsOf(read, ({ row }) => row),
        methods,
        showDecoded,
      ),
    );
  }
  return [...tables, autoTable(results)];
}

const sorted = (rows: readonly Row[]): Row[] => {
  const sets = [...new Set(rows.map(({ name }) => name.split(',')[0]!))];
  const rank = ({ name, cases }: Row): number => sets.indexOf(name.split(',')[0]!) * 1000 + cases[0]!.size!;
  return [...rows].sort((a, b) => rank(a) - rank(b));
};

/** dB that `auto` lies behind the best of what it can choose, case by case. */
const behind = ({ scores }: CaseResult): number => {
  const best = Math.max(...choices.flatMap((label) => scores[label]?.psnr ?? []).map(capped));
  return Math.max(0, best - capped(scores['auto']!.psnr));
};

const belowBicubic = ({ scores }: CaseResult): number => capped(scores['bicubic']!.psnr) - capped(scores['auto']!.psnr);

const judged = (results: readonly CaseResult[]): CaseResult[] =>
  results.filter(({ scores }) => scores['auto'] && scores['bicubic']);

/** What `auto` chose in each row, and how far that lies behind the best choice. */
function autoTable(results: readonly CaseResult[]): Table {
  return {
    caption: `What auto takes, and dB behind the best of ${choices.join(', ')}`,
    columns: ['', 'cases', `within ${tolerance}`, 'mean', 'worst', 'below bicubic', 'taken'],
    rows: rowsOf(judged(results), ({ row }) => row).map(({ name, cases }) => [
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
    const model = scores['auto']!.model!;
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

/** Whether the metric is the one that everybody uses, and what the networks and `auto` should reach. */
export function qualityGoals(results: readonly CaseResult[], methods: readonly string[]): Goal[] {
  const rows = rowsOf(results, ({ row }) => row);
  return [
    ...rows.flatMap(metricGoal),
    ...(methods.includes('auto') ? rows.flatMap((row) => bestGoal(row, methods)) : []),
    ...rows.flatMap((row) => overGoals(row)),
    ...bytesGoal(results),
    ...autoGoals(judged(results)),
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

/** `auto` in a row is the best of all columns, or nearly. */
function bestGoal(row: Row, methods: readonly string[]): Goal[] {
  const auto = scoresOf(row, 'auto');
  const others = methods
    .filter((method) => method !== 'auto' && scoresOf(row, method).length > 0)
    .map((method) => ({ method, psnr: meanPsnr(scoresOf(row, method)) }));
  if (auto.length === 0 || others.length === 0) return [];
  const best = others.reduce((a, b) => (b.psnr > a.psnr ? b : a));
  return [
    {
      what: `${row.name}: what auto (${fixed(meanPsnr(auto))} dB) lacks to the best other column (${best.method}, ${fixed(best.psnr)} dB)`,
      value: Math.max(0, best.psnr - meanPsnr(auto)),
      bound: { atMost: tolerance },
      show: decibels,
    },
  ];
}

/** `art` is at least what `anime` is on drawings, `natural` more than it on photographs that were not stored with loss. */
function overGoals(row: Row): Goal[] {
  const { group } = row.cases[0]!;
  const lossy = /JPEG|WebP/.test(row.name);
  const ours =
    group === 'drawings' ? 'art' : group === 'photographs' ? (lossy ? 'natural-jpeg' : 'natural') : undefined;
  if (ours === undefined) return [];
  const [mine, theirs] = [scoresOf(row, ours), scoresOf(row, 'anime')];
  if (mine.length === 0 || theirs.length === 0) return [];
  return [
    {
      what: `${row.name}: ${ours} (${fixed(meanPsnr(mine))} dB) over anime (${fixed(meanPsnr(theirs))} dB)`,
      value: meanPsnr(mine) - meanPsnr(theirs),
      bound: { atLeast: 0 },
      show: decibels,
    },
  ];
}

function bytesGoal(results: readonly CaseResult[]): Goal[] {
  const ratios = results.flatMap(({ group, scores, trueBytes }) =>
    group === 'drawings' && scores['art'] ? scores['art'].bytes / trueBytes : [],
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
  const lacks = results.map(behind);
  return [
    {
      what: `the share of ${results.length} cases in which auto is within ${tolerance} dB of the best choice`,
      value: lacks.filter((lack) => lack <= tolerance).length / lacks.length,
      bound: { atLeast: 0.95 },
      show: (value) => percent(value),
    },
    { what: "auto's mean loss to the best choice", value: mean(lacks), bound: { atMost: 0.05 }, show: decibels },
    {
      what: 'the most that auto lies below bicubic',
      value: Math.max(0, ...results.map(belowBicubic)),
      bound: { atMost: 0.1 },
      show: decibels,
    },
  ];
}
