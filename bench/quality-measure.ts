import { lossyStorage } from '#src/image/auto/read-lossy-storage.js';
import { readHeader } from '#src/image/codec/read-header.js';
import type { Upscaler } from '#src/image/upscale.js';
import { encoderVersion } from '#src/version.js';
import type { ScoreCache } from './score-cache.js';
import type { QualityCase } from './quality-case.js';
import { onWhite, pngOf, readRgba, type RgbaImage } from './quality-data.js';
import { gmsd, lumaOf, psnr, psnrOf, shave, ssim } from './quality-metrics.js';
import type { Method } from './quality-methods.js';

/** How close a result comes to the truth. */
export interface Closeness {
  /** dB; Infinity for equal pictures. */
  readonly psnr: number;
  /** 1 for equal pictures, on luma. */
  readonly ssim: number;
  /** Gradient magnitude similarity deviation, 0 for equal pictures, on luma. */
  readonly gmsd: number;
}

export interface MethodScore extends Closeness {
  readonly bytes: number;
  /** Of codes: whether what it says can be read. */
  readonly decoded?: boolean;
  readonly model?: string;
  readonly reason?: string;
}

/** One case by all methods that have its scale. */
export interface CaseResult extends Pick<QualityCase, 'group' | 'row' | 'name' | 'scale' | 'size'> {
  /** Bytes of the true large picture, written by the encoder that writes the results. */
  readonly trueBytes: number;
  /** Whether the small picture was stored with loss. */
  readonly lossy: boolean;
  readonly scores: Readonly<Record<string, MethodScore>>;
}

/** Reads a code: what it says, or nothing. */
export type ReadCode = (image: RgbaImage) => string | undefined;

/** Cases at once: enough to keep all threads busy while others decode and compare. */
const atOnce = 4;

interface Tools {
  readonly methods: readonly Method[];
  /** Writes the true pictures as the results are written. */
  readonly upscaler: Upscaler;
  readonly readCode: ReadCode;
  readonly cache: ScoreCache;
}

/** Runs all methods over all cases. */
export async function measureCases(
  cases: readonly QualityCase[],
  { say, ...tools }: Tools & { readonly say: (text: string) => void },
): Promise<CaseResult[]> {
  const results = new Array<CaseResult>(cases.length);
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < cases.length; index = next++) {
      const one = cases[index]!;
      if (one.row !== cases[index - 1]?.row) say(one.row);
      results[index] = await measureCase(one, tools);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return results;
}

async function measureCase(one: QualityCase, { methods, upscaler, readCode, cache }: Tools): Promise<CaseResult> {
  const { group, row, name, scale, size, file, truth, compare, text } = one;
  const scoreOf = ({ identity, enlarge }: Method): Promise<MethodScore> =>
    cache.get([identity, String(scale), compare, text ?? '', file, truth.data], async () => {
      const png = await enlarge(file, scale);
      const result = await readRgba(png);
      return {
        ...closeness(result, truth, scale, compare),
        bytes: png.length,
        ...(text !== undefined && { decoded: readCode(result) === text }),
      };
    });
  const scores: Record<string, MethodScore> = {};
  for (const method of methods) {
    if (!method.fits(scale)) continue;
    const choice = await method.choose?.(file, scale);
    const taken = methods.find((other) => other.name === choice?.model) ?? method;
    scores[method.name] = { ...(await scoreOf(taken)), ...choice };
  }
  // The encoder of the results, on a picture that stays as it is.
  const trueBytes = await cache.get(['true', encoderVersion, truth.data], async () => {
    const { data } = await upscaler.upscale(await pngOf(truth), { upscale: 1, model: 'nearest', format: 'png' });
    return data.length;
  });
  return {
    group,
    row,
    name,
    scale,
    ...(size !== undefined && { size }),
    trueBytes,
    lossy: await isLossy(file),
    scores,
  };
}

async function isLossy(file: Uint8Array): Promise<boolean> {
  const { format } = await readHeader(file);
  return lossyStorage(file, format) !== undefined;
}

/** Compares two pictures of one size, laid on white. */
export function closeness(
  result: RgbaImage,
  truth: RgbaImage,
  scale: number,
  compare: QualityCase['compare'],
): Closeness {
  if (result.width !== truth.width || result.height !== truth.height) {
    throw new Error(`${result.width}×${result.height} pixels where ${truth.width}×${truth.height} were due`);
  }
  const [a, b] = [onWhite(result), onWhite(truth)];
  // The networks of the literature differ in what they do at the border, so photographs are compared without it.
  const border = compare === 'luma' ? scale : 0;
  const [lumaA, lumaB] = [a, b].map(({ data, width, height }) => shave(lumaOf(data, width, height), border));
  return {
    psnr: compare === 'luma' ? psnr(lumaA!, lumaB!) : psnrOf(a.data, b.data),
    ssim: ssim(lumaA!, lumaB!),
    gmsd: gmsd(lumaA!, lumaB!),
  };
}

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** The middle value; of an even number, the lower of the two. */
export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)]!;
