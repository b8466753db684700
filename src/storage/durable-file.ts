import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { hasCode, isMissing } from '../errors.js';

/** What is done for each file: objects for handles, as in `fs/promises`, cost more than half as much again. */
const open = promisify(fs.open);
const close = promisify(fs.close);
const write = promisify(fs.write);
const fsync = promisify(fs.fsync);
const rename = promisify(fs.rename);
const mkdir = promisify(fs.mkdir);

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
  return join(dirname(file), `${randomUUID()}${unfinishedSuffix}`);
}

/** Writes a file that must not be there yet down to the disk. Its name is safe only after `syncFolder`. */
export async function writeNew(file: string, bytes: Uint8Array | string): Promise<void> {
  const whole = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
  const handle = await open(file, 'wx', 0o600);
  try {
    for (let at = 0; at < whole.length;) {
      at += (await write(handle, whole, at, whole.length - at, null)).bytesWritten;
    }
    await fsync(handle);
  } finally {
    await close(handle);
  }
}

/** What waits for a folder's names: those who come while the disk is at it have the next turn in common. */
interface Sync {
  readonly running: Promise<void>;
  next: Promise<void> | undefined;
}
const syncs = new Map<string, Sync>();

/** Waits until the names of a folder's files are on the disk. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows opens no folders, and writes names through its journal.
  if (process.platform === 'win32') return;
  const known = syncs.get(folder);
  // What is under way may have begun before the name was there.
  if (known) return (known.next ??= known.running.catch(() => undefined).then(() => syncFolder(folder)));
  const running = syncNow(folder).finally(() => syncs.delete(folder));
  syncs.set(folder, { running, next: undefined });
  return running;
}

async function syncNow(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await fsync(handle);
  } finally {
    await close(handle);
  }
}

/**
 * Makes a folder and those above it. (mkdir with `recursive` tries for ever where nothing can be made, as in /proc.)
 * @returns the highest that was made
 */
export async function makeFolder(folder: string): Promise<string | undefined> {
  try {
    await mkdir(folder, { mode: 0o700 });
    return folder;
  } catch {
    // It is there, or what is above it is not, or nothing can be made: that comes out below.
  }
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
