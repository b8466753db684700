import { link, mkdir, open, rename, stat } from 'node:fs/promises';
import path from 'node:path';
import { readFile } from '../quick-files.js';
import { hasCode, UpresError } from '../errors.js';
import { type Ledger, sha256 } from './ledger.js';
import type { OwnOutputs } from '../asset/own-outputs.js';
import { removeTempFile, writeTempFile } from './temp-file.js';
import { outputError } from './output-error.js';

export interface WriteOptions {
  readonly ledger: Ledger;
  /** Pictures that any tool of upres has made: such bytes are ours wherever they lie. */
  readonly outputs?: OwnOutputs;
  /** Also replace a file that upres did not write. */
  readonly overwrite: boolean;
  /** Make missing folders; otherwise a missing folder is an error. */
  readonly makeFolder: boolean;
}

/**
 * Puts the bytes where they belong: whole, or not at all. A file that upres did not write, or that was changed since, is left
 * alone; equal bytes are always fine.
 * @returns `unchanged` when the file held these very bytes
 * @throws OUTPUT_EXISTS, OUTPUT_UNWRITABLE, DISK_FULL
 */
export async function writeOutput(
  file: string,
  bytes: Uint8Array,
  { ledger, outputs, overwrite, makeFolder }: WriteOptions,
): Promise<'written' | 'unchanged'> {
  const hash = sha256(bytes);
  try {
    let existing = await hashOfFile(file);
    if (existing === undefined) {
      if (await writeNew(file, bytes, makeFolder)) {
        await ledger.record(file, hash);
        return 'written';
      }
      // A file was put there in the meantime: it is judged like any other.
      existing = await hashOfFile(file);
    }
    if (existing !== hash) {
      if (!overwrite) await requireOurs(file, existing, ledger, outputs);
      await replace(file, bytes);
    }
    // Equal bytes are recorded too: they are what upres makes, so this is how a lost record comes back.
    await ledger.record(file, hash);
    return existing === hash ? 'unchanged' : 'written';
  } catch (error) {
    throw outputError(error, file);
  }
}

/**
 * Says beforehand whether `writeOutput` would refuse, for outputs of several files.
 * @param bytes undefined where they are not known yet: then a file of others is refused that may hold the same
 * @throws OUTPUT_EXISTS, OUTPUT_UNWRITABLE
 */
export async function checkOutput(
  file: string,
  bytes: Uint8Array | undefined,
  { ledger, outputs, overwrite }: Omit<WriteOptions, 'makeFolder'>,
): Promise<void> {
  try {
    const existing = await hashOfFile(file);
    const same = bytes !== undefined && existing === sha256(bytes);
    if (existing !== undefined && !same && !overwrite) await requireOurs(file, existing, ledger, outputs);
  } catch (error) {
    throw outputError(error, file);
  }
}

/** `existing` is undefined for a link that leads nowhere, which takes the name too. */
async function requireOurs(
  file: string,
  existing: string | undefined,
  ledger: Ledger,
  outputs: OwnOutputs | undefined,
): Promise<void> {
  if (existing !== undefined && existing === (await ledger.hashOf(file))) return;
  if (existing === undefined || !(await outputs?.has(await readFile(file)))) throw existsError(file);
}

function existsError(file: string): UpresError {
  return new UpresError(
    'OUTPUT_EXISTS',
    `${file} exists, and upres did not write it or it was changed since: move it away, or give --overwrite to replace it`,
    { file },
  );
}

async function hashOfFile(file: string): Promise<string | undefined> {
  try {
    const bytes = await readFile(file, (stats) => {
      // A pipe or a terminal may never end.
      if (!stats.isFile() && !stats.isDirectory())
        throw new UpresError('OUTPUT_UNWRITABLE', `${file} is not a regular file`, { file });
    });
    return sha256(bytes);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Disks without hard links (exFAT, some network shares) answer in one of these ways. */
const noLinks = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL', 'EXDEV', 'UNKNOWN'];

/**
 * Writes a file that must not exist yet. Renaming would replace what another program has put there since we looked; linking
 * never does, and neither leaves half a file.
 * @returns false when a file is there already
 */
async function writeNew(file: string, bytes: Uint8Array, makeFolder: boolean): Promise<boolean> {
  const folder = path.dirname(file);
  const temp = await writeTempFile(folder, bytes).catch(async (error: unknown) => {
    // Most folders are there.
    if (!makeFolder || !hasCode(error, 'ENOENT')) throw error;
    await mkdir(folder, { recursive: true });
    return writeTempFile(folder, bytes);
  });
  try {
    try {
      await link(temp, file);
    } catch (error) {
      if (!hasCode(error, ...noLinks)) throw error;
      // Reserve the name, then rename over our own empty file.
      await (await open(file, 'wx')).close();
      await rename(temp, file);
    }
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  } finally {
    await removeTempFile(temp);
  }
}

async function replace(file: string, bytes: Uint8Array): Promise<void> {
  const mode = await stat(file).then(
    (stats) => stats.mode & 0o777,
    () => undefined,
  );
  const temp = await writeTempFile(path.dirname(file), bytes, mode);
  try {
    await rename(temp, file);
  } finally {
    await removeTempFile(temp);
  }
}
