import { messageOf, UpresError, type UpresErrorCode } from '../../errors.js';
import type { ErrorMessage } from './protocol.js';

/**
 * Puts an error into a form that can be posted to another thread.
 * @param otherwise the code for errors that carry none
 */
export function toErrorMessage(error: unknown, otherwise: UpresErrorCode): ErrorMessage {
  if (error instanceof UpresError) return { code: error.code, message: error.message, file: error.file };
  return { code: otherwise, message: messageOf(error), file: undefined };
}

export function fromErrorMessage({ code, message, file }: ErrorMessage): UpresError {
  return new UpresError(code, message, { file });
}
