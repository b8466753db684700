import { readdir, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import sharp from 'sharp';
import { chooseForPicture } from '#src/image/choose-for-picture.js';
import { autoChoices, type ModelChoice } from '#src/image/choose-model.js';
import { decode } from '#src/image/decode.js';
import { Meter } from '#src/image/meter.js';
import { readHeader } from '#src/image/probe.js';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { percent } from './format.js';
import { readPixels, readSet, type PicturePair } from './quality-data.js';
import { lumaOf, psnr, shave } from './quality-metrics.js';
import { textGoal, textTable } from './text-table.js';

const scale = 2;
/** dB that a choice may lie behind the best one. */
const tolerance = 0.1;
/** How pictures are stored before they are enlarged: losslessly, and as JPEG by sharp's encoder. */
const storages = ['png', 50, 60, 70, 80, 90, 100] as const;
const wantedShare = 0.95;

type Label = ModelChoice['model'];

interface Case {
  readonly set: string;
  readonly picture: string;
  readonly storage: (typeof storages)[number];
  /** dB of each network. */
  readonly psnr: Readonly<Record<Label, number>>;
  readonly chosen: Label;
  readonly reason: string;
  /** dB behind the best. */
  readonly behind: number;
}

/** Enlarges every picture, stored in several ways, by all networks that `auto` knows, and looks whether it chose the best. */
export async function measureAuto(options: {
  folders: readonly string[];
  art: readonly string[];
  cacheFolder: string;
  json: string | undefined;
}): Promise<void> {
  const { folders, art, cacheFolder, json } = options;
  const sets = [
    ...(await Promise.all(folders.map((folder) => readSet(folder, scale)))),
    ...(await Promise.all(
      art.map(async (folder) => ({ name: basename(resolve(folder)), pairs: await readArt(folder) })),
    )),
  ];
  const networks = await Promise.all(
    autoChoices.map(
      async (label) => [label, await ThreadSafeNetwork.fromLabel(label, { scale, cacheFolder })] as const,
    ),
  );
  const cases: Case[] = [];
  for (const { name: set, pairs } of sets) {
    for (const pair of pairs) {
      process.stderr.write(`  … ${set} ${pair.name}\n`);
      for (const storage of storages)
        cases.push({ set, picture: pair.name, storage, ...(await judge(pair, storage, networks)) });
    }
  }
  await Promise.all(networks.map(([, network]) => network.dispose()));
  print(cases);
  if (json !== undefined) await writeFile(json, `${JSON.stringify(cases, undefined, 2)}\n`);
}

async function judge(
  { small, large }: PicturePair,
  storage: Case['storage'],
  networks: readonly (readonly [Label, ThreadSafeNetwork])[],
): Promise<Pick<Case, 'psnr' | 'chosen' | 'reason' | 'behind'>> {
  const { width, height, data } = small;
  const raw = sharp(data, { raw: { width, height, channels: 3 } });
  const file = await (storage === 'png' ? raw.png() : raw.jpeg({ quality: storage })).toBuffer();
  const stored = await readPixels(file);
  const reference = shave(lumaOf(large.data, large.width, large.height), scale);
  const found: Record<Label, number> = { natural: 0, 'natural-jpeg': 0, art: 0, nearest: 0 };
  for (const [label, network] of networks) {
    const result = await network.upscaleImage(stored);
    found[label] = psnr(shave(lumaOf(result.data as Uint8Array, result.width, result.height), scale), reference);
  }
  const header = await readHeader(file);
  const [frame] = await decode(file, header, { frames: 1, colour: 'srgb', file: undefined, meter: new Meter() });
  const { model: chosen, reason } = await chooseForPicture(file, header, frame!, scale);
  return { psnr: found, chosen, reason, behind: behindBest(found, chosen) };
}

/** dB that a network lies behind the best one; where several are perfect, none lies behind. */
function behindBest(found: Case['psnr'], label: Label): number {
  const best = Math.max(...Object.values(found));
  return found[label] === best ? 0 : best - found[label];
}

function print(cases: readonly Case[]): void {
  const sets = [...new Set(cases.map(({ set }) => set))];
  const groups = [
    ...storages.map((storage) => cases.filter((one) => one.storage === storage)),
    ...sets.map((set) => cases.filter((one) => one.set === set)),
    cases,
  ];
  const chosen = ({ behind }: Case): number => behind;
  const always =
    (label: Label) =>
    ({ psnr: found }: Case): number =>
      behindBest(found, label);
  const share = (some: readonly Case[], behind: (one: Case) => number): number =>
    some.filter((one) => behind(one) <= tolerance).length / some.length;
  const row = (name: string, show: (some: readonly Case[]) => string): string[] => [name, ...groups.map(show)];
  const table = {
    caption: `Share of cases within ${tolerance} dB of the best of these, and dB behind the best, ×${scale}`,
    columns: ['', ...storages.map((storage) => (storage === 'png' ? 'PNG' : `JPEG ${storage}`)), ...sets, 'all'],
    rows: [
      row('auto', (some) => percent(share(some, chosen))),
      ...autoChoices.map((label) => row(`always ${label}`, (some) => percent(share(some, always(label)), 0))),
      row('auto, mean dB behind', (some) => meanOf(some.map(chosen))),
      ...autoChoices.map((label) => row(`always ${label}, mean`, (some) => meanOf(some.map(always(label))))),
      row('auto, worst dB behind', (some) => Math.max(...some.map(chosen)).toFixed(2)),
      row('cases', (some) => String(some.length)),
    ],
  };
  console.log(textTable(table));
  const what = 'the share of cases in which auto is good enough';
  const value = share(cases, chosen);
  console.log(`\n${textGoal({ what, value, bound: { atLeast: wantedShare }, show: (one) => percent(one) })}`);
}

const meanOf = (values: readonly number[]): string =>
  (values.reduce((sum, value) => sum + value, 0) / values.length).toFixed(3);

/** Of a drawing, at most so many pixels along a side. */
const artSide = 512;

/** Drawings and screenshots: SVG as a browser draws them, PNG as they are, the middle of large ones. */
async function readArt(folder: string): Promise<PicturePair[]> {
  const names = (await readdir(folder)).filter((name) => /\.(svg|png)$/.test(name)).sort();
  return Promise.all(
    names.map(async (name) => {
      const file = join(folder, name);
      const all = await readPixels(await sharp(file).png().toBuffer());
      const [width, height] = [all.width, all.height].map((side) => Math.min(side, artSide) & ~1) as [number, number];
      const region = { left: (all.width - width) >> 1, top: (all.height - height) >> 1, width, height };
      const large = await sharp(all.data, { raw: { width: all.width, height: all.height, channels: 3 } })
        .extract(region)
        .png()
        .toBuffer();
      const small = await sharp(large)
        .resize(width / scale, height / scale, { kernel: 'lanczos3' })
        .png()
        .toBuffer();
      return { name, small: await readPixels(small), large: await readPixels(large) };
    }),
  );
}
