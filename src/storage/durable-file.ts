import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasCode, isMissing } from '../errors.js';

/** Files that are being written end so; whoever opens the folder next may remove them. */
export const unfinishedSuffix = '.part';

/**
 * Writes a file whole or not at all, and waits until both it and its name are on the disk: after a power cut there is either
 * the old file or the new one. Only the user can read it.
 */
export async function writeDurably(file: string, bytes: Uint8Array | string): Promise<void> {
  const part = unfinishedPath(file);
  try {
    await writeNew(part, bytes);
    await rename(part, file);
  } catch (error) {
    // Where its folder is not there it was never begun.
    if (!isMissing(error)) await unlink(part).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(file));
}

/** Beside a file, where it can lie until it is whole. */
function unfinishedPath(file: string): string {
  return join(dirname(file), `${randomBytes(6).toString('hex')}${unfinishedSuffix}`);
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

/**
 * Makes a folder and those above it. (mkdir with `recursive` tries for ever where nothing can be made, as in /proc.)
 * @returns the highest that was made
 */
export async function makeFolder(folder: string): Promise<string | undefined> {
  const there = await stat(folder).catch((error: unknown) => {
    if (!hasCode(error, 'ENOENT')) throw error;
  });
  if (there?.isDirectory()) return undefined;
  const above = dirname(folder);
  const made = above === folder ? undefined : await makeFolder(above);
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    // Another was faster, whose name may not be on the disk yet.
    if (!hasCode(error, 'EEXIST') || !(await stat(folder)).isDirectory()) throw error;
  }
  return made ?? folder;
}

/** Waits until a folder's name is on the disk, and those of its parents up to `highest`. */
export async function syncParents(folder: string, highest: string): Promise<void> {
  const parent = dirname(folder);
  await syncFolder(parent);
  if (folder !== highest && parent !== folder) await syncParents(parent, highest);
}
