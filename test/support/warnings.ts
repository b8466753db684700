/** What the process warns of with a code while something is done. */
export async function warningsOf<T>(
  code: string,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly warnings: readonly string[] }> {
  const warnings: string[] = [];
  const note = (warning: Error & { code?: string }): void => {
    if (warning.code === code) warnings.push(warning.message);
  };
  process.on('warning', note);
  try {
    const result = await work();
    // A warning is emitted in the next turn.
    await new Promise((resolve) => setImmediate(resolve));
    return { result, warnings };
  } finally {
    process.off('warning', note);
  }
}
