import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { handedName, heldName, pieceInputs, pieceName } from '../../model/catalogue/piece-names.js';
import type { SessionRuntime } from '../pool/runtime.js';

/** Who looks on while a tile is computed. */
export interface TileWatch {
  /** Whether no one waits for the tile any more: asked between its pieces. */
  readonly isUnwanted: () => boolean;
  /** Called after each piece but the last with the share of the work that is done. */
  readonly onAdvance: (share: number) => void;
}

/** For those who wait until a tile is done. */
export const NO_WATCH: TileWatch = { isUnwanted: () => false, onAdvance: () => undefined };

/**
 * Runs a graph that is cut into pieces, one after another: see `cutIntoPieces`. The runtime can't be stopped within a run; between two it can.
 * @param input the graph's own input, by its name
 * @param shares of the work, for each piece
 * @returns what the last piece gave; undefined where the result became unwanted before
 */
export async function runPieces(
  runtime: SessionRuntime,
  session: InferenceSession,
  input: Readonly<Record<string, Tensor>>,
  shares: readonly number[],
  { isUnwanted, onAdvance }: TileWatch,
): Promise<Awaited<ReturnType<InferenceSession['run']>> | undefined> {
  const nothing = new runtime.Tensor('float32', new Float32Array(0), [0]);
  const held = Array.from({ length: session.inputNames.length - pieceInputs }, () => nothing as Tensor);
  let done = 0;
  for (const [piece, share] of shares.entries()) {
    const feeds: Record<string, Tensor> = { ...input };
    feeds[pieceName] = new runtime.Tensor('float32', Float32Array.of(piece), [1]);
    for (const [slot, tensor] of held.entries()) feeds[heldName(slot)] = tensor;
    const results = await session.run(feeds);
    if (piece === shares.length - 1) return results;
    for (const slot of held.keys()) {
      const handed = results[handedName(slot)]!;
      if (handed.size > 0) held[slot] = handed;
    }
    if (isUnwanted()) return undefined;
    done += share;
    onAdvance(done);
  }
  return undefined;
}
