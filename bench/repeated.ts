import sharp from 'sharp';
import type { PixelImage } from '#src/pixels.js';
import { bleed } from '#src/image/alpha/bleed.js';
import { ThreadSafeNetwork } from '#src/network/thread-safe-network.js';
import { defaultMemoryBudget, planImage } from '#src/network/tiles/plan.js';
import { planPicture } from '#src/network/tiles/picture-plan.js';
import { drawnKinds, drawPictures, type DrawnKind } from './drawn-pictures.js';
import { fixed, percent } from './format.js';
import { geometryOf } from './geometry-of.js';
import type { Findings, Setting } from './measurement.js';
import { photograph } from './pictures.js';
import { inRounds } from './rounds.js';
import { summarise } from './statistics.js';

/** Of drawings, so many times as many pixels would be computed without looking for what repeats. */
const leastSaving = 2;

/** Of a photograph's time, this share may be spent on finding out that nothing repeats. */
const mostLooking = 0.01;

/** Counts the pixels that are not computed because they repeat, and what looking for them costs where there are none. */
export async function measureRepeated(setting: Setting): Promise<Findings> {
  const { quick, cacheFolder, say } = setting;
  await using network = await ThreadSafeNetwork.fromLabel('natural', { scale: 2, threads: 2, cacheFolder });
  const geometry = geometryOf(network);
  const requestOf = ({ width, height }: PixelImage): Parameters<typeof planImage>[0] => ({
    ...{ width, height, geometry, threads: 2, memoryBudget: defaultMemoryBudget, tilePixels: undefined },
    ...{ acceptApproximation: false, pixelsPerMs: undefined },
  });

  const pictures = await drawPictures('repeated', quick ? 2 : 12);
  say(`${pictures.length} drawings`);
  const counted: { kind: DrawnKind; all: number; computed: number; times: number }[] = [];
  for (const { kind, png } of pictures) {
    let [all, computed] = [0, 0];
    for (const plane of await planesOf(png, geometry.halo!.left + 3)) {
      all += planImage(requestOf(plane)).computedPixels;
      await network.upscaleImage(plane, { onTile: ({ pixels }) => (computed += pixels) });
    }
    counted.push({ kind, all, computed, times: all / Math.max(1, computed) });
  }
  const saving = summarise(counted.map(({ times }) => times));

  const photo = await photograph(quick ? 256 : 1024);
  say('a photograph');
  const { looking, whole } = await inRounds(setting, {
    looking: async () => {
      const start = performance.now();
      await planPicture(requestOf(photo), photo, () => false);
      return performance.now() - start;
    },
    whole: async () => {
      const start = performance.now();
      await network.upscaleImage(photo);
      return performance.now() - start;
    },
  });
  const share = summarise(looking.map((ms, round) => ms / whole[round]!));
  return {
    tables: [
      {
        caption: 'Drawings, natural ×2, all planes: pixels computed, halos included',
        columns: ['', 'pictures', 'if all were', 'computed', 'times fewer (median)'],
        rows: drawnKinds.map((kind) => {
          const own = counted.filter((one) => one.kind === kind);
          const sum = (key: 'all' | 'computed'): number => own.reduce((total, one) => total + one[key], 0);
          const median = summarise(own.map(({ times }) => times)).median;
          return [kind, String(own.length), String(sum('all')), String(sum('computed')), fixed(median)];
        }),
      },
    ],
    goals: [
      {
        what: 'how many times fewer pixels are computed of a drawing (median)',
        value: saving.median,
        bound: { atLeast: leastSaving },
        show: fixed,
      },
      {
        what: "the share of a photograph's time that is spent on looking for what repeats",
        value: share.median,
        bound: { atMost: mostLooking },
        show: percent,
      },
    ],
    figures: { drawings: counted, lookingMs: looking, wholeMs: whole },
  };
}

/** A picture's colours, spread under what is invisible, and its alpha where it has one. */
async function planesOf(png: Uint8Array, layers: number): Promise<PixelImage[]> {
  const { data, info } = await sharp(png).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const colour = new Uint8Array(width * height * 3);
  const alpha = new Uint8Array(width * height);
  for (let pixel = 0; pixel < alpha.length; pixel++) {
    colour.set(data.subarray(4 * pixel, 4 * pixel + 3), 3 * pixel);
    alpha[pixel] = data[4 * pixel + 3]!;
  }
  const colours: PixelImage = { width, height, channels: 3, data: colour };
  if (alpha.every((value) => value === 255)) return [colours];
  const cover: PixelImage = { width, height, channels: 1, data: alpha };
  return [await bleed(colours, cover, layers), cover];
}
