import path from 'node:path';
import { codeOf, UpresError } from '../errors.js';

const elsewhere = 'choose another place with --out';

/** What the file system's codes mean for a file that should be written in a folder. */
const reasons: Readonly<Record<string, (folder: string) => string>> = {
  ENOSPC: () => `the disk is full. Free some space, or ${elsewhere}`,
  EDQUOT: () => `your quota on this disk is used up. Free some space, or ${elsewhere}`,
  EACCES: (folder) => `you have no permission to write in ${folder}; ${elsewhere}`,
  EPERM: (folder) => `you have no permission to write in ${folder}; ${elsewhere}`,
  EROFS: (folder) => `${folder} is on a read-only disk; ${elsewhere}`,
  ENOENT: (folder) => `the folder ${folder} is gone`,
  EISDIR: () => 'a folder has this name',
  EEXIST: (folder) => `a part of ${folder} is a file, not a folder`,
  ENOTDIR: (folder) => `a part of ${folder} is a file, not a folder`,
  ENAMETOOLONG: () => 'the name is too long for this disk',
};

/** What went wrong with a file that should be written. */
export function outputError(cause: unknown, file: string): UpresError {
  if (cause instanceof UpresError) return cause;
  const code = codeOf(cause) ?? String(cause);
  const kind = code === 'ENOSPC' || code === 'EDQUOT' ? 'DISK_FULL' : 'OUTPUT_UNWRITABLE';
  const reason = reasons[code]?.(path.dirname(file)) ?? code;
  return new UpresError(kind, `${file} can't be written: ${reason}`, { file, cause });
}
