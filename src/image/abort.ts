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
