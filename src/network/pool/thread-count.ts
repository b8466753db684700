import { availableParallelism } from 'node:os';
import { UpresError } from '../../errors.js';

/** More threads than this are refused: each costs an isolate and a tile's activations, and no machine gains by them. */
export const maxThreads = 256;

/** One thread for each core that the process may use. */
export function defaultThreads(): number {
  return Math.min(maxThreads, availableParallelism());
}

/** Checks a number of threads given by a user; undefined means the default. */
export function resolveThreads(threads: number | undefined): number {
  if (threads === undefined) return defaultThreads();
  if (!Number.isInteger(threads) || threads < 1 || threads > maxThreads) {
    throw new UpresError('BAD_ARGUMENT', `threads must be a whole number from 1 to ${maxThreads}, not ${threads}`);
  }
  return threads;
}
