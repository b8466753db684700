import { lumaOf, psnr, shave, ssim } from './quality-metrics.js';
import type { PictureSet, RgbImage } from './quality-data.js';
import type { Method } from './quality-methods.js';

/** How close results come to their references. */
export interface Closeness {
  /** dB, on luma. */
  readonly psnr: number;
  readonly ssim: number;
}

/** What one method makes of one set. */
export interface SetResult extends Closeness {
  readonly set: string;
  readonly pictures: readonly (Closeness & { readonly name: string })[];
}

/** One row of the table. */
export interface MethodResult {
  readonly name: string;
  readonly scale: number;
  readonly kind: Method['kind'];
  readonly passes: readonly number[];
  /** The means over their pictures. */
  readonly sets: readonly SetResult[];
  /** Millions of pixels of the result, for each second of one core. */
  readonly megapixelsPerSecond: number;
}

/** How often a picture is enlarged to find out how fast that can be. */
const rounds = 3;

/** Runs a method over the sets of its scale, and against the clock on one picture. */
export async function measureMethod(
  method: Method,
  sets: readonly PictureSet[],
  clockPicture: RgbImage,
): Promise<MethodResult> {
  const { name, scale, kind, passes } = method;
  await using enlarger = await method.open();
  const results: SetResult[] = [];
  for (const { name: set, pairs } of sets) {
    const pictures: SetResult['pictures'][number][] = [];
    for (const { name: picture, small, large } of pairs) {
      pictures.push({ name: picture, ...closeness(await enlarger.run(small), large, scale) });
    }
    results.push({
      set,
      psnr: mean(pictures.map((one) => one.psnr)),
      ssim: mean(pictures.map((one) => one.ssim)),
      pictures,
    });
  }
  const seconds = await leastProcessorTime(() => enlarger.run(clockPicture));
  const megapixels = (clockPicture.width * clockPicture.height * scale ** 2) / 1e6;
  return { name, scale, kind, passes, sets: results, megapixelsPerSecond: megapixels / seconds };
}

/** PSNR and SSIM on luma, without a border as wide as the scale: the networks of the literature differ in what they do there. */
export function closeness(result: RgbImage, reference: RgbImage, scale: number): Closeness {
  const [a, b] = [result, reference].map(({ data, width, height }) => shave(lumaOf(data, width, height), scale));
  return { psnr: psnr(a!, b!), ssim: ssim(a!, b!) };
}

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * Seconds that all cores together worked in the best round: what other programs take of the machine is not the method's. The
 * first one warms up.
 */
async function leastProcessorTime(run: () => Promise<unknown>): Promise<number> {
  await run();
  let best = Infinity;
  for (let round = 0; round < rounds; round++) {
    const start = process.cpuUsage();
    await run();
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, (user + system) / 1e6);
  }
  return best;
}
