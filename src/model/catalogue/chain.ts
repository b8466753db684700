/** One of a label's own networks, as a step of a chain. */
export interface Pass {
  readonly scale: number;
  /** Multiply-accumulates per input pixel of this pass. */
  readonly cost: number;
}

/**
 * The cheapest sequence of passes whose product of scales satisfies `done`, by multiply-accumulates; of equally cheap ones
 * the smaller product. Undefined when none is found below `target`.
 */
export function cheapestChain(
  passes: readonly Pass[],
  target: number,
  done: (product: number) => boolean,
): number[] | undefined {
  let best: { cost: number; product: number; chain: number[] } | undefined;
  const extend = (chain: number[], product: number, cost: number): void => {
    if (best && (cost > best.cost || (cost === best.cost && product >= best.product))) return;
    if (done(product)) {
      best = { cost, product, chain };
    } else if (product < target) {
      // A pass over an enlarged picture costs its own work times the pixels that there are by then.
      for (const pass of passes) extend([...chain, pass.scale], product * pass.scale, cost + product ** 2 * pass.cost);
    }
  };
  extend([], 1, 0);
  return best?.chain;
}
