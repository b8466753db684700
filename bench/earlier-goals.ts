import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Table } from './measurement.js';
import type { GoalRow } from './text-table.js';

interface Run {
  readonly date: string;
  readonly results: readonly {
    readonly name: string;
    readonly foreignCores: number;
    readonly goals: readonly GoalRow[];
  }[];
}

/**
 * The goals that earlier runs measured, one after the other, with their dates: what takes longer than a machine stays quiet is measured in parts.
 * @param paths files that `--json` wrote, or folders of such files; of a goal in several of them the latest figure counts
 */
export async function earlierGoals(paths: readonly string[]): Promise<Table> {
  const files = (await Promise.all(paths.map(filesOf))).flat();
  const runs = await Promise.all(files.map(async (file) => JSON.parse(await readFile(file, 'utf8')) as Run));
  const rows = new Map<string, readonly string[]>();
  for (const { date, results } of runs.toSorted((one, other) => one.date.localeCompare(other.date))) {
    for (const { name, foreignCores, goals } of results) {
      for (const { what, is, shouldBe, ratio } of goals) {
        rows.set(what, [what, is, shouldBe, ratio, name, foreignCores.toFixed(2), date.slice(0, 10)]);
      }
    }
  }
  return {
    caption: 'All goals, and how many cores other programs used at most meanwhile',
    columns: ['', 'is', 'should be', 'ratio', '--only', 'others', 'date'],
    rows: [...rows.values()],
  };
}

async function filesOf(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  return (await readdir(path)).filter((name) => name.endsWith('.json')).map((name) => join(path, name));
}
