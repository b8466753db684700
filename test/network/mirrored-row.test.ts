import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { copyMirroredRow, mirror } from '#src/network/tiles/mirrored-row.js';

describe('a mirrored image', () => {
  it('repeats its outermost pixels and goes back and forth', () => {
    const seen = [-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7].map((place) => mirror(place, 3));
    expect(seen).toEqual([1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1]);
  });

  it('is copied row by row as it is seen', () => {
    const pieces = fc.record({
      width: fc.integer({ min: 1, max: 9 }),
      height: fc.integer({ min: 1, max: 5 }),
      channels: fc.constantFrom(1, 3),
      x: fc.integer({ min: -30, max: 30 }),
      y: fc.integer({ min: -12, max: 12 }),
      count: fc.integer({ min: 1, max: 40 }),
    });
    fc.assert(
      fc.property(pieces, ({ width, height, channels, x, y, count }) => {
        const data = Uint8Array.from({ length: width * height * channels }, (_, index) => index + 1);
        const target = new Uint8Array(count * channels + 2);
        copyMirroredRow({ data, width, height, channels }, x, y, count, target, 1);
        const expected = Array.from({ length: count * channels }, (_, index) => {
          const column = mirror(x + Math.floor(index / channels), width);
          return data[(mirror(y, height) * width + column) * channels + (index % channels)];
        });
        expect([...target]).toEqual([0, ...expected, 0]);
      }),
      { seed: 5, numRuns: 500 },
    );
  });
});
