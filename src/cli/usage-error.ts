import { UpresError, type UpresErrorCode } from '../errors.js';

/** The command line itself can't be carried out: nothing was started, exit code 2. */
export class UsageError extends UpresError {
  constructor(message: string, code: UpresErrorCode = 'BAD_ARGUMENT') {
    super(code, message);
  }
}

/** For what can only be wrong with what was given, whoever finds that out: throws it as wrong usage. */
export function asUsage(error: unknown): never {
  throw error instanceof UpresError ? new UsageError(error.message, error.code) : error;
}
