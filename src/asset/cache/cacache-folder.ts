import { createHash, randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { hasCode, isMissing } from '../../errors.js';
import { digest, digestAtOnce } from '../../digest.js';
import { addToFile, moveFile, readFile, readOfLength, readOfLengthAtOnce, writeNewFile } from '../../quick-files.js';

// cacache looks after its folder: it lists, prunes and mends it. Results are found and kept without it, since loading it takes as long
// as reading hundreds of them, and it makes every folder on the way of each anew.

/** The versions of its folders' layout, as they are in cacache's own package.json under `cache-version`. */
export const layout = { index: '5', content: '2' } as const;

/** A content of cacache's. */
export interface Content {
  /** `sha512-` and the SHA-512 of it in base64 digits. */
  readonly integrity: string;
  /** Bytes. */
  readonly size: number;
  /** SHA-256 of it in base64 digits, where that is known: processors compute it several times as fast. */
  readonly sha256?: string;
}

/** An entry of cacache's index. */
export interface IndexEntry extends Content {
  /** The file with the content. */
  readonly path: string;
  readonly metadata: unknown;
}

/**
 * Finds an entry: the last sound line of its bucket that has the key.
 * @returns undefined where there is none, or it was removed
 * @throws what reading the bucket throws
 */
export async function findEntry(folder: string, key: string): Promise<IndexEntry | undefined> {
  const text = await readFile(bucketOf(folder, key)).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (!text) return undefined;
  for (const line of text.toString().split('\n').reverse()) {
    const entry = entryIn(line, key);
    if (!entry) continue;
    const { integrity, size, metadata } = entry;
    // Removed. What has another kind of hash is not ours.
    if (typeof integrity !== 'string' || !integrity.startsWith('sha512-')) return undefined;
    return { integrity, size: Number(size), path: contentOf(folder, integrity), metadata };
  }
  return undefined;
}

/**
 * Adds an entry: its content whole or not at all, then a line to its bucket.
 * @param integrity `sha512-` and the SHA-512 of the content in base64 digits
 * @throws what writing throws
 */
export async function addEntry(
  folder: string,
  key: string,
  content: Uint8Array,
  integrity: string,
  metadata: unknown,
): Promise<void> {
  // Where cacache cleans up after processes that were killed.
  const temporary = join(folder, 'tmp', randomUUID());
  const place = contentOf(folder, integrity);
  const write = async (): Promise<void> => {
    await writeNewFile(temporary, content);
    await moveFile(temporary, place);
  };
  try {
    await write().catch((error: unknown) => {
      if (!isMissing(error)) throw error;
      // Another process cleans up at this moment.
      return write();
    });
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    // Windows does not replace what someone reads; what is there has the same bytes.
    if (!hasCode(error, 'EPERM', 'EBUSY', 'EACCES') || (await readFile(place).catch(() => undefined)) === undefined)
      throw error;
  }
  const json = JSON.stringify({ key, integrity, time: Date.now(), size: content.length, metadata });
  await addToFile(bucketOf(folder, key), `\n${hashOf(json, 'sha1')}\t${json}`);
}

/**
 * Reads a content, checked as cacache does it, but without keeping the event loop waiting: even as a stream it hashes 64 MiB at once.
 * @throws an error with the code EINTEGRITY where it is damaged; what reading throws
 */
export async function readContent(folder: string, content: Content): Promise<Buffer> {
  const path = contentOf(folder, content.integrity);
  const data = await readOfLength(path, content.size);
  const { algorithm, hash } = proofOf(content);
  if ((await digest(data, algorithm, 'base64')) === hash) return data;
  throw damaged(path);
}

/** The same at once; undefined where others would have to wait for it. */
export function readContentAtOnce(folder: string, content: Content): Buffer | undefined {
  const path = contentOf(folder, content.integrity);
  const data = readOfLengthAtOnce(path, content.size);
  if (data === undefined) return undefined;
  const { algorithm, hash } = proofOf(content);
  if (digestAtOnce(data, algorithm, 'base64') === hash) return data;
  throw damaged(path);
}

/** The hash that proves a content, in base64 digits. */
function proofOf({ integrity, sha256 }: Content): { algorithm: 'sha256' | 'sha512'; hash: string } {
  return sha256 === undefined
    ? { algorithm: 'sha512', hash: integrity.slice('sha512-'.length) }
    : { algorithm: 'sha256', hash: sha256 };
}

function damaged(path: string): Error {
  return Object.assign(new Error(`${path} is damaged`), { code: 'EINTEGRITY' });
}

const hashBytes = Buffer.alloc(64);
const contents = ['', `content-v${layout.content}`, 'sha512', ''].join(sep);

const bucketOf = (folder: string, key: string): string =>
  join(folder, `index-v${layout.index}`, ...segments(hashOf(key, 'sha256')));

function contentOf(folder: string, integrity: string): string {
  // There are hundreds to be read: one buffer for all, and paths joined by hand, since Node looks at every letter.
  const length = hashBytes.write(integrity.slice('sha512-'.length), 'base64');
  const digits = hashBytes.toString('hex', 0, length);
  return `${folder}${contents}${digits.slice(0, 2)}${sep}${digits.slice(2, 4)}${sep}${digits.slice(4)}`;
}

/** A line is the SHA-1 of a JSON text, and that text. */
function entryIn(line: string, key: string): Record<string, unknown> | undefined {
  const [hash, json] = line.split('\t');
  if (!json || hashOf(json, 'sha1') !== hash) return undefined;
  try {
    const entry = JSON.parse(json) as Record<string, unknown> | null;
    return entry?.key === key ? entry : undefined;
  } catch {
    return undefined;
  }
}

const hashOf = (text: string, algorithm: 'sha1' | 'sha256'): string => createHash(algorithm).update(text).digest('hex');

const segments = (digits: string): string[] => [digits.slice(0, 2), digits.slice(2, 4), digits.slice(4)];
