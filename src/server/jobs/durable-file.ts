import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Files that are being written end so; whoever opens the folder next may remove them. */
export const unfinishedSuffix = '.part';

/**
 * Writes a file whole or not at all, and waits until both it and its name are on the disk: after a power cut there is either
 * the old file or the new one. Only the user can read it.
 */
export async function writeDurably(file: string, bytes: Uint8Array | string): Promise<void> {
  const folder = dirname(file);
  const part = join(folder, `${randomBytes(6).toString('hex')}${unfinishedSuffix}`);
  try {
    await writeNew(part, bytes);
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined);
    throw error;
  }
  await syncFolder(folder);
}

/** Writes a file that must not be there yet down to the disk. Its name is safe only after `syncFolder`. */
export async function writeNew(file: string, bytes: Uint8Array | string): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Waits until the names of a folder's files are on the disk. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows opens no folders, and writes names through its journal.
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
