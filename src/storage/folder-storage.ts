import * as fs from 'node:fs';
import { access, open, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { hasCode, isMissing, UpresError } from '../errors.js';
import { tellingDisk } from './disk-errors.js';
import { makeFolder, syncParents, unfinishedSuffix, writeDurably } from './durable-file.js';
import type { BytePart, Storage, StoredObject } from './storage.js';

/** What is done for each file of a farm: with calls back it costs half of what it does in `fs/promises`. */
const readFile = promisify(fs.readFile);
const readdir = promisify(fs.readdir);
const unlink = promisify(fs.unlink);
const rmdir = promisify(fs.rmdir);

export interface FolderStorageOptions {
  /**
   * Whether folders are made where a key needs them; otherwise it is an error of the file system that they are not there.
   * @default `true`
   */
  readonly makeFolders?: boolean;
}

/** Bytes in a folder, which several machines may share: each key is a file. Only the user can look into it. */
export class FolderStorage implements Storage {
  /** @param name the folder; it need not be there yet */
  constructor(
    readonly name: string,
    private readonly options: FolderStorageOptions = {},
  ) {}

  async check(): Promise<void> {
    await this.telling(async () => {
      for (let folder = resolve(this.name); ; folder = dirname(folder)) {
        try {
          // It is made when something is put: where it is not there, that is up to the folder around it.
          await access(join(folder, '.'), fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
          return;
        } catch (error) {
          if (!hasCode(error, 'ENOENT') || folder === dirname(folder)) throw error;
        }
      }
    });
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    const file = this.fileOf(key);
    return this.telling(async () => {
      try {
        await writeDurably(file, bytes);
        return;
      } catch (error) {
        if (!isMissing(error) || this.options.makeFolders === false) throw error;
      }
      const folder = resolve(dirname(file));
      const made = await makeFolder(folder);
      await writeDurably(file, bytes);
      // Last, when the disk has written the folder's name along with the file's: before, it would write twice.
      if (made !== undefined) await syncParents(folder, made);
    });
  }

  async get(key: string, part?: BytePart): Promise<Readable | undefined> {
    const file = this.fileOf(key);
    const handle = await this.telling(() => unlessMissing(open(file)));
    return handle?.createReadStream({ start: 0, ...part });
  }

  async read(key: string): Promise<Uint8Array | undefined> {
    const file = this.fileOf(key);
    return this.telling(() => unlessMissing(readFile(file)));
  }

  async head(key: string): Promise<StoredObject | undefined> {
    const file = this.fileOf(key);
    const found = await this.telling(() => unlessMissing(stat(file)));
    return found && { key, bytes: found.size, modified: found.mtime };
  }

  async *list(prefix: string): AsyncGenerator<StoredObject> {
    // The part after the last / is the beginning of names; what stands before it is a folder.
    const folder = this.fileOf(prefix.slice(0, prefix.lastIndexOf('/') + 1));
    const entries = await this.telling(() => unlessMissing(readdir(folder, { recursive: true, withFileTypes: true })));
    for (const entry of entries ?? []) {
      if (!entry.isFile() || entry.name.endsWith(unfinishedSuffix)) continue;
      const key = relative(this.name, join(entry.parentPath, entry.name)).replaceAll(sep, '/');
      const known = key.startsWith(prefix) ? await this.head(key) : undefined;
      if (known) yield known;
    }
  }

  async delete(keys: readonly string[]): Promise<void> {
    await this.telling(() => Promise.all(keys.map((key) => unlessMissing(unlink(this.fileOf(key))))));
  }

  async deleteBelow(folder: string): Promise<void> {
    await this.telling(() => removeFolder(this.fileOf(folder)));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private fileOf(key: string): string {
    if (!/^(?:(?!\.{1,2}(?:\/|$))[\w.-]+(?:\/|$))*$/.test(key)) {
      throw new UpresError('BAD_ARGUMENT', `${JSON.stringify(key)} is no key of a storage`);
    }
    return join(this.name, ...key.split('/'));
  }

  private telling<T>(work: () => Promise<T>): Promise<T> {
    return tellingDisk(this.name, work);
  }
}

/** Removes a folder with all that is in it; what comes into it meanwhile may stay. */
async function removeFolder(folder: string): Promise<void> {
  const entries = await unlessMissing(readdir(folder, { withFileTypes: true }));
  if (!entries) return;
  await Promise.all(
    entries.map((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? removeFolder(path) : unlessMissing(unlink(path));
    }),
  );
  await rmdir(folder).catch((error: unknown) => {
    if (!isMissing(error) && !hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
  });
}

async function unlessMissing<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
