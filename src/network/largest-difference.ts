/**
 * The largest difference of two results, value by value. Infinity where they are not of one length, and NaN where one of them holds
 * a NaN: compare it so that NaN is not within any tolerance.
 */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}
