import { availableParallelism } from 'node:os';
import { whole } from '../../schema.js';

/** More threads than this are refused: each costs an isolate and a tile's activations, and no machine gains by them. */
const maxThreads = 256;

export const threadCount = whole({ from: 1, to: maxThreads });

/** One thread for each core that the process may use. */
export function defaultThreads(): number {
  return Math.min(maxThreads, availableParallelism());
}
