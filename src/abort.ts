import { hasCode, UpresError } from './errors.js';

/** ABORTED, with a signal's reason as its cause; a reason that is an error of ours says more itself. */
export function abortedBy({ reason }: AbortSignal): UpresError {
  if (reason instanceof UpresError) return reason;
  return new UpresError('ABORTED', 'upscaling was aborted', { cause: reason });
}

/** Whether an error only says that something was given up. */
export const isAborted = (error: unknown): boolean => error instanceof UpresError && hasCode(error, 'ABORTED');

/** Throws ABORTED if the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortedBy(signal);
}

/** Waits for work, but not when the signal fires: ABORTED, and the work goes on for others. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let forget = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    forget = onAbort(signal, () => {
      reject(abortedBy(signal));
    });
  });
  try {
    return await Promise.race([aborted, work]);
  } finally {
    forget();
  }
}

/** Milliseconds of processor time that this process has taken. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * Calls a function once when the process has computed for a time, at the earliest after as long by the clock. Time in which a busy or
 * sleeping machine gave it no processor does not count.
 * @param usedMs milliseconds of processor time, from any start
 * @returns forgets it
 */
export function afterComputing(ms: number, late: () => void, usedMs: () => number = processorMs): () => void {
  const before = usedMs();
  let timer: NodeJS.Timeout;
  const waitFor = (left: number): void => {
    timer = setTimeout(look, left);
    timer.unref();
  };
  const look = (): void => {
    const left = ms - (usedMs() - before);
    if (left <= 0) late();
    else waitFor(left);
  };
  waitFor(ms);
  return () => {
    clearTimeout(timer);
  };
}

/**
 * Works on several things at once. Where one of them fails, or the signal fires, all are given up; nothing runs any more when
 * the promise is settled.
 * @throws the first failure
 */
export async function allOrNone<T, R>(
  things: readonly T[],
  signal: AbortSignal,
  work: (thing: T, index: number, signal: AbortSignal) => Promise<R>,
): Promise<R[]> {
  const stop = new AbortController();
  const forget = onAbort(signal, () => {
    stop.abort(signal.reason);
  });
  const working = things.map((thing, index) => work(thing, index, stop.signal));
  try {
    return await Promise.all(working);
  } catch (error) {
    stop.abort(error);
    await Promise.allSettled(working);
    throw error;
  } finally {
    forget();
  }
}

const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls back once when a signal fires; at once where it has fired. However many wait for one signal, it has a single listener:
 * Node warns of a leak from the eleventh on, and one signal for a whole batch is the usual thing.
 *
 * @returns takes the callback back
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  if (signal.aborted) {
    callback();
    return () => undefined;
  }
  const callbacks = waiting.get(signal) ?? listen(signal);
  // The same function may wait twice.
  const own = (): void => {
    callback();
  };
  callbacks.add(own);
  return () => {
    callbacks.delete(own);
  };
}

function listen(signal: AbortSignal): Set<() => void> {
  const callbacks = new Set<() => void>();
  waiting.set(signal, callbacks);
  const fire = (): void => {
    waiting.delete(signal);
    for (const callback of callbacks) callback();
  };
  signal.addEventListener('abort', fire, { once: true });
  return callbacks;
}
