// `npm run bench`: measures upres on this machine and prints the figures as tables.
//
//   --only NAME   one measurement: engine, rewrites, networks, waste, repeated, occupancy, scheduler, command, formats, icons, memory, cold, imports, site, plugins, server, farm, remote, wasm or peers (may be given several times);
//                 peers, which installs other programs by npm, and remote are left out unless they are named
//   --part NAME   only this part: of engine threads or speeds, of networks rrdb, compact, memory or passes, of plugins vite, webpack, gulp or rspack (may be given several times)
//   --quick       small pictures and few rounds, to see that everything works
//   --pairs N     rounds of what is compared (default 7)
//   --wait S  seconds that each measurement may lose to other programs that keep the machine busy
//                 (default 120; 0 with --quick)
//   --json FILE   writes all figures to a file
//   --from PATH   measures nothing: prints one table of the goals in a file that --json wrote, or in a folder of such files (may be given
//                 several times; of what several measured, the latest)
//   --data FOLDER photographs for peers, as x2/001_LR.png and x2/001_HR.png; without, drawings alone
//   --plot FILE   writes what peers found as an SVG
//
// A goal that is missed is printed, not an error: the exit code is 0 unless something breaks.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureColdStart } from './cold.js';
import { measureCommand } from './command.js';
import { earlierGoals } from './earlier-goals.js';
import { measureEngine, partsOfEngine } from './engine.js';
import { measureFarmThroughput } from './farm-throughput.js';
import { fixed, mebibytes } from './format.js';
import { measureFormats } from './formats.js';
import { measureIcons } from './icons.js';
import { measureIdlePlugins, partsOfIdlePlugins } from './idle-plugins.js';
import { measureImports } from './imports.js';
import { describeMachine, type Machine } from './machine.js';
import { isMet, type Findings, type Goal, type Json, type Measurement } from './measurement.js';
import { measureMemory } from './memory.js';
import { WaitBudget } from './wait-budget.js';
import { mostForeignCores } from './processor-time.js';
import { measureOccupancy } from './occupancy.js';
import { measurePeers } from './peers.js';
import { measureRemote } from './remote.js';
import { measureRepeated } from './repeated.js';
import { measureRewrites } from './rewrites.js';
import { measureScheduler } from './scheduler.js';
import { measureServer } from './server.js';
import { measureSite } from './site.js';
import { goalRow, goalTable, textGoal, textTable } from './text-table.js';
import { measureUserNetworks, partsOfUserNetworks } from './user-networks.js';
import { measureWasm } from './wasm.js';
import { measureWaste } from './waste.js';

