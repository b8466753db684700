import { describe, expect, it } from 'vitest';
import { standIn, type OnError } from '#src/asset/on-error.js';
import { UpresError, type UpresErrorCode } from '#src/errors.js';
import { codeOf } from '../support/errors.js';

const codes = {
  picture: ['INPUT_CORRUPT', 'INPUT_TOO_LARGE', 'OUTPUT_TOO_LARGE', 'INFERENCE_FAILED', 'DEVICE_LOST'],
  all: ['MODEL_INVALID', 'MODEL_NOT_FOUND', 'MODEL_UNSUPPORTED', 'UNSUPPORTED_PLATFORM', 'NOT_MAIN_THREAD'],
  aborted: ['ABORTED'],
} as const satisfies Record<string, readonly UpresErrorCode[]>;

/** What stands in, or the code of the error that is thrown. */
async function after(code: UpresErrorCode, option: OnError, resizable = true): Promise<string> {
  const resize = (): Promise<string> =>
    resizable ? Promise.resolve('resized') : Promise.reject(new UpresError('INPUT_CORRUPT', 'cut'));
  const done = standIn(new UpresError(code, 'x'), option, { resize, original: () => Promise.resolve('as it was') });
  return done.then(
    ({ made }) => made,
    () => codeOf(done).then(String),
  );
}

describe('in a picture’s place', () => {
  it.each(codes.picture)('after %s comes what the option says', async (code) => {
    expect(await after(code, 'original')).toBe('as it was');
    expect(await after(code, 'resize')).toBe('resized');
    expect(await after(code, 'fail')).toBe(code);
  });

  it.each([...codes.all, ...codes.aborted])('after %s comes nothing', async (code) => {
    for (const option of ['original', 'resize', 'fail'] as const) expect(await after(code, option)).toBe(code);
  });

  it('comes nothing where it can’t even be resized: the first error is the one that is reported', async () => {
    expect(await after('OUTPUT_TOO_LARGE', 'resize', false)).toBe('OUTPUT_TOO_LARGE');
  });

  it('comes nothing for a fault of our own', async () => {
    const fault = new TypeError('oops');
    const done = standIn(fault, 'original', { resize: () => Promise.resolve(1), original: () => Promise.resolve(2) });
    await expect(done).rejects.toBe(fault);
  });
});
