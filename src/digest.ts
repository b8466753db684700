import { createHash } from 'node:crypto';
import { inBands } from './event-loop.js';

/** Bytes; one takes about two nanoseconds, so a block is what is done between two looks at the clock. */
const block = 1 << 14;

/** A hash of many bytes, without keeping the event loop waiting: 30 MB would take it 40 ms. */
export async function digest(
  bytes: Uint8Array,
  algorithm: 'sha256' | 'sha512',
  encoding: 'hex' | 'base64' | 'base64url',
): Promise<string> {
  const hash = createHash(algorithm);
  await inBands(Math.ceil(bytes.length / block), 2 * block, (from, to) => {
    hash.update(bytes.subarray(from * block, to * block));
  });
  return hash.digest(encoding);
}
