import { availableParallelism } from 'node:os';

/** Enough to keep every core busy while others read and write; what is in memory at once the core bounds by itself. */
const most = 2 * availableParallelism() + 2;

/** Works on several items at once, and gives items with their results in the order of the items. The first error ends it. */
export async function* inOrder<In, Out>(
  items: AsyncIterable<In>,
  work: (item: In) => Promise<Out>,
): AsyncGenerator<[In, Out]> {
  const underWay: Promise<[In, Out]>[] = [];
  for await (const item of items) {
    const result = work(item).then((out): [In, Out] => [item, out]);
    // Whether it fails is looked at when its turn comes.
    result.catch(() => undefined);
    underWay.push(result);
    if (underWay.length >= most) yield await underWay.shift()!;
  }
  for (const result of underWay) yield await result;
}
