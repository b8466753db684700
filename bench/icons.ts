import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Built } from './children/build.js';
import { fixed, spread } from './format.js';
import { writeIcons } from './icon-pictures.js';
import type { Findings, Goal, Setting } from './measurement.js';
import { childProgram, command } from './paths.js';
import { runNode } from './run-child.js';
import { inRounds } from './rounds.js';
import { pictureFolder } from './site-files.js';
import { summarise, type Summary, type Timing } from './statistics.js';

/** Milliseconds that an icon may take on two threads, nothing being cached. */
const mostMs = 1.5;

const clocks = { wallMs: 'time', cpuMs: 'processor time' } as const;

/** Many small pictures: what each costs besides its pixels. The command's whole process counts, Gulp's from `src` to `dest`. */
export async function measureIcons(setting: Setting): Promise<Findings> {
  const { quick, pairs, folder, cacheFolder, say } = setting;
  const count = quick ? 100 : 2000;
  const site = join(folder, 'icons');
  await writeIcons(join(site, pictureFolder), count);
  let runs = 0;
  const freshly = async (work: (out: string, cache: string) => Promise<Timing>): Promise<Timing> => {
    const [out, cache] = [join(folder, `icons-out-${runs}`), join(folder, `icons-cache-${runs++}`)];
    const timing = await work(out, cache);
    for (const used of [out, cache]) await rm(used, { recursive: true });
    return timing;
  };
  const works = {
    'the command': () =>
      freshly(async (out, cache) => {
        const args = [command, join(site, pictureFolder), '--out', `${out}/`, '--cache', cache];
        const { wallMs, cpuMs } = await runNode([...args, '--model', 'art', '--threads', '2', '--quiet'], setting);
        return { wallMs, cpuMs: cpuMs ?? Number.NaN };
      }),
    Gulp: () =>
      freshly(async (out, cache) => {
        const { stdout } = await runNode([childProgram('build-gulp'), site, out, cache], setting);
        const { wallMs, cpuMs } = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as Built;
        return { wallMs, cpuMs };
      }),
  };
  // Prepares the weights.
  await runNode(
    [command, join(site, pictureFolder, 'drawing-1.png'), '--out', join(folder, 'icon.png'), '--model', 'art'],
    {
      cacheFolder,
    },
  );
  say(`${count} icons through ${Object.keys(works).join(' and ')}, ${pairs} times in turn`);
  const times = await inRounds<keyof typeof works, Timing>(setting, works);
  const perIcon = (name: keyof typeof works, clock: keyof Timing): Summary =>
    summarise(times[name].map((timing) => timing[clock] / count));
  const names = Object.keys(works) as (keyof typeof works)[];
  return {
    tables: [
      {
        caption: `${count} icons of 24×24 pixels, ×2, nothing cached; milliseconds an icon`,
        columns: ['', ...Object.values(clocks)],
        rows: names.map((name) => [
          name,
          ...(['wallMs', 'cpuMs'] as const).map((clock) => spread(perIcon(name, clock))),
        ]),
      },
    ],
    goals: names.map((name): Goal => ({
      what: `an icon through ${name}`,
      value: perIcon(name, 'wallMs').median,
      bound: { atMost: mostMs },
      show: (ms) => `${fixed(ms)} ms`,
    })),
    figures: {
      count,
      rounds: Object.fromEntries(names.map((name) => [name, times[name].map((timing) => ({ ...timing }))])),
    },
  };
}
