import type { TileRecord } from '#src/network/pool/call.js';

export interface Overlap {
  /** Milliseconds in which at least one thread was inside `run()`. */
  readonly busy: number;
  /** Milliseconds in which at least two were. */
  readonly together: number;
  /** together / busy: 1 when no thread ever waited for another, 0 when they took turns. */
  readonly share: number;
}

/**
 * How much of the time in which anything was computed two threads computed at once.
 *
 * Only the steady part is looked at: from the moment when every thread has begun its first tile to the moment when the first
 * of them has ended its last one. Before and after, threads have no work for reasons that have nothing to do with locks.
 */
export function overlapOf(records: readonly TileRecord[]): Overlap {
  const threads = new Map<number, { first: number; last: number }>();
  for (const { thread, started, ended } of records) {
    const seen = threads.get(thread) ?? { first: started, last: ended };
    threads.set(thread, { first: Math.min(seen.first, started), last: Math.max(seen.last, ended) });
  }
  const from = Math.max(...[...threads.values()].map(({ first }) => first));
  const to = Math.min(...[...threads.values()].map(({ last }) => last));

  // Sweep over starts and ends: between two neighbours the number of running threads does not change.
  const events = records
    .flatMap(({ started, ended }) => [
      { time: Math.max(started, from), change: 1 },
      { time: Math.max(ended, from), change: -1 },
    ])
    .map(({ time, change }) => ({ time: Math.min(time, to), change }))
    .sort((a, b) => a.time - b.time || a.change - b.change);
  let running = 0;
  let previous = from;
  let busy = 0;
  let together = 0;
  for (const { time, change } of events) {
    if (running >= 1) busy += time - previous;
    if (running >= 2) together += time - previous;
    running += change;
    previous = time;
  }
  return { busy, together, share: busy > 0 ? together / busy : 0 };
}
