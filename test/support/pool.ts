import { version } from '#src/version.js';

/** A thread of the pool, as far as tests look into it. */
export interface ObservedThread {
  readonly number: number;
  /** Orders that it was given and has not answered. */
  readonly load: number;
  readonly ended: Promise<void>;
  kill(): Promise<void>;
}

interface ObservedPool {
  readonly threads: readonly ObservedThread[];
  readonly weights: ReadonlyMap<string, { readonly users: number }>;
}

/** The pool of this process, found as a second installed copy of the package finds it. */
export function pool(): ObservedPool | undefined {
  return (globalThis as Record<symbol, ObservedPool | undefined>)[Symbol.for(`upres.pool@${version}`)];
}

/** Threads that exist now. */
export function threadsNow(): readonly ObservedThread[] {
  return [...(pool()?.threads ?? [])];
}

/** Orders that threads have and did not answer yet. */
export function ordersInFlight(): number {
  return threadsNow().reduce((sum, { load }) => sum + load, 0);
}

/** Waits until something is so; the test's own time limit ends it otherwise. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}
