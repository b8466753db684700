import { existsSync } from 'node:fs';
import { codeOf, hasCode, messageOf, UpresError } from '../errors.js';

/** What the system says when there is no room. */
const full = ['ENOSPC', 'EDQUOT'];
/** What a shared folder says whose server is not to be reached, or that may not be used. */
const unreachable = [
  ...['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'ELOOP'],
  ...[
    'EHOSTDOWN',
    'EHOSTUNREACH',
    'ENETDOWN',
    'ENETUNREACH',
    'ENOTCONN',
    'ECONNREFUSED',
    'ECONNRESET',
    'ESTALE',
    'ETIMEDOUT',
  ],
  // Of this machine, for a while.
  ...['EBUSY', 'EMFILE', 'ENFILE'],
];

/**
 * Does something with files, and says in the words of upres what the system says of a disk.
 * @param name of what lies there, for people
 * @param needed a folder that is always there, unless someone has removed it or what it lies on is mounted no more
 * @throws DISK_FULL where there is no room; STORAGE_UNAVAILABLE where it does not answer, or may not be used any more; other errors as they are
 */
export async function tellingDisk<T>(name: string, work: () => Promise<T>, needed?: string): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (hasCode(cause, ...full)) throw new UpresError('DISK_FULL', 'the disk of the server is full', { cause });
    const gone = needed !== undefined && hasCode(cause, 'ENOENT') && !existsSync(needed);
    if (!gone && !hasCode(cause, ...unreachable)) throw cause;
    throw new UpresError('STORAGE_UNAVAILABLE', `${name} can’t be used: ${codeOf(cause) ?? messageOf(cause)}`, {
      cause,
    });
  }
}
