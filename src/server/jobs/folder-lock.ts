import { randomBytes } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { hasCode, UpresError } from '../../errors.js';
import { writeNew } from '../../storage/durable-file.js';

/** Turns of holding the folder, counted up. A turn is a folder, since only folders are renamed whole and never replaced. */
const turnName = /^lock-(\d+)$/;
const socketSuffix = '.sock';
const draftPrefix = 'lock-new-';
/** In a turn's folder: the socket at which its holder can be reached; only its name where it lies in the locked folder. */
const holderFile = 'holder';
/** Bytes that the name of a local socket may have everywhere. */
const longestSocket = 100;
const mostAttempts = 50;

/**
 * Lets one process at a time use a folder.
 *
 * The holder listens on a local socket, which the system closes however the process ends: who wants the folder knocks. So a
 * killed holder blocks no one, and there is no process number that could have passed to another process. Turns are numbered and
 * a new one is taken by renaming a folder, which exactly one process can do; the highest number is never removed, so no one
 * can take a number that was taken before.
 *
 * For disks of this machine: over a network, a holder elsewhere can't be heard. Nor can one in another container, if the path of
 * the folder is so long there that its socket lies outside.
 */
export class FolderLock {
  private constructor(
    private readonly server: Server,
    private readonly socket: string,
  ) {}

  /**
   * @param folder must exist
   * @throws BAD_ARGUMENT while another process, or another server of this one, holds it
   */
  static async take(folder: string): Promise<FolderLock> {
    const name = `${randomBytes(8).toString('hex')}${socketSuffix}`;
    const socket = socketPath(folder, name);
    const server = await listen(socket);
    const lock = new FolderLock(server, socket);
    try {
      for (let attempt = 0; attempt < mostAttempts; attempt++) {
        const last = await lastTurn(folder);
        if (last > 0 && (await isHeld(folder, last))) throw inUse(folder);
        if (!(await takeTurn(folder, last + 1, socket))) continue;
        // A slower process may have looked before a later turn was taken.
        if ((await lastTurn(folder)) !== last + 1) throw inUse(folder);
        await clean(folder, last + 1, name);
        return lock;
      }
      throw inUse(folder);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** Lets the next one take the folder. */
  async release(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.server.close(() => {
        resolve();
      });
    });
    // On a disk that takes no changes any more it stays, and the next holder sees that nobody listens there.
    if (process.platform !== 'win32') await rm(this.socket, { force: true }).catch(() => undefined);
  }
}

function inUse(folder: string): UpresError {
  return new UpresError('BAD_ARGUMENT', `another server uses the folder ${folder}: end it, or name another folder`, {
    file: folder,
  });
}

/** In the folder itself, so that it is as private as the folder; names of sockets are short, so deep folders can't have it. */
function socketPath(folder: string, name: string): string {
  if (process.platform === 'win32') return `\\\\.\\pipe\\upres-${name}`;
  const inside = resolve(folder, name);
  return Buffer.byteLength(inside) <= longestSocket ? inside : join(tmpdir(), `upres-${name}`);
}

async function listen(socket: string): Promise<Server> {
  const server = createServer((visitor) => {
    visitor.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socket, () => {
      server.off('error', reject);
      resolve();
    });
  });
  // A lock never keeps a process alive.
  server.unref();
  return server;
}

async function turns(folder: string): Promise<number[]> {
  const names = await readdir(folder);
  return names.flatMap((name) => turnName.exec(name)?.[1] ?? []).map(Number);
}

async function lastTurn(folder: string): Promise<number> {
  return Math.max(0, ...(await turns(folder)));
}

/** False when another process was faster. */
async function takeTurn(folder: string, turn: number, socket: string): Promise<boolean> {
  const draft = join(folder, `${draftPrefix}${randomBytes(6).toString('hex')}`);
  try {
    await mkdir(draft, { mode: 0o700 });
    // The folder may be mounted elsewhere for those who read it.
    await writeNew(join(draft, holderFile), dirname(socket) === resolve(folder) ? basename(socket) : socket);
    // Fails where the name is taken: that folder is not empty.
    await rename(draft, join(folder, `lock-${turn}`));
    return true;
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    // ENOENT: whoever took it has tidied our draft away. EPERM: how Windows says that a folder is there.
    if (hasCode(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT', ...(process.platform === 'win32' ? ['EPERM'] : [])))
      return false;
    throw error;
  }
}

/** Whether the holder of a turn still lives. */
async function isHeld(folder: string, turn: number): Promise<boolean> {
  try {
    const socket = await holderOf(join(folder, `lock-${turn}`));
    return socket !== undefined && (await answers(socket));
  } catch (error) {
    // No one writes there, so what can't be read was lost in a power cut: with it went its holder.
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

/** The socket of a turn's holder, as it is reached from here; undefined where that was lost. */
async function holderOf(turn: string): Promise<string | undefined> {
  const socket = await readFile(join(turn, holderFile), 'utf8');
  if (socket === '') return undefined;
  return isAbsolute(socket) ? socket : join(dirname(turn), socket);
}

async function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const visitor = connect(socket);
    visitor.once('connect', () => {
      visitor.destroy();
      resolve(true);
    });
    visitor.once('error', (error) => {
      // A full queue of visitors, or a socket of another user's, is a holder all the same.
      resolve(!hasCode(error, 'ECONNREFUSED', 'ENOENT', 'ENOTSOCK'));
    });
  });
}

/** Removes what earlier holders, and those who were killed on their way, left behind. */
async function clean(folder: string, turn: number, ownSocket: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const earlier = Number(turnName.exec(name)?.[1] ?? turn) < turn;
    // Its socket may lie elsewhere.
    if (earlier) await removeSocket(path);
    // Who knocks at this moment listens too, and would look dead without its socket.
    const dead = name.endsWith(socketSuffix) && name !== ownSocket && !(await answers(path));
    if (earlier || dead || name.startsWith(draftPrefix))
      await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** Removes the socket of a turn that is over, should its holder have had no time to. */
async function removeSocket(turn: string): Promise<void> {
  const socket = await holderOf(turn).catch(() => undefined);
  if (process.platform === 'win32' || !socket?.endsWith(socketSuffix) || (await answers(socket))) return;
  await rm(socket, { force: true }).catch(() => undefined);
}
