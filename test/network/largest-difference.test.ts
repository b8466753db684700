import { describe, expect, it } from 'vitest';
import { largestDifference } from '#src/network/proving.js';

describe('the largest difference of two results', () => {
  it.each([
    [[], [], 0],
    [[1, 2, 3], [1, 4, 2.5], 2],
    [[1], [1, 2], Infinity],
  ])('of %j and %j is %d', (a, b, difference) => {
    expect(largestDifference(a, b)).toBe(difference);
  });

  // A driver that gives NaN for most pixels is not to pass because the last of them is right.
  it.each([[[NaN, 1, 1]], [[1, NaN, 1]], [[1, 1, NaN]], [[1, Infinity - Infinity, 1]]])(
    'is within no tolerance where a value is NaN: %j',
    (values) => {
      expect(largestDifference(values, [1, 1, 1]) <= 1e9).toBe(false);
    },
  );
});
