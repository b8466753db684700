import type { Stats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { readError, UpresError } from '../errors.js';
import { readFile } from '../read-file.js';
import { sniffLength } from './codec/sniff.js';

/** A picture as it is given: a path, or the bytes of a file. */
export type ImageInput = string | Uint8Array;

/** The name for errors, where the input has one. */
export function fileOf(input: ImageInput | object): string | undefined {
  return typeof input === 'string' ? input : undefined;
}

/**
 * All bytes of an input.
 *
 * @throws INPUT_NOT_FOUND, INPUT_UNREADABLE, INPUT_EMPTY
 */
export async function readInput(input: ImageInput): Promise<Uint8Array> {
  if (typeof input !== 'string') return notEmpty(input, input);
  try {
    return notEmpty(
      await readFile(input, (stats) => {
        requireFile(stats, input);
      }),
      input,
    );
  } catch (error) {
    throw readError(error, input);
  }
}

/** The first bytes of an input, enough to tell what it is. Throws as `readInput`. */
export async function readHead(input: ImageInput): Promise<Uint8Array> {
  if (typeof input !== 'string') return notEmpty(input, input).subarray(0, sniffLength);
  const head = await withFile(input, async (file) => {
    const { buffer, bytesRead } = await file.read(new Uint8Array(sniffLength), 0, sniffLength, 0);
    return buffer.subarray(0, bytesRead);
  });
  return notEmpty(head, input);
}

function notEmpty<B extends Uint8Array>(bytes: B, input: ImageInput): B {
  if (bytes.length > 0) return bytes;
  throw new UpresError('INPUT_EMPTY', 'the file is empty', { file: fileOf(input) });
}

async function withFile<T>(path: string, read: (file: FileHandle) => Promise<T>): Promise<T> {
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    requireFile(await file.stat(), path);
    return await read(file);
  } catch (error) {
    throw readError(error, path);
  } finally {
    await file?.close();
  }
}

/** A directory can be opened, and a device or a pipe may never end. */
function requireFile(stats: Stats, path: string): void {
  if (stats.isFile()) return;
  const what = stats.isDirectory() ? 'this is a directory' : 'this is not a regular file';
  throw new UpresError('INPUT_UNREADABLE', `${what}: name an image file`, { file: path });
}
