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
