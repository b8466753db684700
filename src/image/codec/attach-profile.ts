import { promisify } from 'node:util';
import { deflate } from 'node:zlib';
import { copyInBands } from '../../event-loop.js';
import { pngChunk } from './png-chunks.js';

/** Signature of 8 bytes, then the IHDR chunk: 4 of length, 4 of name, 13 of content, 4 of checksum. */
const headerLength = 8 + 4 + 4 + 13 + 4;

/**
 * Puts a colour profile into a PNG that has none, behind its header (iCCP chunk: PNG specification, 11.3.2.3).
 *
 * sharp can keep the profile of a picture without touching its values, but can't attach one to raw pixels without
 * converting them. So the pixels travel in such a PNG.
 */
export async function attachProfile(png: Uint8Array, profile: Uint8Array): Promise<Uint8Array> {
  // A name of 1 to 79 letters, its end, and 0 for deflate.
  const content = Buffer.concat([
    Buffer.from('profile\0\0', 'latin1'),
    await promisify(deflate)(profile, { level: 1 }),
  ]);
  const head = Buffer.concat([png.subarray(0, headerLength), pngChunk('iCCP', content)]);
  const tail = png.subarray(headerLength);
  const all = new Uint8Array(head.length + tail.length);
  all.set(head);
  await copyInBands(tail, all, head.length);
  return all;
}
