import { defined, flag, number, options, type TypeOf } from '../../schema.js';

/** How a network of the user's own may be computed where it looks far around, or at the whole picture. */
export const computingOptions = options({
  /**
   * Allows tiles for a network that looks at the whole picture in a way that can't be put together from parts (attention,
   * normalisation): seams may show. Without it, pictures that have no room in `memoryBudget` are refused. Global means and maxima
   * are exact in tiles, and need no such leave.
   * @default `false`
   */
  acceptApproximation: flag,
  /**
   * Bytes of activations that each thread may hold for a tile of a network.
   * @default 256 MiB
   */
  memoryBudget: number({ above: 0, of: 'bytes' }),
});
/** How a network of the user's own may be computed. */
export interface ComputingOptions extends TypeOf<typeof computingOptions> {}

/** What was said of it, without what was not. */
export const computingOnly = ({ acceptApproximation, memoryBudget }: ComputingOptions): ComputingOptions =>
  defined({ acceptApproximation, memoryBudget });

/** A text that differs where results may; empty where nothing was said. */
export function computingId(given: ComputingOptions): string {
  const { acceptApproximation, memoryBudget } = given;
  return acceptApproximation === undefined && memoryBudget === undefined
    ? ''
    : JSON.stringify([acceptApproximation ?? null, memoryBudget ?? null]);
}
