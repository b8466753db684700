import path from 'node:path';
import { UpresError } from '../errors.js';

function codeOf(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  return typeof code === 'string' ? code : String(cause);
}

/** True for the file system's way to say that a name is free. */
export function isMissing(cause: unknown): boolean {
  return codeOf(cause) === 'ENOENT';
}

/** What went wrong with a file or folder that should be read. */
export function inputError(cause: unknown, file: string): UpresError {
  if (cause instanceof UpresError) return cause;
  const code = codeOf(cause);
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new UpresError('INPUT_NOT_FOUND', `${file} does not exist, or has gone while upres was at work`, {
      file,
      cause,
    });
  }
  const reason = code === 'EACCES' || code === 'EPERM' ? 'you have no permission to read it' : code;
  return new UpresError('INPUT_UNREADABLE', `${file} can't be read: ${reason}`, { file, cause });
}

/** What went wrong with a file that should be written. */
export function outputError(cause: unknown, file: string): UpresError {
  if (cause instanceof UpresError) return cause;
  const code = codeOf(cause);
  const folder = path.dirname(file);
  const make = (kind: 'DISK_FULL' | 'OUTPUT_UNWRITABLE', why: string) =>
    new UpresError(kind, `${file} can't be written: ${why}`, { file, cause });
  switch (code) {
    case 'ENOSPC':
      return make('DISK_FULL', 'the disk is full. Free some space, or choose another place with --out');
    case 'EDQUOT':
      return make(
        'DISK_FULL',
        'your quota on this disk is used up. Free some space, or choose another place with --out',
      );
    case 'EACCES':
    case 'EPERM':
      return make('OUTPUT_UNWRITABLE', `you have no permission to write in ${folder}. Choose another place with --out`);
    case 'EROFS':
      return make('OUTPUT_UNWRITABLE', `${folder} is on a read-only disk. Choose another place with --out`);
    case 'ENOENT':
      return make('OUTPUT_UNWRITABLE', `the folder ${folder} is gone`);
    case 'EISDIR':
      return make('OUTPUT_UNWRITABLE', 'a folder has this name');
    case 'EEXIST':
    case 'ENOTDIR':
      return make('OUTPUT_UNWRITABLE', `a part of ${folder} is a file, not a folder`);
    case 'ENAMETOOLONG':
      return make('OUTPUT_UNWRITABLE', 'the name is too long for this disk');
    default:
      return make('OUTPUT_UNWRITABLE', code);
  }
}
