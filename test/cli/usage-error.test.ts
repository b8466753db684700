import { describe, expect, test } from 'vitest';
import { asUsage, UsageError } from '#src/cli/usage-error.js';
import { UpresError } from '#src/errors.js';

function thrownFor(error: unknown): unknown {
  try {
    return asUsage(error);
  } catch (thrown) {
    return thrown;
  }
}

describe('what ends a command before it starts', () => {
  test.each(['BAD_ARGUMENT', 'MODEL_NOT_FOUND', 'DEVICE_UNAVAILABLE'] as const)('%s is wrong usage', (code) => {
    const thrown = thrownFor(new UpresError(code, 'as it was'));
    expect(thrown).toBeInstanceOf(UsageError);
    expect(thrown).toMatchObject({ code, message: 'as it was' });
  });

  test.each(['QUEUE_UNAVAILABLE', 'STORAGE_UNAVAILABLE', 'DISK_FULL'] as const)('%s is not: it passes', (code) => {
    const error = new UpresError(code, 'as it was');
    expect(thrownFor(error)).toBe(error);
    expect(error).not.toBeInstanceOf(UsageError);
  });

  test('a fault of upres stays what it is', () => {
    const fault = new TypeError('x is not a function');
    expect(thrownFor(fault)).toBe(fault);
  });
});
