import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { isMissing } from '../errors.js';
import { readFile } from '../read-file.js';

// cacache writes and mends its folder. Results are found without it: loading it takes as long as reading hundreds of them.

/** The versions of its folders' layout, as they are in cacache's own package.json under `cache-version`. */
export const layout = { index: '5', content: '2' } as const;

/** An entry of cacache's index. */
export interface IndexEntry {
  /** `sha512-` and the SHA-512 of the content in base64 digits. */
  readonly integrity: string;
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
  const bucket = join(folder, `index-v${layout.index}`, ...segments(hashOf(key, 'sha256')));
  const text = await readFile(bucket).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (!text) return undefined;
  for (const line of text.toString().split('\n').reverse()) {
    const entry = entryIn(line, key);
    if (!entry) continue;
    const { integrity, metadata } = entry;
    // Removed. What has another kind of hash is not ours.
    if (typeof integrity !== 'string' || !integrity.startsWith('sha512-')) return undefined;
    const digits = Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex');
    return { integrity, path: join(folder, `content-v${layout.content}`, 'sha512', ...segments(digits)), metadata };
  }
  return undefined;
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
