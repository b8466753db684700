import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { onWhite, pngOf, readPixels, readSet, type RgbImage } from './quality-data.js';
import { drawings } from './quality-drawings.js';
import { lumaOf, psnr, psnrOf, shave } from './quality-metrics.js';
import { areaAverage } from './quality-photographs.js';

export const peerScale = 2;

/** Pixels along a side of what is cut from the middle of photographs: peers take minutes for a whole one. */
const side = 256;

/** Small pictures in a folder, as PNG, and what they ought to become. */
export interface PeerSet {
  readonly name: string;
  readonly folder: string;
  readonly pictures: readonly PeerPicture[];
  /** dB of results by the names of their pictures, the mean of all. */
  readonly score: (read: (name: string) => Promise<Uint8Array>) => Promise<number>;
  /** Millions of pixels of all results. */
  readonly megapixels: number;
}

interface PeerPicture {
  readonly name: string;
  readonly small: Uint8Array;
  readonly truth: RgbImage;
}

/**
 * Photographs reduced in two ways, and icons that were drawn at both sizes.
 * @param data a folder in the layout of `readSet`; without one there are no photographs
 * @param place where a package of drawings lies
 */
export async function peerSets(
  folder: string,
  {
    data,
    place,
    photographs,
    icons,
  }: {
    readonly data: string | undefined;
    readonly place: (name: string) => string;
    readonly photographs: number;
    /** Of each set of drawings. */
    readonly icons: number;
  },
): Promise<PeerSet[]> {
  const sets: PeerSet[] = [];
  if (data !== undefined) {
    const { name, pairs } = await readSet(data, peerScale);
    if (pairs.length === 0) throw new Error(`${data} has no pictures in x${peerScale}/`);
    const truths = await Promise.all(
      spread(pairs, photographs).map(async (pair) => [pair.name, await middle(pair.large)] as const),
    );
    for (const reduction of ['area', 'lanczos3'] as const) {
      const pictures = await Promise.all(
        truths.map(async ([picture, truth]) => ({ name: picture, truth, small: await reduced(truth, reduction) })),
      );
      sets.push(await writeSet(`${name}, ${reduction}`, join(folder, reduction), pictures, photographScore));
    }
  }
  const drawn = (await drawings(place, icons)).filter(({ row }) => row.endsWith('opaque'));
  const pictures = await Promise.all(
    drawn.map(async ({ file, truth }, index) => ({
      name: `icon-${index}`,
      // Some peers refuse palettes.
      small: await pngOf(await readPixels(file)),
      truth: onWhite(truth),
    })),
  );
  sets.push(
    await writeSet('drawn icons', join(folder, 'icons'), pictures, (own, truth) => psnrOf(own.data, truth.data)),
  );
  return sets;
}

/** Some of many, evenly spread: the same ones each time. */
function spread<T>(all: readonly T[], most: number): T[] {
  const count = Math.min(most, all.length);
  return Array.from({ length: count }, (_, index) => all[Math.floor(((index + 0.5) * all.length) / count)]!);
}

async function middle({ width, height, data }: RgbImage): Promise<RgbImage> {
  const cut = { width: Math.min(side, width), height: Math.min(side, height) };
  const [left, top] = [(width - cut.width) >> 1, (height - cut.height) >> 1];
  const pixels = await sharp(data, { raw: { width, height, channels: 3 } })
    .extract({ left, top, ...cut })
    .raw()
    .toBuffer();
  return { ...cut, channels: 3, data: pixels };
}

function reduced(truth: RgbImage, reduction: 'area' | 'lanczos3'): Promise<Uint8Array> {
  if (reduction === 'area') return pngOf(areaAverage(truth, peerScale));
  const { width, height, data } = truth;
  return sharp(data, { raw: { width, height, channels: 3 } })
    .resize(width / peerScale, height / peerScale, { kernel: 'lanczos3' })
    .png()
    .toBuffer();
}

/** Luma without a border, as the literature has it. */
function photographScore(own: RgbImage, truth: RgbImage): number {
  const [one, other] = [own, truth].map(({ data, width, height }) => shave(lumaOf(data, width, height), peerScale));
  return psnr(one!, other!);
}

async function writeSet(
  name: string,
  folder: string,
  pictures: readonly PeerPicture[],
  compare: (own: RgbImage, truth: RgbImage) => number,
): Promise<PeerSet> {
  await mkdir(folder, { recursive: true });
  for (const picture of pictures) await writeFile(join(folder, `${picture.name}.png`), picture.small);
  return {
    name,
    folder,
    pictures,
    megapixels: pictures.reduce((sum, { truth }) => sum + (truth.width * truth.height) / 1e6, 0),
    score: async (read) => {
      let sum = 0;
      for (const picture of pictures) {
        const own = await readPixels(await read(picture.name));
        const { width, height } = picture.truth;
        if (own.width !== width || own.height !== height) {
          throw new Error(`${picture.name} came out at ${own.width}×${own.height} instead of ${width}×${height}`);
        }
        sum += compare(own, picture.truth);
      }
      return sum / pictures.length;
    },
  };
}
