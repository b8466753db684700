let warned = false;

/** Says, once in a process, that the CPU computes where a graphics processor was to. */
export function warnOfFallback(reason: string): void {
  if (warned) return;
  warned = true;
  process.emitWarning(`computing on the CPU: ${reason}`, { type: 'UpresWarning', code: 'UPRES_DEVICE_FALLBACK' });
}
