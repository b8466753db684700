import { createHash } from 'node:crypto';
import { digest } from '../digest.js';
import type { Readable } from 'node:stream';
import { hasCode, messageOf, UpresError } from '../errors.js';
import type { BytePart, Storage } from './storage.js';

/**
 * Bytes, or a part of them, of which all were compared with their hash before, so that what a disk has changed is never taken
 * for what was stored.
 * @param sha256 of all bytes, in base64url; undefined where none would be right
 * @returns undefined where there are none, `damaged` where they are not what they were
 */
export async function openChecked(
  storage: Storage,
  key: string,
  sha256: string | undefined,
  part?: BytePart,
): Promise<Readable | 'damaged' | undefined> {
  const hash = createHash('sha256');
  try {
    const whole = await storage.get(key);
    if (!whole) return undefined;
    for await (const piece of whole as AsyncIterable<Uint8Array>) hash.update(piece);
  } catch (error) {
    // The disk can't read it any more.
    if (hasCode(error, 'EIO')) return 'damaged';
    if (error instanceof UpresError) throw error;
    // It broke off in the middle.
    throw new UpresError('STORAGE_UNAVAILABLE', `${storage.name} can’t be read: ${messageOf(error)}`, { cause: error });
  }
  return hash.digest('base64url') === sha256 ? storage.get(key, part) : 'damaged';
}

/**
 * As `openChecked`, for all bytes at once.
 * @returns undefined where there are none, or they are not what they were
 */
export async function readChecked(storage: Storage, key: string, sha256: string): Promise<Uint8Array | undefined> {
  const bytes = await storage.read(key).catch((error: unknown) => {
    if (!hasCode(error, 'EIO')) throw error;
  });
  return bytes && (await digest(bytes, 'sha256', 'base64url')) === sha256 ? bytes : undefined;
}
