import { UpresError, type UpresErrorCode } from '#src/errors.js';

/** The code that a promise is rejected with; anything but an UpresError fails the test with what came instead. */
export async function codeOf(promise: Promise<unknown>): Promise<UpresErrorCode> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof UpresError) return error.code;
    throw error;
  }
  throw new Error('nothing was thrown');
}
