// `npm run bench:quality`: how close the built-in networks, `auto` and what else people use come to pictures that are known.
//
//   --data FOLDER...   photographs in the customary layout: x2/001_LR.png, x2/001_HR.png and so on, also x3 and x4
//   --packages FOLDER  where packages with drawings are installed (default: a folder of the user's cache)
//   --scale N          only this scale (may be given several times; default 2, 3 and 4)
//   --rows WORDS       only rows whose name contains this (may be given several times)
//   --only NAME        only this method (may be given several times)
//   --photographs N    only this many photographs of each folder in each reduction
//   --quick            a few pictures of each row
//   --untimed          leaves out what runs against the clock, for machines that are busy; its table and plot stay as they are
//   --keep FILE        keeps each figure in a file, and measures only what isn't there yet or has changed
//   --json FILE        writes all figures to a file, case by case
//   --plot FILE        writes quality against speed as an SVG, for the last of the folders
//   --doc FILE         writes the figures into a page, in place of the blocks of code that follow <!-- quality: NAME -->
//   --dump FOLDER      instead: writes each case's small file and true picture
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import envPaths from 'env-paths';
import { Upscaler } from '#src/image/upscale.js';
import { ScoreCache } from './score-cache.js';
import { describeMachine } from './machine.js';
import type { QualityCase } from './quality-case.js';
import { busiest, measureSpeeds, type MethodSpeed } from './quality-clock.js';
import { codeReader, codes } from './quality-codes.js';
import { replaceBlocks } from './quality-doc.js';
import { drawings } from './quality-drawings.js';
import { dumpCases } from './quality-dump.js';
import { measureCases } from './quality-measure.js';
import { methodsOf } from './quality-methods.js';
import { codePackages, drawnPackages, installPackages, peerPackages } from './quality-packages.js';
import { renderedPages } from './quality-pages.js';
import { photographs } from './quality-photographs.js';
import { pixelArt } from './quality-pixel-art.js';
import { qualityPlot } from './quality-plot.js';
import { qualityGoals, qualityTables, speedPoints, speedTable } from './quality-table.js';
import { textGoal, textTable } from './text-table.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string', multiple: true, default: [] },
    packages: { type: 'string', default: join(envPaths('upres', { suffix: '' }).cache, 'bench-packages') },
    scale: { type: 'string', multiple: true, default: ['2', '3', '4'] },
    rows: { type: 'string', multiple: true },
    only: { type: 'string', multiple: true },
    photographs: { type: 'string' },
    quick: { type: 'boolean', default: false },
    untimed: { type: 'boolean', default: false },
    keep: { type: 'string' },
    json: { type: 'string' },
    plot: { type: 'string' },
    doc: { type: 'string' },
    dump: { type: 'string' },
  },
});
// Folders that follow a `--data FOLDER` without one of their own.
const folders = [...values.data, ...positionals];
for (const folder of folders) {
  if (!(await stat(folder).catch(() => undefined))?.isDirectory()) throw new Error(`there is no folder ${folder}`);
}
const scales = values.scale.map(Number);
const limit = values.quick ? 3 : Infinity;
const say = (text: string): void => void process.stderr.write(`  … ${text}\n`);

const place = await installPackages(resolve(values.packages), {
  ...drawnPackages,
  ...codePackages,
  ...peerPackages,
});
const missing: string[] = [];
const cases = (await allCases()).filter(
  ({ row, scale }) => scales.includes(scale) && (values.rows?.some((words) => row.includes(words)) ?? true),
);
if (values.dump !== undefined) await dumpCases(values.dump, cases);
else await measure();

async function allCases(): Promise<QualityCase[]> {
  const found: QualityCase[] = [];
  if (folders.length === 0) missing.push('photographs: no folder was named (--data)');
  for (const folder of folders)
    found.push(...(await photographs(folder, scales, Math.min(limit, Number(values.photographs ?? Infinity)))));
  found.push(...(await drawings(place, values.quick ? 5 : Infinity)));
  const pages = await renderedPages(limit);
  missing.push(...pages.missing);
  found.push(...pages.cases);
  found.push(...(await codes(place, limit)));
  found.push(...(await pixelArt(scales, limit)));
  return found;
}

async function measure(): Promise<void> {
  const cacheFolder = await mkdtemp(join(tmpdir(), 'upres-quality-'));
  try {
    await using upscaler = new Upscaler({ cacheFolder });
    const methods = methodsOf(upscaler, place('@upscalerjs/esrgan-slim')).filter(
      ({ name }) => values.only?.includes(name) ?? true,
    );
    const names = methods.map(({ name }) => name);
    const scores = await ScoreCache.open(values.keep);
    const results = await measureCases(cases, { methods, upscaler, readCode: codeReader(place), cache: scores, say });
    const clocked = cases.filter(({ group }) => group === 'photographs');
    const speeds =
      clocked.length > 0 && !values.untimed
        ? await measureSpeeds(await busiest(clocked), { methods, scales, cacheFolder, say })
        : [];

    const machine = describeMachine();
    const blocks = new Map(
      qualityTables(results, names).map(({ name, tables }) => [name, tables.map(textTable).join('\n\n')]),
    );
    if (speeds.length > 0) blocks.set('speed', textTable(speedTable(speeds)));
    const goals = qualityGoals(results, names).flatMap(({ goal, missed }) => [
      textGoal(goal),
      ...missed.map((row) => `  ${row}`),
    ]);
    blocks.set('goals', [...missing.map((what) => `Left out: ${what}`), ...goals].join('\n'));
    const title = `upres ${machine.upres} on ${machine.processor}, ${machine.cores} cores, sharp ${machine.sharp}`;
    console.log([title, ...blocks.values()].join('\n\n'));

    if (values.doc !== undefined) {
      await writeFile(values.doc, replaceBlocks(await readFile(values.doc, 'utf8'), blocks));
    }
    if (values.plot !== undefined && !values.untimed) await plot(values.plot, speeds, results);
    if (values.json !== undefined) {
      const report = { machine, date: new Date().toISOString(), results, speeds };
      await writeFile(values.json, `${JSON.stringify(report, undefined, 1)}\n`);
    }
  } finally {
    await rm(cacheFolder, { recursive: true, force: true });
  }
}

async function plot(
  file: string,
  speeds: readonly MethodSpeed[],
  results: Parameters<typeof speedPoints>[1],
): Promise<void> {
  const set = folders.at(-1);
  if (set === undefined) throw new Error('--plot shows photographs: name a folder of them with --data');
  const name = basename(resolve(set));
  await writeFile(file, qualityPlot(speedPoints(speeds, results, name), name));
}
