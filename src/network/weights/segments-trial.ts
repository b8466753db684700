import type { InferenceSession } from 'onnxruntime-node';
import type { SessionRuntime } from '../pool/runtime.js';
import { runOnPlane, type CoreRunner, type Plane } from '../proving.js';
import type { SegmentPlan } from '../../model/catalogue/segment-names.js';
import { NO_WATCH, runSegments } from '../tiles/segments.js';
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

/** Rows of a strip in the trial: a few strips of a small picture. */
const trialRows = 9;

/**
 * Finds out whether a graph in segments gives, bit for bit, what the whole gives.
 * @param inSegments the graph that `cutIntoSegments` made
 * @param plan how it is to be run
 * @returns how it can be: without strips, where only they differ; undefined where it differs, can't be run, or is too large to be tried
 */
export async function provenSegments(
  runtime: SessionRuntime,
  whole: InferenceSession,
  inSegments: InferenceSession,
  { shares, strips }: SegmentPlan,
  { multipleOf, macPerPixel, fixedSize }: MeasuredGeometry,
): Promise<SegmentPlan | undefined> {
  const roundUp = (value: number): number => Math.ceil(value / multipleOf) * multipleOf;
  const sizes = fixedSize
    ? [fixedSize]
    : [
        { width: roundUp(17), height: roundUp(24) },
        { width: roundUp(33), height: roundUp(24) },
      ];
  const work = sizes.reduce((sum, { width, height }) => sum + 2 * width * height * macPerPixel, 0);
  if (work > mostWork) return undefined;
  const pictures = sizes.map(({ width, height }) => randomPlane(width, height));
  const expected: Plane[] = [];
  for (const picture of pictures) expected.push(await runOnPlane(runtime, whole, picture));
  const isProven = async (plan: SegmentPlan): Promise<boolean> => {
    const runner: CoreRunner = {
      run: async (feeds) => (await runSegments(runtime, inSegments, feeds, plan, NO_WATCH, { rows: trialRows }))!,
    };
    for (const [at, picture] of pictures.entries()) {
      // A graph that the runtime refuses is no better than one that differs: the other is there.
      const seen = await runOnPlane(runtime, runner, picture).catch(() => undefined);
      const { width, height, data } = expected[at]!;
      if (seen?.width !== width || seen.height !== height) return false;
      if (!seen.data.every((value, index) => value === data[index])) return false;
    }
    return true;
  };
  if (strips && (await isProven({ shares, strips }))) return { shares, strips };
  return (await isProven({ shares })) ? { shares } : undefined;
}
