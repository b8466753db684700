import type { InferenceSession } from 'onnxruntime-node';
import type { SessionRuntime } from '../pool/runtime.js';
import { runOnPlane, type CoreRunner } from '../proving.js';
import { NO_WATCH, runPieces } from '../tiles/pieces.js';
import { randomPlane } from './trial-pictures.js';
import type { MeasuredGeometry } from './weights-manifest.js';

/** What this trial may compute, in multiply-accumulates: a few seconds. A network that is larger stays whole. */
const mostWork = 4e11;

/**
 * Whether tiles of a network may take longer than anyone should wait for one: where tiles equal the whole, time bounds them already, and for
 * networks that pool over the whole picture as well.
 */
export const hasLongTiles = ({ approximation, pooling }: MeasuredGeometry): boolean =>
  approximation !== undefined && !approximation.rounds && !pooling;

/**
 * Whether a graph in pieces gives, bit for bit, what the whole gives.
 * @param inPieces the graph that `cutIntoPieces` made
 * @param shares of the work, for each piece
 * @returns false too where it can't be run, or the network is too large to be tried
 */
export async function arePiecesEqual(
  runtime: SessionRuntime,
  whole: InferenceSession,
  inPieces: InferenceSession,
  shares: readonly number[],
  { multipleOf, macPerPixel, fixedSize }: MeasuredGeometry,
): Promise<boolean> {
  const roundUp = (value: number): number => Math.ceil(value / multipleOf) * multipleOf;
  const sizes = fixedSize
    ? [fixedSize]
    : [
        { width: roundUp(17), height: roundUp(24) },
        { width: roundUp(33), height: roundUp(24) },
      ];
  const work = sizes.reduce((sum, { width, height }) => sum + 2 * width * height * macPerPixel, 0);
  if (work > mostWork) return false;
  const runner: CoreRunner = {
    run: async (feeds) => (await runPieces(runtime, inPieces, feeds, shares, NO_WATCH))!,
  };
  for (const { width, height } of sizes) {
    const picture = randomPlane(width, height);
    const expected = await runOnPlane(runtime, whole, picture);
    // A graph that the runtime refuses is no better than one that differs: the other is there.
    const seen = await runOnPlane(runtime, runner, picture).catch(() => undefined);
    if (seen?.width !== expected.width || seen.height !== expected.height) return false;
    if (!seen.data.every((value, at) => value === expected.data[at])) return false;
  }
  return true;
}
