// `npm run bench:quality`: how close the built-in networks come to pictures that are known, and how fast.
//
//   --data FOLDER...  pictures in the customary layout: x2/001_LR.png, x2/001_HR.png and so on, also x3 and x4
//   --scale N         only this scale (may be given several times; default 2, 3 and 4)
//   --only NAME       only this method (may be given several times)
//   --passes          also networks that reach a scale by passes: art twice for 4
//   --json FILE       writes all figures to a file, picture by picture
//   --plot FILE       writes quality against speed as an SVG, for the last of the folders
//   --auto            instead: how often `model: 'auto'` takes the best network
//   --art FOLDER      with --auto: folders of drawings and screenshots too (SVG and PNG, reduced here)
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { describeMachine } from './machine.js';
import { measureAuto } from './quality-auto.js';
import { busiest } from './quality-clock.js';
import { readSet } from './quality-data.js';
import { measureMethod, type MethodResult } from './quality-measure.js';
import { methodsFor } from './quality-methods.js';
import { qualityPlot } from './quality-plot.js';
import { metricGoals, qualityTable } from './quality-table.js';
import { textGoal, textTable } from './text-table.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string', multiple: true, default: [] },
    scale: { type: 'string', multiple: true, default: ['2', '3', '4'] },
    only: { type: 'string', multiple: true },
    json: { type: 'string' },
    plot: { type: 'string' },
    passes: { type: 'boolean', default: false },
    auto: { type: 'boolean', default: false },
    art: { type: 'string', multiple: true, default: [] },
  },
});
// Folders that follow a `--data FOLDER` without one of their own.
const folders = [...values.data, ...positionals];
if (folders.length === 0) throw new Error('name folders of pictures: --data ../data/Set5 ../data/Set14');
for (const folder of folders) {
  if (!(await stat(folder).catch(() => undefined))?.isDirectory()) throw new Error(`there is no folder ${folder}`);
}

const cacheFolder = await mkdtemp(join(tmpdir(), 'upres-quality-'));
try {
  const machine = describeMachine();
  console.log(`upres ${machine.upres} on ${machine.processor}, ${machine.cores} cores, sharp ${machine.sharp}\n`);
  if (values.auto) await measureAuto({ folders, art: values.art, cacheFolder, json: values.json });
  else await measureQuality();
} finally {
  await rm(cacheFolder, { recursive: true, force: true });
}

async function measureQuality(): Promise<void> {
  const results: MethodResult[] = [];
  for (const scale of values.scale.map(Number)) {
    const sets = (await Promise.all(folders.map((folder) => readSet(folder, scale)))).filter(
      ({ pairs }) => pairs.length > 0,
    );
    if (sets.length === 0) continue;
    const clock = await busiest(sets);
    for (const method of methodsFor(scale, values.passes, cacheFolder)) {
      if (values.only && !values.only.includes(method.name)) continue;
      process.stderr.write(`  … ${method.name} ×${scale}\n`);
      results.push(await measureMethod(method, sets, clock));
    }
  }
  const names = folders.map((folder) => basename(resolve(folder)));
  const goals = metricGoals(results).map(textGoal);
  console.log([textTable(qualityTable(results, names)), ...(goals.length > 0 ? ['', ...goals] : [])].join('\n'));
  if (values.json !== undefined) {
    const report = { machine: describeMachine(), date: new Date().toISOString(), results };
    await writeFile(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
  }
  if (values.plot !== undefined) await writeFile(values.plot, qualityPlot(results, names.at(-1)!));
}
