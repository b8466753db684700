import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fixed, spread } from './format.js';
import type { SequentialWork } from './children/sequential-work.js';
import type { Findings, Goal, Setting } from './measurement.js';
import { childProgram, command } from './paths.js';
import { sample } from './pictures.js';
import { runNode } from './run-child.js';
import { inRounds } from './rounds.js';
import { ratios, summarise } from './statistics.js';

/** From the start of the process to the file, the command may take this many times what Node's start and inference take. */
const mostOverStart = 1.5;

/** The time until one small picture is there: the first time ever, every other time, and what Node alone takes. */
export async function measureColdStart(setting: Setting): Promise<Findings> {
  const { pairs, folder, cacheFolder, say } = setting;
  // 256×256 pixels.
  const picture = sample('astronaut.png');
  say(`cold start, ${pairs} times in turn`);
  const upscale = async (weights: string, results: string): Promise<number> => {
    const target = await mkdtemp(join(folder, 'cold-'));
    const args = [command, picture, '--out', `${target}/`, '--cache', results, '--quiet'];
    const { wallMs } = await runNode(args, { cacheFolder: weights });
    await rm(target, { recursive: true });
    return wallMs;
  };
  const withNewFolder = async (work: (folder: string) => Promise<number>): Promise<number> => {
    const fresh = await mkdtemp(join(folder, 'cache-'));
    const ms = await work(fresh);
    await rm(fresh, { recursive: true });
    return ms;
  };
  const kept = join(folder, 'kept');
  await upscale(cacheFolder, kept);
  const times = await inRounds(setting, {
    empty: () => withNewFolder((fresh) => upscale(fresh, join(fresh, 'results'))),
    weights: () => withNewFolder((fresh) => upscale(cacheFolder, fresh)),
    result: () => upscale(cacheFolder, kept),
    help: async () => (await runNode([command, '--help'], { cacheFolder })).wallMs,
    inference: async () => {
      const { stdout } = await runNode([childProgram('sequential-work'), picture], { cacheFolder });
      return (JSON.parse(stdout) as SequentialWork).inferenceMs / availableParallelism();
    },
    node: async () => (await runNode(['-e', '0'], { cacheFolder })).wallMs,
  });
  const row = (name: string, values: readonly number[]): string[] => [
    name,
    spread(summarise(values), (ms) => fixed(ms, 0)),
  ];
  const computing = times.node.map((ms, index) => ms + times.inference[index]!);
  const goal = (what: string, values: readonly number[], least: readonly number[]): Goal => ({
    what,
    value: summarise(ratios(values, least)).median,
    bound: { atMost: mostOverStart },
    show: fixed,
  });
  return {
    tables: [
      {
        caption: `Cold start: the command on one picture of 256×256 pixels, median (least–most) of ${pairs} rounds`,
        columns: ['', 'ms'],
        rows: [
          row('empty cache folder: weights are prepared', times.empty),
          row('weights prepared before', times.weights),
          row('result cached before', times.result),
          row('upres --help', times.help),
          row('node -e 0', times.node),
          row('inference alone, on all threads without loss', times.inference),
        ],
      },
    ],
    goals: [
      goal('one picture computed, against Node’s start and inference', times.weights, computing),
      goal('one picture from the cache, against Node’s start', times.result, times.node),
    ],
    figures: times,
  };
}
