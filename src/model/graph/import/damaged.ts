import { UpresError } from '../../../errors.js';

/** The error for a file that is damaged, at a byte of it. */
export function damaged(path: string, offset: number, what: string, cause?: unknown): UpresError {
  return new UpresError(
    'MODEL_INVALID',
    `${path} is damaged, or no network of that format: at byte ${offset}, ${what}. Get the file again.`,
    { file: path, ...(cause !== undefined && { cause }) },
  );
}
