import { readFile as readLater, readFileSync, stat as statLater, statSync, type Stats } from 'node:fs';
import { promisify } from 'node:util';

// A small file that lies in the system's memory is read in a hundredth of a millisecond, and handing that to another thread and
// back takes several times as long. So files are read at once as long as the disk answers at once; a disk that is slow, or far
// away, is waited for in other threads.

/** Bytes of a file that is read at once. */
const small = 1 << 18;
/** A disk is slow if it takes more milliseconds for that. */
const slowMs = 2;
/** For so many times as long as it took it is not waited for again. */
const patience = 50;

const stat = promisify(statLater);
const read = promisify(readLater);

/** Until when, by `performance.now()`, the disk counts as slow. */
let slowUntil = 0;

/**
 * All bytes of a file.
 * @param check is asked before it is opened, and throws where it is not to be
 * @throws what Node throws
 */
export async function readFile(file: string, check?: (stats: Stats) => void): Promise<Buffer> {
  const start = performance.now();
  if (start < slowUntil) {
    check?.(await stat(file));
    return read(file);
  }
  const stats = statSync(file);
  check?.(stats);
  const bytes = stats.size <= small ? readFileSync(file) : undefined;
  const end = performance.now();
  if (end - start > slowMs) slowUntil = end + patience * (end - start);
  return bytes ?? read(file);
}
