// How well each network enlarges the pictures that `auto` is fitted on; `auto-fit.ts` makes the weights of it.
//
//   node out/bench/auto-measure.js --out FOLDER [--icons FOLDER:COUNT]... [--dull FOLDER:COUNT]... [--photos FOLDER:COUNT]... [--drawings FOLDER:COUNT]...
//        [--tiles FOLDER] [--pages COUNT] [--cells COUNT] [--losses COUNT] [--seed TEXT] [--also LABEL]... [--keep FILE]
//        [--scale N]... [--only LABEL]...
//
// Drawings have two tables of weights: `--losses 0 --scale 2 --only art --only anime` measures what the second one needs.
// Where figures are stored, only those of networks that have changed are measured again.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { autoChoices } from '#src/image/auto/auto-model.js';
import { Upscaler } from '#src/image/upscale.js';
import { cellPairs, iconPairs, pagePairs, photoPairs, storedCases, type AutoCase, type Pair } from './auto-cases.js';
import { ScoreCache } from './score-cache.js';
import { closeBrowser } from './page-pictures.js';
import { methodsOf } from './quality-methods.js';

const multiple = { type: 'string', multiple: true, default: [] as string[] } as const;
const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    icons: multiple,
    dull: multiple,
    photos: multiple,
    drawings: multiple,
    tiles: { type: 'string' },
    pages: { type: 'string', default: '0' },
    cells: { type: 'string', default: '0' },
    losses: { type: 'string', default: '2' },
    seed: { type: 'string', default: '' },
    also: multiple,
    keep: { type: 'string' },
    scale: multiple,
    only: multiple,
  },
});
const { out, seed } = values;
if (out === undefined) throw new Error('name a folder for what is measured: --out FOLDER');
const scores = await ScoreCache.open(values.keep);
await mkdir(out, { recursive: true });

const folderAndCount = (text: string): [string, number] => {
  const colon = text.lastIndexOf(':');
  return [text.slice(0, colon), Number(text.slice(colon + 1))];
};

async function* pairs(): AsyncGenerator<Pair> {
  for (const given of values.icons) yield* iconPairs(...folderAndCount(given), seed);
  for (const given of values.dull) yield* iconPairs(...folderAndCount(given), seed, 'dull');
  for (const given of values.drawings) yield* photoPairs(...folderAndCount(given), 'drawing', seed);
  yield* cellPairs(values.tiles, Number(values.cells), seed);
  for (const given of values.photos) yield* photoPairs(...folderAndCount(given), 'photo', seed);
  const photos = values.photos[0];
  if (photos !== undefined) yield* pagePairs(Number(values.pages), folderAndCount(photos)[0], seed);
}

await using upscaler = new Upscaler({ threads: 1 });
const wanted: readonly string[] = values.only.length > 0 ? values.only : [...autoChoices, ...values.also];
const methods = methodsOf(upscaler, '').filter(({ name }) => wanted.includes(name));
const scales = values.scale.map(Number);
const lines: string[] = [];
for await (const pair of pairs()) {
  if (scales.length > 0 && !scales.includes(pair.scale)) continue;
  for await (const one of storedCases(pair, Number(values.losses))) {
    const file = `${lines.length}.${one.storage.split(' ')[0]!}`;
    await writeFile(join(out, file), one.file);
    const { kind, name, storage, scale } = one;
    lines.push(JSON.stringify({ file, kind, name, storage, scale, ...(await judge(one)) }));
    if (lines.length % 50 === 0) await save();
  }
}
await save();
await closeBrowser();

async function save(): Promise<void> {
  await writeFile(join(out!, 'cases.jsonl'), `${lines.join('\n')}\n`);
  process.stderr.write(`${lines.length} cases\n`);
}

/** dB of each network: of all channels, laid on white and on black, and of luma. */
async function judge({
  file,
  truth,
  scale,
}: AutoCase): Promise<{ rgb: Record<string, number>; luma: Record<string, number> }> {
  const right = await laid(truth);
  const rgb: Record<string, number> = {};
  const luma: Record<string, number> = {};
  for (const { name, identity, enlarge } of methods) {
    const found = await scores.get([identity, String(scale), file, truth], async () => {
      const got = await laid(await enlarge(file, scale));
      return { rgb: decibels(right, got, scale), luma: decibels(right.map(lumaOf), got.map(lumaOf), scale) };
    });
    rgb[name] = found.rgb;
    luma[name] = found.luma;
  }
  return { rgb, luma };
}

interface Raw {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: ArrayLike<number>;
}

async function laid(file: Uint8Array): Promise<Raw[]> {
  const { isOpaque } = await sharp(file).stats();
  const backgrounds = isOpaque ? ['#fff'] : ['#fff', '#000'];
  return Promise.all(
    backgrounds.map(async (background) => {
      const picture = sharp(file).flatten({ background }).toColourspace('srgb').raw();
      const { data, info } = await picture.toBuffer({ resolveWithObject: true });
      return { width: info.width, height: info.height, channels: info.channels, data };
    }),
  );
}

function lumaOf({ width, height, channels, data }: Raw): Raw {
  const luma = Float64Array.from({ length: width * height }, (_, at) =>
    channels === 1
      ? data[at]!
      : (65.481 * data[at * channels]! + 128.553 * data[at * channels + 1]! + 24.966 * data[at * channels + 2]!) / 219,
  );
  return { width, height, channels: 1, data: luma };
}

/** Of large pictures, without a border as wide as the scale. */
function decibels(wanted: readonly Raw[], got: readonly Raw[], scale: number): number {
  let sum = 0;
  let count = 0;
  wanted.forEach(({ width, height, channels, data }, index) => {
    const other = got[index] ?? got[0]!;
    const border = Math.min(width, height) > 64 * scale ? scale : 0;
    for (let y = border; y < height - border; y++) {
      for (let at = (y * width + border) * channels; at < (y * width + width - border) * channels; at++) {
        sum += (data[at]! - other.data[at]!) ** 2;
        count++;
      }
    }
  });
  return Math.round(1000 * Math.min(60, 10 * Math.log10(255 ** 2 / (sum / count)))) / 1000;
}
