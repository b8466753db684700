import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { FolderLock } from '#src/server/jobs/folder-lock.js';
import { temporaryFolder } from '../support/folders.js';

const program = fileURLToPath(new URL('fixtures/hold-lock.js', import.meta.url));

/** A process that holds the folder. */
async function holder(folder: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [program, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
}

describe('a folder’s lock', () => {
  it('is held by one, and says so to others', async () => {
    const folder = temporaryFolder();
    const lock = await FolderLock.take(folder);
    await expect(FolderLock.take(folder)).rejects.toMatchObject({ code: 'BAD_ARGUMENT', file: folder });
    await lock.release();
    await (await FolderLock.take(folder)).release();
    expect(await readdir(folder)).toEqual(['lock-2']);
  });

  it('holds against other processes, and not a moment longer than they live', async () => {
    const folder = temporaryFolder();
    const child = await holder(folder);
    await expect(FolderLock.take(folder)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    // A process that hangs is there all the same.
    if (process.platform !== 'win32') child.kill('SIGSTOP');
    await expect(FolderLock.take(folder)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    await kill(child);
    const lock = await FolderLock.take(folder);
    expect((await readdir(folder)).filter((name) => name.endsWith('.sock'))).toHaveLength(1);
    await lock.release();
  });

  it('goes to exactly one of many that want it at once', async () => {
    const folder = temporaryFolder();
    await kill(await holder(folder));
    for (let round = 0; round < 10; round++) {
      const taken = await Promise.allSettled(Array.from({ length: 8 }, () => FolderLock.take(folder)));
      const locks = taken.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
      expect(locks).toHaveLength(1);
      await locks[0]!.release();
    }
  });

  it('works in folders whose names are too long for sockets', async () => {
    const folder = join(temporaryFolder(), 'a'.repeat(120));
    await mkdir(folder);
    const child = await holder(folder);
    const socket = await readFile(join(folder, 'lock-1', 'holder'), 'utf8');
    await expect(FolderLock.take(folder)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    await kill(child);
    const lock = await FolderLock.take(folder);
    if (process.platform !== 'win32') expect(existsSync(socket)).toBe(false);
    await lock.release();
  });

  it.skipIf(process.platform === 'win32')('holds where the folder has another path, as in a container', async () => {
    const parent = temporaryFolder();
    const folder = join(parent, 'here');
    await mkdir(folder);
    const child = await holder(folder);
    const elsewhere = join(parent, 'there');
    await rename(folder, elsewhere);
    await expect(FolderLock.take(elsewhere)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    await kill(child);
    await (await FolderLock.take(elsewhere)).release();
  });

  it('survives a turn whose holder was lost with the power', async () => {
    const folder = temporaryFolder();
    await mkdir(join(folder, 'lock-7'));
    const lock = await FolderLock.take(folder);
    expect(await readdir(folder)).toContain('lock-8');
    await lock.release();
  });
});
