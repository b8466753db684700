/**
 * How many turns the event loop makes while something is done: a measure of how small the steps are in which it is done that
 * does not depend on the machine's speed.
 */
export async function countTurns(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  const count = (): void => {
    turns++;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  try {
    await work();
  } finally {
    clearImmediate(next);
  }
  return turns;
}
