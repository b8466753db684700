import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { open, unlink } from 'node:fs/promises';
import path from 'node:path';

/** Files that are being written at this moment. */
const alive = new Set<string>();

/**
 * Writes bytes to a new file in the folder, down to the disk, under a name that says what it is: `.upres-<random>.tmp`. It is
 * short, because the output's own name may be as long as the disk allows, and hidden, because a kill may leave it behind.
 * @param mode permissions for the file; the user's usual ones when undefined
 * @throws the file system's error, after removing what was written
 */
export async function writeTempFile(folder: string, bytes: Uint8Array, mode?: number): Promise<string> {
  const file = path.join(folder, `.upres-${randomBytes(6).toString('hex')}.tmp`);
  const handle = await open(file, 'wx');
  alive.add(file);
  try {
    try {
      await handle.writeFile(bytes);
      if (mode !== undefined) await handle.chmod(mode);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    await removeTempFile(file);
    throw error;
  }
  return file;
}

/** Removes the file if it is still there. */
export async function removeTempFile(file: string): Promise<void> {
  await unlink(file).catch(() => undefined);
  alive.delete(file);
}

/** Removes all of them without waiting, for a process that is about to be killed. */
export function removeTempFilesNow(): void {
  for (const file of alive) {
    try {
      rmSync(file, { force: true });
    } catch {
      // The next ones may still be removable.
    }
  }
}
