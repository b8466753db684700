import { failureOf, UpresError, type UpresErrorCode } from '../errors.js';

/** The command line itself can't be carried out: nothing was started, exit code 2. */
export class UsageError extends UpresError {
  constructor(message: string, code: UpresErrorCode = 'BAD_ARGUMENT') {
    super(code, message);
  }
}

/** For what can only be wrong with what was given, or passes, whoever finds that out: throws the former as wrong usage. */
export function asUsage(error: unknown): never {
  throw error instanceof UpresError && !failureOf(error.code).passes
    ? new UsageError(error.message, error.code)
    : error;
}
