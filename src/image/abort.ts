import { UpresError } from '../errors.js';

/** Throws ABORTED if the signal has fired. */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw abortedError(signal);
}

/** ABORTED, with the signal's reason as its cause. */
export function abortedError(signal: AbortSignal): UpresError {
  if (signal.reason instanceof UpresError) return signal.reason;
  return new UpresError('ABORTED', 'the call was aborted', { cause: signal.reason });
}

/** Waits for work, but not when the signal fires: ABORTED, and the work goes on for others. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  throwIfAborted(signal);
  let abort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => {
      reject(abortedError(signal));
    };
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Whether an error only says that something was given up. */
export function isAborted(error: unknown): boolean {
  return error instanceof UpresError && error.code === 'ABORTED';
}
