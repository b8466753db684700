// `npm run bench:quality`: how close the built-in networks, `auto` and what else people use come to pictures that are known.
//
//   --data FOLDER...   photographs in the customary layout: x2/001_LR.png, x2/001_HR.png and so on, also x3 and x4
//   --packages FOLDER  where packages with drawings are installed (default: a folder of the user's cache)
//   --scale N          only this scale (may be given several times; default 2, 3 and 4)
//   --rows WORDS       only rows whose name contains this (may be given several times)
//   --only NAME        only this method (may be given several times)
//   --quick            a few pictures of each row
//   --json FILE        writes all figures to a file, case by case
//   --plot FILE        writes quality against speed as an SVG, for the last of the folders
//   --dump FOLDER      instead: writes each case's small file and true picture
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import envPaths from 'env-paths';
import { Upscaler } from '#src/image/upscale.js';
import { describeMachine } from './machine.js';
import type { QualityCase } from './quality-case.js';
import { codeReader, codes } from './quality-codes.js';
import { drawings } from './quality-drawings.js';
import { dumpCases } from './quality-dump.js';
import { measureCases } from './quality-measure.js';
import { methodsOf } from './quality-methods.js';
import { codePackages, drawnPackages, installPackages } from './quality-packages.js';
import { photographs } from './quality-photographs.js';
import { pixelArt } from './quality-pixel-art.js';
import { qualityGoals, qualityTables } from './quality-table.js';
import { textGoal, textTable } from './text-table.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string', multiple: true, default: [] },
    packages: { type: 'string', default: join(envPaths('upres', { suffix: '' }).cache, 'bench-packages') },
    scale: { type: 'string', multiple: true, default: ['2', '3', '4'] },
    rows: { type: 'string', multiple: true },
    only: { type: 'string', multiple: true },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
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

const packages = await installPackages(resolve(values.packages), { ...drawnPackages, ...codePackages });
const cases = (await allCases()).filter(
  ({ row, scale }) => scales.includes(scale) && (values.rows?.some((words) => row.includes(words)) ?? true),
);
if (values.dump !== undefined) await dumpCases(values.dump, cases);
else await measure();

async function allCases(): Promise<QualityCase[]> {
  const found: QualityCase[] = [];
  for (const folder of folders) found.push(...(await photographs(folder, scales, limit)));
  found.push(...(await drawings(packages, values.quick ? 5 : Infinity)));
  found.push(...(await codes(packages, limit)));
  found.push(...(await pixelArt(scales, limit)));
  return found;
}

async function measure(): Promise<void> {
  const cacheFolder = await mkdtemp(join(tmpdir(), 'upres-quality-'));
  try {
    await using upscaler = new Upscaler({ cacheFolder });
    const methods = methodsOf(upscaler).filter(({ name }) => values.only?.includes(name) ?? true);
    const names = methods.map(({ name }) => name);
    const results = await measureCases(cases, methods, upscaler, codeReader(packages), say);
    const machine = describeMachine();
    console.log(`upres ${machine.upres} on ${machine.processor}, ${machine.cores} cores, sharp ${machine.sharp}\n`);
    for (const table of qualityTables(results, names)) console.log(`${textTable(table)}\n`);
    for (const goal of qualityGoals(results, names)) console.log(textGoal(goal));
    if (values.json !== undefined) {
      const report = { machine, date: new Date().toISOString(), results };
      await writeFile(values.json, `${JSON.stringify(report, undefined, 1)}\n`);
    }
  } finally {
    await rm(cacheFolder, { recursive: true, force: true });
  }
}