const measurements: readonly Measurement[] = [
  { name: 'engine', title: 'Engine', run: measureEngine, parts: partsOfEngine },
  { name: 'rewrites', title: 'Rewrites for speed', run: measureRewrites },
  { name: 'networks', title: 'Networks of users', run: measureUserNetworks, parts: partsOfUserNetworks },
  { name: 'waste', title: 'Pixels computed in vain', run: measureWaste },
  { name: 'repeated', title: 'What repeats', run: measureRepeated },
  { name: 'occupancy', title: 'Threads at work', run: measureOccupancy },
  { name: 'scheduler', title: 'More cores', run: measureScheduler },
  { name: 'command', title: 'Command', run: measureCommand },
  { name: 'formats', title: 'Several formats', run: measureFormats },
  { name: 'icons', title: 'Small pictures', run: measureIcons },
  { name: 'memory', title: 'Memory', run: measureMemory },
  { name: 'cold', title: 'Cold start', run: measureColdStart },
  { name: 'imports', title: 'Imports', run: measureImports },
  { name: 'site', title: 'A site, through the build tools', run: measureSite },
  { name: 'plugins', title: 'Plugins with nothing to compute', run: measureIdlePlugins, parts: partsOfIdlePlugins },
  { name: 'server', title: 'Server', run: measureServer },
  { name: 'farm', title: 'Farm', run: measureFarmThroughput },
  { name: 'remote', title: 'Remote caches that do not do their part', run: measureRemote, onlyIfNamed: true },
  { name: 'wasm', title: 'In WebAssembly', run: measureWasm },
  { name: 'peers', title: 'Peers', run: measurePeers, onlyIfNamed: true },
];

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    part: { type: 'string', multiple: true },
    quick: { type: 'boolean', default: false },
    pairs: { type: 'string' },
    wait: { type: 'string' },
    json: { type: 'string' },
    from: { type: 'string', multiple: true },
    data: { type: 'string' },
    plot: { type: 'string' },
  },
});
const pairs = Number(values.pairs ?? (values.quick ? 3 : 7));
if (!Number.isInteger(pairs) || pairs < 1) throw new Error(`--pairs takes a whole number from 1, not ${values.pairs}`);
const waitBudget = Number(values.wait ?? (values.quick ? 0 : 120));
if (!(waitBudget >= 0)) throw new Error(`--wait takes a number of seconds, not ${values.wait}`);
for (const name of values.only ?? []) {
  if (!measurements.some((one) => one.name === name)) {
    throw new Error(`--only takes ${measurements.map((one) => one.name).join(', ')}, not ${name}`);
  }
}
const chosen = measurements.filter(({ name, onlyIfNamed }) => values.only?.includes(name) ?? !onlyIfNamed);
for (const name of values.part ?? []) {
  const known = chosen.flatMap(({ parts = [] }) => parts);
  if (!known.includes(name)) {
    throw new Error(`--part takes ${known.join(', ') || 'nothing here: none of these has parts'}, not ${name}`);
  }
}

if (values.from !== undefined) {
  console.log(textTable(await earlierGoals(values.from)));
  process.exit();
}

const folder = await mkdtemp(join(tmpdir(), 'upres-bench-'));
try {
  const machine = describeMachine();
  console.log(`${machineText(machine)}\n`);
  const results: Json[] = [];
  const goals: Goal[] = [];
  const say = (text: string): void => {
    process.stderr.write(`  … ${text}\n`);
  };
  const cacheFolder = join(folder, 'cache');
  for (const { name, title, run } of chosen) {
    let foreign = 0;
    const start = performance.now();
    const findings = await run({
      quick: values.quick,
      parts: values.part,
      pairs,
      waitBudget: new WaitBudget(waitBudget * 1000),
      disturbed: (cores) => (foreign = Math.max(foreign, cores)),
      folder,
      cacheFolder,
      data: values.data,
      plot: values.plot,
      say,
    });
    const seconds = (performance.now() - start) / 1000;
    const rest =
      foreign <= mostForeignCores
        ? ''
        : `; disturbed: other programs used up to ${fixed(foreign)} cores in a round that counts`;
    goals.push(...findings.goals);
    print(title, findings, `${Math.round(seconds)} s${rest}`);
    results.push({ name, seconds, foreignCores: foreign, ...forJson(findings) });
  }
  if (goals.length > 0) console.log(`${textTable(goalTable(goals))}\n`);
  if (values.json !== undefined) {
    const report = { machine: { ...machine }, date: new Date().toISOString(), quick: values.quick, pairs, results };
    await writeFile(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

function machineText(machine: Machine): string {
  return [
    `upres ${machine.upres} on ${machine.processor}, ${machine.cores} cores, ${mebibytes(machine.memoryBytes)}`,
    `${machine.system}, Node ${machine.node}, onnxruntime-node ${machine.onnxruntime}, sharp ${machine.sharp} (libvips ${machine.libvips})`,
  ].join('\n');
}

function print(title: string, { tables, goals }: Findings, foot: string): void {
  const blocks = [...tables.map(textTable), ...(goals.length > 0 ? [goals.map(textGoal).join('\n')] : []), `(${foot})`];
  console.log(`${title}\n${'='.repeat(title.length)}\n\n${blocks.join('\n\n')}\n`);
}

function forJson({ goals, figures }: Findings): { goals: Json; figures: Json } {
  return {
    goals: goals.map((goal) => ({ ...goalRow(goal), value: goal.value, ...goal.bound, met: isMet(goal) })),
    figures,
  };
}
