/**
 * The whole number by which all values of a cell are moved so that their sum, each kept within bounds, comes nearest to what it
 * should be: of all cells that keep both, that is the nearest in the sense of least squares.
 *
 * @param most how far values can be moved at most
 * @param sumAt the sum after a move by so much; it never falls when that grows
 */
export function shiftTo(sum: number, most: number, sumAt: (shift: number) => number): number {
  let [below, above] = [-most, most];
  while (above - below > 1) {
    const middle = (below + above) >> 1;
    if (sumAt(middle) < sum) below = middle;
    else above = middle;
  }
  return sumAt(above) - sum <= sum - sumAt(below) ? above : below;
}
