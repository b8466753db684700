import { availableParallelism } from 'node:os';

/** Enough to keep all threads busy, so that an animation of thousands of frames holds no more than a short one. */
export const framesAtOnce = 2 * availableParallelism();

/**
 * Works on items, some at once, and gives the results in their order. Once one has failed no further one is begun; fails with
 * the first error, but only when all that were begun have ended, so that nothing still holds memory that counts as given back.
 *
 * @param most at once
 */
export async function inWindow<T, Result>(
  items: readonly T[],
  most: number,
  work: (item: T, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const queue = items.entries();
  let failed = false;
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) {
      if (failed) return;
      try {
        results[index] = await work(item, index);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const workers = Array.from({ length: Math.min(most, items.length) }, worker);
  await Promise.allSettled(workers);
  await Promise.all(workers);
  return results;
}
