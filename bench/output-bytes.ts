import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Upscaler, type UpscaleOptions } from '#src/index.js';
import type { QualityCase } from './quality-case.js';
import { pngOf } from './quality-data.js';
import { drawings } from './quality-drawings.js';
import { drawnPackages, installPackages } from './quality-packages.js';
import { renderedPages } from './quality-pages.js';
import { summarise } from './statistics.js';
import { textTable } from './text-table.js';

/**
 * `npm run bench:bytes [-- --packages FOLDER] [--limit N]`: how many bytes an enlarged drawing takes, against the drawing itself at twice its
 * size, written by the same encoder with the same settings. What is more than that, the network put into the picture.
 */
const { values } = parseArgs({
  options: {
    packages: { type: 'string', default: join(homedir(), '.cache', 'upres', 'bench-packages') },
    limit: { type: 'string', default: '25' },
  },
});

const encodings: readonly (readonly [string, UpscaleOptions])[] = [
  ['PNG', { format: 'png' }],
  ['WebP', { format: 'webp' }],
  ['WebP without loss', { format: 'webp', lossless: true }],
];

const limit = Number(values.limit);
const place = await installPackages(resolve(values.packages), drawnPackages);
const pages = await renderedPages(limit);
const cases = [
  ...(await drawings(place, limit)),
  ...pages.cases.filter(({ row }) => row.endsWith(', PNG')).map((page) => ({ ...page, row: 'pages, PNG' })),
];
for (const missing of pages.missing) console.error(`missing: ${missing}`);

interface Sizes {
  readonly source: number;
  /** Of each encoding: enlarged, and the true drawing. */
  readonly written: readonly { readonly own: number; readonly truth: number }[];
}

await using upscaler = new Upscaler();

async function sizesOf({ file, truth }: QualityCase): Promise<Sizes> {
  const large = await pngOf(truth);
  const bytes = async (source: Uint8Array, options: UpscaleOptions): Promise<number> =>
    (await upscaler.upscale(source, options)).data.length;
  const written = [];
  for (const [, encoding] of encodings) {
    written.push({
      own: await bytes(file, { ...encoding, upscale: 2 }),
      truth: await bytes(large, { ...encoding, model: 'nearest', upscale: 1 }),
    });
  }
  return { source: file.length, written };
}

const measured = new Map<string, Sizes[]>();
for (const each of cases) {
  const sizes = measured.get(each.row) ?? [];
  measured.set(each.row, sizes);
  sizes.push(await sizesOf(each));
}

const median = (numbers: readonly number[]): number => summarise(numbers).median;

/** The share of the largest is what a tenth of the pictures goes beyond. */
const ninth = (numbers: readonly number[]): number =>
  [...numbers].sort((one, other) => one - other)[Math.floor(0.9 * (numbers.length - 1))]!;

function rowOf(name: string, sizes: readonly Sizes[]): string[] {
  const ratios = encodings.map((_, at) => sizes.map(({ written }) => written[at]!.own / written[at]!.truth));
  return [
    name,
    String(sizes.length),
    ...[
      sizes.map(({ source }) => source),
      sizes.map(({ written }) => written[0]!.truth),
      sizes.map(({ written }) => written[0]!.own),
    ].map((bytes) => String(Math.round(median(bytes)))),
    ...ratios.flatMap((each) => [median(each).toFixed(2), ninth(each).toFixed(2)]),
  ];
}

const all = [...measured].filter(([row]) => !row.startsWith('pages')).flatMap(([, sizes]) => sizes);
console.log(
  textTable({
    caption:
      'Bytes of drawings that were enlarged twofold, by `auto`, against the drawings themselves at that size (medians)',
    columns: [
      'drawings',
      'files',
      'source',
      'true 2×',
      'enlarged',
      ...encodings.flatMap(([name]) => [`${name}, times`, '90th %']),
    ],
    rows: [...[...measured].map(([row, sizes]) => rowOf(row, sizes)), rowOf('all drawings', all)],
  }),
);
