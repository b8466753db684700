import { rmSync } from 'node:fs';
import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What the folders' names begin with. */
const prefix = 'upres-strips-';

/** No picture takes longer: what is older was left by a process that was killed. */
const abandonedMs = 7 * 24 * 3600 * 1000;

/** Folders of this process that are in use. */
const used = new Set<string>();

/**
 * A new folder among the temporary files. It goes when it is removed, at the end of a process that ends of itself (by an error, too),
 * and, where that was killed, when another one makes a folder a week later.
 * @throws the file system's error
 */
export async function makeTemporaryFolder(): Promise<string> {
  await removeAbandoned();
  const folder = await mkdtemp(join(tmpdir(), prefix));
  if (used.size === 0) process.on('exit', removeUsed);
  used.add(folder);
  return folder;
}

/** Removes it and what is in it. Calling it twice does no harm. */
export async function removeTemporaryFolder(folder: string): Promise<void> {
  // What scans new files keeps them open for a moment on Windows.
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  if (used.delete(folder) && used.size === 0) process.off('exit', removeUsed);
}

function removeUsed(): void {
  for (const folder of used) {
    try {
      rmSync(folder, { recursive: true, force: true });
    } catch {
      // The next ones may still be removable.
    }
  }
}

/** Whatever can't be removed is someone else's. */
async function removeAbandoned(): Promise<void> {
  const before = Date.now() - abandonedMs;
  for (const name of await readdir(tmpdir()).catch(() => [])) {
    if (!name.startsWith(prefix)) continue;
    const folder = join(tmpdir(), name);
    const { mtimeMs } = await lstat(folder).catch(() => ({ mtimeMs: Infinity }));
    if (mtimeMs < before) await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}
