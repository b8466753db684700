import type { InferenceSession } from 'onnxruntime-node';
import type { SessionRuntime } from '../pool/runtime.js';
import { runOnPlane } from '../proving.js';
import { leastTrimmedSide, planTiles } from '../tiles/tiles.js';
import { crop } from './planes.js';
import { randomPlane } from './trial-pictures.js';
import type { MeasuredGeometry } from './weights-manifest.js';

/** What this trial may compute, in multiply-accumulates: about a second. A network that is larger stays as it is. */
const mostWork = 80e9;

/**
 * Sides of what a tile makes: the least, below which the runtime would compute otherwise, and some whose rows end in one or another place of a
 * vector.
 */
const sizes = [
  [leastTrimmedSide, leastTrimmedSide],
  [leastTrimmedSide + 1, leastTrimmedSide],
  [leastTrimmedSide + 4, leastTrimmedSide + 2],
  [29, leastTrimmedSide],
] as const;

/**
 * Tries whether a trimmed graph gives, bit for bit, what the graph gives that computes all of a tile's halo.
 * @param whole the graph that computes all
 * @param saved the share of the work on a halo that the trimmed one leaves out
 * @returns the pixels that it computes in a millisecond, as a tile's work counts them; undefined where it differs or can't be run, or where the
 *   network is too large to be tried
 */
export async function tryTrimmed(
  runtime: SessionRuntime,
  whole: InferenceSession,
  trimmed: InferenceSession,
  { halo, scale, macPerPixel }: MeasuredGeometry,
  saved: number,
): Promise<number | undefined> {
  if (!halo) return undefined;
  const { left, top, right, bottom } = halo;
  const areaOf = ([width, height]: (typeof sizes)[number]): number => (width + left + right) * (height + top + bottom);
  if (sizes.reduce((sum, size) => sum + 2 * areaOf(size) * macPerPixel, 0) > mostWork) return undefined;
  let pixelsPerMs = 0;
  for (const [width, height] of sizes) {
    const picture = randomPlane(width + left + right, height + top + bottom);
    const size = { width: width * scale, height: height * scale };
    const expected = crop(await runOnPlane(runtime, whole, picture), left * scale, top * scale, size);
    const started = performance.now();
    // A graph that the runtime refuses is no better than one that differs: the other is there.
    const seen = await runOnPlane(runtime, trimmed, picture).catch(() => undefined);
    const { computedPixels } = planTiles({
      ...{ width, height, halo, multipleOf: 1, trimmed: saved },
      ...{ maxTilePixels: Infinity, threads: 1, overheadPixels: 0 },
    });
    pixelsPerMs = Math.max(pixelsPerMs, computedPixels / (performance.now() - started));
    if (seen?.width !== size.width || seen.height !== size.height) return undefined;
    if (!seen.data.every((value, at) => value === expected.data[at])) return undefined;
  }
  return pixelsPerMs;
}
