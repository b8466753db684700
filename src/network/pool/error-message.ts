import { messageOf, UpresError, type UpresErrorCode } from '../../errors.js';
import type { ErrorMessage } from './protocol.js';

/**
 * Puts an error into a form that can be posted to another thread.
 * @param otherwise the code for errors that carry none
 */
export function toErrorMessage(error: unknown, otherwise: UpresErrorCode): ErrorMessage {
  if (isOurs(error)) return { code: error.code, message: error.message, file: error.file };
  return { code: otherwise, message: messageOf(error), file: undefined };
}

/** By its name: what is joined to the threads' file has a class of its own, and what prepares networks is not. */
const isOurs = (error: unknown): error is UpresError => error instanceof Error && error.name === 'UpresError';

export function fromErrorMessage({ code, message, file }: ErrorMessage): UpresError {
  return new UpresError(code, message, { file });
}
