import { describe, expect, it } from 'vitest';
import { findTrialResult } from '#src/network/gpu/try-device.js';

const fails = { works: false, reason: 'no driver' } as const;
const works = { works: true, adapter: { software: false }, ms: 1, cpuMs: 2 } as const;

describe('the result of a trial', () => {
  it.each([
    ['alone', `${JSON.stringify(works)}\n`, works],
    ['among lines of a driver', `warning: x\n${JSON.stringify(fails)}\nbye\n`, fails],
    ['before a line that only begins like it', `${JSON.stringify(works)}\n{driver} unloaded\n`, works],
    ['after JSON of a driver', `{"level":"info"}\n${JSON.stringify(fails)}\n{"level":"info"}\nnull\n7\n`, fails],
  ])('is found %s', (_, printed, expected) => {
    expect(findTrialResult(printed)).toEqual(expected);
  });

  it.each(['', '{driver} loaded\n', '{"works":true,"adap', '{"works":"well"}\n', 'null\n[]\n'])(
    'is missed in %j',
    (printed) => {
      expect(findTrialResult(printed)).toBeUndefined();
    },
  );
});
