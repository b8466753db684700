import { fixed, spread } from './format.js';
import type { Findings, Goal, Setting } from './measurement.js';
import { childProgram } from './paths.js';
import { inRounds } from './rounds.js';
import { runNode } from './run-child.js';
import { summarise } from './statistics.js';

/** Each door of the package, and the build tool that is there already when it is imported. */
const doors = {
  upres: [],
  'upres/vite': ['vite'],
  'upres/webpack': ['webpack'],
  'upres/gulp': ['gulp'],
  'upres/server': [],
} as const;
type Door = keyof typeof doors;

/** Milliseconds of processor time that a plugin may add to each start of its build tool. */
const mostForPlugin = 60;

/** Processor time of importing the package, which every start of a build tool, a test run and a configuration's reload pays. */
export async function measureImports(setting: Setting): Promise<Findings> {
  const { pairs, cacheFolder, say } = setting;
  say(`imports, ${pairs} times in turn`);
  const measure = async (door: Door): Promise<number> => {
    const { stdout } = await runNode([childProgram('import'), ...doors[door], door], { cacheFolder });
    return Number(stdout);
  };
  const names = Object.keys(doors) as Door[];
  const works = Object.fromEntries(names.map((door) => [door, () => measure(door)])) as Record<
    Door,
    () => Promise<number>
  >;
  const times = await inRounds(setting, works);
  const goals = names
    .filter((door) => doors[door].length > 0)
    .map((door): Goal => {
      const { median } = summarise(times[door]);
      return {
        what: `importing ${door}, beyond ${doors[door].join(', ')}`,
        value: median,
        bound: { atMost: mostForPlugin },
        show: (ms) => `${fixed(ms, 0)} ms`,
      };
    });
  return {
    tables: [
      {
        caption: `Processor time of importing, median (least–most) of ${pairs} rounds`,
        columns: ['', 'imported before', 'ms'],
        rows: names.map((door) => [door, doors[door].join(', '), spread(summarise(times[door]), (ms) => fixed(ms, 0))]),
      },
    ],
    goals,
    figures: times,
  };
}
