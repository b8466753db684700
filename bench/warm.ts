import { fixed, spread } from './format.js';
import type { Findings, Setting } from './measurement.js';
import { inRounds } from './rounds.js';
import { bundlers, Site } from './site-builds.js';
import { ratios, summarise, type Timing } from './statistics.js';

/** A build whose pictures are all in the cache may take this many times the build in which nothing asks for any. */
const mostOverIdle = 1.3;

const clocks: readonly { readonly clock: keyof Timing; readonly name: string }[] = [
  { clock: 'wallMs', name: 'time' },
  { clock: 'cpuMs', name: 'processor time' },
];

/** Measures what it costs to ask for pictures that are in the cache, on a site of 100 pictures. */
export async function measureWarm(setting: Setting): Promise<Findings> {
  const { quick, pairs, say } = setting;
  const pictures = quick ? 20 : 100;
  const site = await Site.make(setting, pictures);
  say(
    `${pictures} pictures from the cache through ${bundlers.join(', ')}, ${pairs} times in turn with the plugin idle`,
  );
  const built = await inRounds(setting, site.warmPieces);
  const rows = bundlers.flatMap((tool) =>
    clocks.map(({ clock, name }) => {
      const [warm, idle] = [built[`${tool} warm`], built[`${tool} idle`]].map((runs) => runs.map((run) => run[clock]));
      return { what: `${tool}, ${name}`, warm: warm!, idle: idle!, ratio: summarise(ratios(warm!, idle!)) };
    }),
  );
  const seconds = (times: number[]): string => spread(summarise(times), (ms) => fixed(ms / 1000));
  return {
    tables: [
      {
        caption: `A build with ${pictures} pictures in the cache, and the same with the plugin idle; ${pairs} rounds`,
        columns: ['', 'idle, s', 'warm, s', 'warm / idle'],
        rows: rows.map(({ what, warm, idle, ratio }) => [what, seconds(idle), seconds(warm), spread(ratio)]),
      },
    ],
    goals: rows.map(({ what, ratio }) => ({
      what: `${what}: warm, against the plugin idle`,
      value: ratio.median,
      bound: { atMost: mostOverIdle },
      show: fixed,
    })),
    figures: Object.fromEntries(Object.entries(built).map(([piece, runs]) => [piece, runs.map((run) => ({ ...run }))])),
  };
}
