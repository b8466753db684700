import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fixed, spread } from './format.js';
import type { Findings, Setting } from './measurement.js';
import { command } from './paths.js';
import { sample } from './pictures.js';
import { runNode } from './run-child.js';
import { inRounds } from './rounds.js';
import { summarise } from './statistics.js';

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
    node: async () => (await runNode(['-e', '0'], { cacheFolder })).wallMs,
  });
  const row = (name: string, values: readonly number[]): string[] => [
    name,
    spread(summarise(values), (ms) => fixed(ms, 0)),
  ];
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
        ],
      },
    ],
    goals: [],
    figures: times,
  };
}
