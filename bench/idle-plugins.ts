import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Built } from './children/build.js';
import { fixed, percent, spread } from './format.js';
import type { Findings, Goal, Setting, Table } from './measurement.js';
import { childProgram } from './paths.js';
import { inRounds } from './rounds.js';
import { runNode } from './run-child.js';
import { Site } from './site-builds.js';
import { ratios, summarise, type Summary, type Timing } from './statistics.js';

/**
 * A build whose pictures are all in the cache may take this many times what it takes with pictures that were upscaled beforehand.
 * Vite's has the plugin then, too, which looks for directives and finds none.
 */
const mostCached = 1.15;
/** A plugin that has nothing to do may take this share of a build more. */
const mostUnused = 0.03;

const withCached = ['vite', 'webpack', 'gulp'] as const;
/**
 * By name: which bundler builds modules, and how. Terser would take most of the time, and hide what a plugin adds. Rspack minimises in
 * hardly more time than it builds; a text that has not been minimised it gives to a plugin with a source map of its own.
 */
const withModules = {
  webpack: { bundler: 'webpack', mode: 'production', minimize: false },
  Rspack: { bundler: 'rspack', mode: 'production', minimize: true },
  'Rspack in development': { bundler: 'rspack', mode: 'development', minimize: false },
} as const;
type ModulesBuild = keyof typeof withModules;

const clocks = { wallMs: 'time', cpuMs: 'processor time' } as const;
type Clock = keyof typeof clocks;

/** What `--part` takes of them. */
export const partsOfIdlePlugins = ['vite', 'webpack', 'gulp', 'rspack'] as const;

/** What plugins cost where there is nothing to compute: all pictures are in the cache, or there are none. */
export async function measureIdlePlugins(setting: Setting): Promise<Findings> {
  const wanted = (tool: string): boolean => setting.parts?.includes(tool) ?? true;
  const cached = withCached.filter(wanted);
  const unused = (Object.keys(withModules) as ModulesBuild[]).filter((name) => wanted(withModules[name].bundler));
  const found = [
    ...(cached.length > 0 ? [await measureCached(setting, cached)] : []),
    ...(unused.length > 0 ? [await measureUnused(setting, unused)] : []),
  ];
  return {
    tables: found.flatMap(({ tables }) => tables),
    goals: found.flatMap(({ goals }) => goals),
    figures: found.map(({ figures }) => figures),
  };
}

async function measureCached(setting: Setting, tools: readonly (typeof withCached)[number][]): Promise<Findings> {
  const { quick, pairs, say } = setting;
  const pictures = quick ? 20 : 100;
  say(`${pictures} cached pictures through ${tools.join(', ')}, ${pairs} times in turn`);
  const site = await Site.make(setting, pictures);
  const { pieces } = site;
  const rounds = await inRounds<string, Built>(
    setting,
    Object.fromEntries(
      tools.flatMap((tool) => [
        [`${tool} without`, tool === 'vite' ? () => site.idle(tool) : pieces[`${tool} plain`]],
        [`${tool} with`, pieces[`${tool} warm`]],
      ]),
    ),
  );
  return {
    tables: [tableOf(`${pictures} cached pictures, against pictures that were upscaled beforehand`, tools, rounds)],
    goals: goalsOf(tools, rounds, (tool, clock) => ({
      what: `${tool}, ${pictures} cached pictures against none of ours, ${clocks[clock]}`,
      bound: { atMost: mostCached },
      show: fixed,
    })),
    figures: { pictures, cached: forJson(rounds) },
  };
}

