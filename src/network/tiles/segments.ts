import type { InferenceSession, Tensor } from 'onnxruntime-node';
import {
  handedName,
  heldName,
  segmentInputs,
  segmentName,
  type SegmentPlan,
} from '../../model/catalogue/segment-names.js';
import type { SessionRuntime } from '../pool/runtime.js';
import { isRows, rowsOf, StackedRows, stripsOf, type StripLimit } from './strips.js';

/** Who looks on while a tile is computed. */
export interface TileWatch {
  /** Whether no one waits for the tile any more: asked between its segments. */
  readonly isUnwanted: () => boolean;
  /** Called after each segment but the last with the share of the work that is done. */
  readonly onAdvance: (share: number) => void;
}

/** For those who wait until a tile is done. */
export const NO_WATCH: TileWatch = { isUnwanted: () => false, onAdvance: () => undefined };

type Results = Awaited<ReturnType<InferenceSession['run']>>;

/**
 * Runs a graph that is cut into segments, one after another: see `cutIntoSegments`. The runtime can't be stopped within a run; between two it can.
 * @param input the graph's own input, by its name
 * @param limit of a strip of the last segment
 * @returns what the last segment gave; undefined where the result became unwanted before
 */
export async function runSegments(
  runtime: SessionRuntime,
  session: InferenceSession,
  input: Readonly<Record<string, Tensor>>,
  { shares, strips }: SegmentPlan,
  { isUnwanted, onAdvance }: TileWatch,
  limit: StripLimit,
): Promise<Results | undefined> {
  const nothing = new runtime.Tensor('float32', new Float32Array(0), [0]);
  const held = Array.from({ length: session.inputNames.length - segmentInputs }, () => nothing as Tensor);
  const run = (segment: number, tensors: readonly Tensor[]): Promise<Results> => {
    const feeds: Record<string, Tensor> = { ...input };
    feeds[segmentName] = new runtime.Tensor('float32', Float32Array.of(segment), [1]);
    for (const [slot, tensor] of tensors.entries()) feeds[heldName(slot)] = tensor;
    return session.run(feeds);
  };
  const last = shares.length - 1;
  let done = 0;
  for (const [segment, share] of shares.slice(0, last).entries()) {
    const results = await run(segment, held);
    for (const slot of held.keys()) {
      const handed = results[handedName(slot)]!;
      if (handed.size > 0) held[slot] = handed;
    }
    if (isUnwanted()) return undefined;
    done += share;
    onAdvance(done);
  }
  if (!strips) return run(last, held);

  const name = session.outputNames[0]!;
  const picture = new StackedRows(name);
  const all = stripsOf(held, strips, limit);
  for (const [index, strip] of all.entries()) {
    const rows = held.map((tensor) => (isRows(tensor) ? rowsOf(runtime, tensor, strip) : tensor));
    picture.add((await run(last, rows))[name]!, strip);
    if (index === all.length - 1) break;
    if (isUnwanted()) return undefined;
    onAdvance(done + (shares[last]! * (index + 1)) / all.length);
  }
  return { [name]: picture.tensor(runtime) };
}
