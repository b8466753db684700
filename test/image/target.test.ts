import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkOptions } from '#src/image/options.js';
import { resolveTarget, type Target } from '#src/image/target.js';

const source = { width: 101, height: 33 };

describe('the size of the result', () => {
  test.each<[string, Target, number, number, number]>([
    ['twice the source without any option', {}, 202, 66, 2],
    ['an integer factor', { upscale: 3 }, 303, 99, 3],
    ['a fraction is rounded to the nearest pixel, halves up', { upscale: 1.5 }, 152, 50, 50 / 33],
    ['1 leaves the size as it is', { upscale: 1 }, 101, 33, 1],
    ['a width keeps the aspect ratio', { width: 202 }, 202, 66, 2],
    ['a width can reduce', { width: 50 }, 50, 16, 50 / 101],
    ['a height keeps the aspect ratio', { height: 99 }, 303, 99, 3],
    ['both are taken as they are', { width: 101, height: 66 }, 101, 66, 2],
    ['both can stretch one way and shrink the other', { width: 202, height: 10 }, 202, 10, 2],
    ['no side is ever less than a pixel', { width: 1 }, 1, 1, 1 / 33],
    ['minWidth enlarges a source that is too small', { minWidth: 202 }, 202, 66, 2],
    ['minWidth leaves a source that is large enough', { minWidth: 101 }, 101, 33, 1],
    ['minWidth never reduces', { minWidth: 20 }, 101, 33, 1],
  ])('%s', (_, target, width, height, factor) => {
    expect(resolveTarget(source, target)).toEqual({ width, height, factor });
  });

  test('the next whole factor is always enough to reach the size', () => {
    const side = fc.integer({ min: 1, max: 5000 });
    fc.assert(
      fc.property(side, side, fc.double({ min: 1, max: 8, noNaN: true }), (width, height, upscale) => {
        const target = resolveTarget({ width, height }, { upscale });
        expect(target.factor).toBeLessThanOrEqual(Math.ceil(upscale));
        expect(Math.abs(target.width - width * upscale)).toBeLessThanOrEqual(0.5);
      }),
    );
  });

  test.each<[string, Target]>([
    ['several ways at once', { upscale: 2, width: 10 }],
    ['several ways at once', { minWidth: 20, height: 10 }],
    ['upscale below 1', { upscale: 0.5 }],
    ['upscale above 8', { upscale: 8.1 }],
    ['upscale that is no number', { upscale: NaN }],
    ['a width of 0', { width: 0 }],
    ['half a pixel', { height: 1.5 }],
    ['a negative width', { minWidth: -3 }],
  ])('%s: BAD_ARGUMENT (%j)', (_, target) => {
    expect(() => {
      checkOptions(target);
    }).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }));
  });
});
