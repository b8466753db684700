import { join } from 'node:path';
import sharp from 'sharp';
import { parseQuery } from '#src/asset/directives.js';
import { AssetPipeline } from '#src/asset/pipeline.js';
import { encode } from '#src/image/codec/encode.js';
import type { OutputFormat } from '#src/image/codec/formats.js';
import { PictureTimer } from '#src/image/picture-timer.js';
import { fixed, spread } from './format.js';
import type { Findings, Setting } from './measurement.js';
import { photograph } from './pictures.js';
import { inRounds } from './rounds.js';
import { ratios, summarise, timed, type Timing } from './statistics.js';

/** Three formats of a picture may take this many times what one takes and the encoders of the other two. */
const mostTimes = 1.25;

const threads = 2;
const [first, ...others] = ['webp', 'avif', 'jpeg'] as const satisfies OutputFormat[];

const clocks = { wallMs: 'time', cpuMs: 'processor time' } as const;

/** What a picture in three formats costs, which is enlarged once, against one format and the encoders of the others. */
export async function measureFormats(setting: Setting): Promise<Findings> {
  const { quick, pairs, folder, say } = setting;
  const [width, height] = quick ? [96, 64] : [480, 320];
  const file = join(folder, 'formats.jpg');
  const { data } = await photograph(width, height);
  await sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 85 })
    .toFile(file);
  const pipeline = new AssetPipeline({ threads, cache: false }, { root: folder, warn: say });
  try {
    const make = async (query: string): Promise<void> => {
      const plan = await pipeline.plan(file, parseQuery(query)!);
      await Promise.all(plan.variants.map((variant) => pipeline.render(plan, variant)));
    };
    const colour = await photograph(2 * width, 2 * height);
    const encodeAs = (format: OutputFormat): Promise<Uint8Array> =>
      encode([{ colour, alpha: undefined }], { format, ...usual }, new PictureTimer());
    const works = {
      one: () => timed(() => make(`upscale=2&format=${first}`)),
      three: () => timed(() => make(`upscale=2&format=${[first, ...others].join(';')}&as=picture`)),
      encoders: () => timed(() => Promise.all(others.map(encodeAs))),
    };
    for (const work of Object.values(works)) await work();
    say(`${width}×${height} pixels in one format and in three, ${pairs} times in turn`);
    const times = await inRounds<keyof typeof works, Timing>(setting, works);
    const all = (piece: keyof typeof works, clock: keyof Timing): number[] => times[piece].map((one) => one[clock]);
    const row = (name: string, piece: keyof typeof works): string[] => [
      name,
      ...(['wallMs', 'cpuMs'] as const).map((clock) => spread(summarise(all(piece, clock)), (ms) => fixed(ms, 0))),
    ];
    return {
      tables: [
        {
          caption: `A photograph of ${width}×${height} pixels, ×2, ${threads} threads, nothing cached: ms, median (least–most) of ${pairs} rounds`,
          columns: ['', ...Object.values(clocks)],
          rows: [
            row(first, 'one'),
            row([first, ...others].join(', '), 'three'),
            row(`the encoders of ${others.join(' and ')} alone`, 'encoders'),
          ],
        },
      ],
      goals: (['wallMs', 'cpuMs'] as const).map((clock) => {
        const encoders = all('encoders', clock);
        const apart = all('one', clock).map((ms, index) => ms + encoders[index]!);
        return {
          what: `a picture in three formats against one format and the encoders of the others, ${clocks[clock]}`,
          value: summarise(ratios(all('three', clock), apart)).median,
          bound: { atMost: mostTimes },
          show: fixed,
        };
      }),
      figures: Object.fromEntries(
        Object.entries(times).map(([piece, list]) => [piece, list.map((one) => ({ ...one }))]),
      ),
    };
  } finally {
    await pipeline.close();
  }
}

/** What a photograph without anything special is encoded with. */
const usual = {
  quality: undefined,
  lossless: false,
  delay: undefined,
  loop: undefined,
  subsampled: true,
  hidden: undefined,
  palette: false,
  profile: undefined,
};