async function measureUnused(setting: Setting, tools: readonly ModulesBuild[]): Promise<Findings> {
  const { quick, say } = setting;
  // A few per cent are to be seen, so there are more rounds.
  const pairs = 2 * setting.pairs;
  const modules = quick ? 200 : 5000;
  say(`${modules} modules without pictures through ${tools.join(', ')}, ${pairs} times in turn`);
  const project = join(setting.folder, 'modules');
  await writeModules(project, modules);
  const rounds = await inRounds<string, Timing>(
    { ...setting, pairs },
    Object.fromEntries(
      tools.flatMap((tool) => [
        [`${tool} without`, () => buildModules(setting, tool, project, false)],
        [`${tool} with`, () => buildModules(setting, tool, project, true)],
      ]),
    ),
  );
  return {
    tables: [tableOf(`${modules} modules without pictures, whole processes`, tools, rounds)],
    goals: goalsOf(tools, rounds, (tool, clock) => ({
      what: `${tool}, ${modules} modules with the plugin unused against without it, ${clocks[clock]}`,
      bound: { atMost: 1 + mostUnused },
      show: (value) => `${value < 1 ? '−' : '+'}${percent(Math.abs(value - 1))}`,
    })),
    figures: { modules, unused: forJson(rounds) },
  };
}

/** Scripts that import each other as a binary tree, so that one entry needs all. */
async function writeModules(folder: string, count: number): Promise<void> {
  await mkdir(folder);
  for (let index = 0; index < count; index++) {
    const needed = [2 * index + 1, 2 * index + 2].filter((other) => other < count);
    const imports = needed.map((other) => `import { value as value${other} } from './${other}.js';\n`).join('');
    const code = `${imports}
function squares(list) {
  const found = [];
  for (const item of list) if (item % ${index + 2} === 0) found.push({ item: item * item, page: 'https://example.com/?page=${index}' });
  return found;
}
export const value = squares([1, 2, 3, 5, 8, 13, 21]).length${needed.map((other) => ` + value${other}`).join('')};
`;
    await writeFile(join(folder, `${index}.js`), code);
  }
  await writeFile(join(folder, 'package.json'), '{ "sideEffects": true }');
}

async function buildModules(
  setting: Setting,
  name: ModulesBuild,
  project: string,
  withPlugin: boolean,
): Promise<Timing> {
  const { bundler, mode, minimize } = withModules[name];
  const out = join(setting.folder, 'modules-out');
  const { wallMs, cpuMs } = await runNode(
    [childProgram('build-modules'), bundler, mode, String(minimize), project, out, String(withPlugin)],
    setting,
  );
  await rm(out, { recursive: true });
  return { wallMs, cpuMs: cpuMs ?? Number.NaN };
}

type Rounds = Readonly<Record<string, readonly Timing[]>>;

function relative(rounds: Rounds, tool: string, clock: Clock): Summary {
  const all = (piece: string): number[] => rounds[piece]!.map((one) => one[clock]);
  return summarise(ratios(all(`${tool} with`), all(`${tool} without`)));
}

function tableOf(caption: string, tools: readonly string[], rounds: Rounds): Table {
  const ms = (piece: string, clock: Clock): string =>
    spread(summarise(rounds[piece]!.map((one) => one[clock])), (value) => fixed(value, 0));
  return {
    caption,
    columns: ['', 'without upres, ms', 'with it, ms', 'times'],
    rows: tools.flatMap((tool) =>
      (Object.keys(clocks) as Clock[]).map((clock) => [
        `${tool}, ${clocks[clock]}`,
        ms(`${tool} without`, clock),
        ms(`${tool} with`, clock),
        spread(relative(rounds, tool, clock), (value) => fixed(value, 3)),
      ]),
    ),
  };
}

function goalsOf<Name extends string>(
  tools: readonly Name[],
  rounds: Rounds,
  goal: (tool: Name, clock: Clock) => Omit<Goal, 'value'>,
): Goal[] {
  return tools.flatMap((tool) =>
    (Object.keys(clocks) as Clock[]).map((clock) => ({
      ...goal(tool, clock),
      value: relative(rounds, tool, clock).median,
    })),
  );
}

function forJson(rounds: Rounds): Record<string, { wallMs: number; cpuMs: number }[]> {
  return Object.fromEntries(
    Object.entries(rounds).map(([piece, all]) => [piece, all.map(({ wallMs, cpuMs }) => ({ wallMs, cpuMs }))]),
  );
}
