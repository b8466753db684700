import { UpresError, type UpresErrorCode } from '../errors.js';

/** The command line itself can't be carried out: nothing was started, exit code 2. */
export class UsageError extends UpresError {
  constructor(message: string, code: UpresErrorCode = 'BAD_ARGUMENT') {
    super(code, message);
  }
}
