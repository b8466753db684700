import { createHash, hash as hashOf } from 'node:crypto';
import { inBands } from './event-loop.js';

/** Bytes; one takes about two nanoseconds, so a block is what is done between two looks at the clock. */
const block = 1 << 14;
/** Bytes that are hashed at once: most pictures for the web, and a hash that is fed in pieces costs more than their bytes do. */
const short = 4 * block;
/** Bytes for which a build may wait: half a millisecond. */
const most = 1 << 18;

/** A hash of many bytes, without keeping the event loop waiting: 30 MB would take it 40 ms. */
export async function digest(
  bytes: Uint8Array,
  algorithm: 'sha256' | 'sha512',
  encoding: 'hex' | 'base64' | 'base64url',
): Promise<string> {
  if (bytes.length <= short) return hashOf(algorithm, bytes, encoding);
  const hash = createHash(algorithm);
  await inBands(Math.ceil(bytes.length / block), 2 * block, (from, to) => {
    hash.update(bytes.subarray(from * block, to * block));
  });
  return hash.digest(encoding);
}

/** The same at once; undefined where there are so many bytes that others would have to wait for it. */
export function digestAtOnce(
  bytes: Uint8Array,
  algorithm: 'sha256' | 'sha512',
  encoding: 'hex' | 'base64' | 'base64url',
): string | undefined {
  return bytes.length > most ? undefined : hashOf(algorithm, bytes, encoding);
}
