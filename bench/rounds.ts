import type { Setting } from './measurement.js';
import { ForeignLoad, mostForeignCores } from './processor-time.js';

interface Round<Key extends string, Value> {
  readonly values: Readonly<Record<Key, Value>>;
  /** Cores that other programs used meanwhile. */
  readonly foreign: number;
}

/**
 * Does several pieces of work in turn, round after round, so that whatever changes on the machine changes for all of them
 * alike; in alternating order, so that none always has the other's heat or cold caches before it. Rounds during which other
 * programs kept the machine busy are repeated, as long as the wait budget lasts: they are told by the processor time of those,
 * never by their own results. Where the machine does not come to rest, the least disturbed rounds count.
 * @returns for each piece what its rounds gave: values at the same place belong together
 */
export async function inRounds<Key extends string, Value>(
  { pairs, waitBudget, disturbed }: Pick<Setting, 'pairs' | 'waitBudget' | 'disturbed'>,
  works: Readonly<Record<Key, () => Promise<Value>>>,
): Promise<Record<Key, Value[]>> {
  const keys = Object.keys(works) as Key[];
  const rounds: Round<Key, Value>[] = [];
  const calm = (): number => rounds.filter(({ foreign }) => foreign <= mostForeignCores).length;
  while (rounds.length < pairs || (calm() < pairs && !waitBudget.exhausted)) {
    const order = rounds.length % 2 === 0 ? keys : keys.toReversed();
    const load = new ForeignLoad();
    const start = performance.now();
    const values: Partial<Record<Key, Value>> = {};
    for (const key of order) values[key] = await works[key]();
    const foreign = load.cores() ?? 0;
    rounds.push({ values: values as Record<Key, Value>, foreign });
    if (foreign > mostForeignCores && !waitBudget.exhausted) {
      waitBudget.spend(performance.now() - start);
      await waitBudget.waitForRest();
    }
  }
  const kept = rounds.toSorted((a, b) => a.foreign - b.foreign).slice(0, pairs);
  disturbed(Math.max(...kept.map(({ foreign }) => foreign)));
  return Object.fromEntries(keys.map((key) => [key, kept.map(({ values }) => values[key])])) as Record<Key, Value[]>;
}
