import { fixed } from './format.js';
import type { Goal, Table } from './measurement.js';
import type { MethodResult } from './quality-measure.js';

/** Methods in rows, scale by scale; sets in columns. */
export function qualityTable(results: readonly MethodResult[], sets: readonly string[]): Table {
  return {
    caption: 'PSNR in dB and SSIM on luma; speed in megapixels of the result for each second of one core',
    columns: ['', 'scale', 'passes', ...sets.flatMap((set) => [set, 'SSIM']), 'MP/s'],
    rows: results.map(({ name, scale, passes, sets: closeness, megapixelsPerSecond }) => [
      name,
      `×${scale}`,
      passes.map((pass) => `×${pass}`).join(' '),
      ...sets.flatMap((set) => {
        const found = closeness.find((one) => one.set === set);
        return found ? [fixed(found.psnr), fixed(found.ssim, 4)] : ['', ''];
      }),
      megapixelsPerSecond.toPrecision(3).replace(/\.?0+$/, ''),
    ]),
  };
}

/**
 * What the literature reports of bicubic interpolation on Set5, for the scales 2, 3 and 4 (Dong, Loy, He and Tang, "Image
 * super-resolution using deep convolutional networks", 2014, and everybody since).
 */
const published: Readonly<Record<number, number>> = { 2: 33.66, 3: 30.39, 4: 28.42 };
const tolerance = 0.05;

/** Whether the metric itself is the one that everybody uses. Nothing where Set5 was not measured. */
export function metricGoals(results: readonly MethodResult[]): Goal[] {
  return results.flatMap(({ name, scale, sets }) => {
    const value = sets.find(({ set }) => set === 'Set5')?.psnr;
    const expected = published[scale];
    if (name !== 'bicubic' || value === undefined || expected === undefined) return [];
    return {
      what: `the distance of bicubic ×${scale} on Set5 (${fixed(value)} dB) from the published ${expected} dB`,
      value: Math.abs(value - expected),
      bound: { atMost: tolerance },
      show: (distance) => `${fixed(distance, 3)} dB`,
    };
  });
}
