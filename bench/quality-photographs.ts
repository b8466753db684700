import sharp, { type Sharp } from 'sharp';
import type { QualityCase } from './quality-case.js';
import { pngOf, readSet, type PicturePair, type RgbImage } from './quality-data.js';

/** One way of making a small picture, as the pixels or as the file that is left of it. */
interface Reduction {
  readonly name: string;
  readonly reduce: (pair: PicturePair, scale: number) => Promise<Uint8Array>;
}

const rawOf = ({ width, height, data }: RgbImage): Sharp => sharp(data, { raw: { width, height, channels: 3 } });

const bySharp =
  (kernel: 'lanczos3' | 'mitchell') =>
  ({ large }: PicturePair, scale: number): Promise<Uint8Array> =>
    rawOf(large)
      .resize(large.width / scale, large.height / scale, { kernel })
      .png()
      .toBuffer();

const averaged =
  (store: (pipeline: Sharp) => Sharp) =>
  ({ large }: PicturePair, scale: number): Promise<Uint8Array> =>
    store(rawOf(areaAverage(large, scale))).toBuffer();

/** What people's tools do; `MATLAB bicubic` is what the literature does, as the folder has it. */
const reductions: readonly Reduction[] = [
  { name: 'MATLAB bicubic', reduce: ({ small }) => pngOf(small) },
  { name: 'lanczos3', reduce: bySharp('lanczos3') },
  { name: 'mitchell', reduce: bySharp('mitchell') },
  { name: 'area', reduce: averaged((pipeline) => pipeline.png()) },
  ...[92, 80, 60].map((quality) => ({
    name: `area, JPEG ${quality}`,
    reduce: averaged((pipeline) => pipeline.jpeg({ quality })),
  })),
  { name: 'area, WebP 80', reduce: averaged((pipeline) => pipeline.webp({ quality: 80 })) },
];

/** The pictures of a folder in the customary layout, reduced in every way. */
export async function photographs(folder: string, scales: readonly number[], limit: number): Promise<QualityCase[]> {
  const cases: QualityCase[] = [];
  for (const scale of scales) {
    const { name: set, pairs } = await readSet(folder, scale);
    for (const { name: reduction, reduce } of reductions) {
      for (const pair of pairs.slice(0, limit)) {
        cases.push({
          group: 'photographs',
          row: `${set} ×${scale}, ${reduction}`,
          name: pair.name,
          scale,
          file: await reduce(pair, scale),
          truth: opaque(pair.large),
          compare: 'luma',
        });
      }
    }
  }
  return cases;
}

function opaque({ width, height, data }: RgbImage): QualityCase['truth'] {
  const pixels = new Uint8Array(width * height * 4).fill(255);
  for (let at = 0; at < width * height; at++) pixels.set(data.subarray(at * 3, at * 3 + 3), at * 4);
  return { width, height, channels: 4, data: pixels };
}

/** The mean of each cell of `scale` × `scale` pixels. Sides are multiples of the scale. */
export function areaAverage({ width, height, data }: RgbImage, scale: number): RgbImage {
  const [outWidth, outHeight] = [width / scale, height / scale];
  const out = new Uint8Array(outWidth * outHeight * 3);
  for (let y = 0; y < outHeight; y++) {
    for (let x = 0; x < outWidth; x++) {
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (let dy = 0; dy < scale; dy++) {
          for (let dx = 0; dx < scale; dx++) sum += data[((y * scale + dy) * width + x * scale + dx) * 3 + channel]!;
        }
        out[(y * outWidth + x) * 3 + channel] = Math.round(sum / scale ** 2);
      }
    }
  }
  return { width: outWidth, height: outHeight, channels: 3, data: out };
}
