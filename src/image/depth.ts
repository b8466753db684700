import { inBands } from '../event-loop.js';
import type { PixelImage, Samples } from '../pixels.js';

/** 65535 / 255: the same light in 16 bits as in 8. */
export const levelsPerLevel = 257;

/** The same light in 8 bits, to the nearest level. */
export async function toDepth8(data: Samples): Promise<Uint8Array> {
  if (data instanceof Uint8Array) return data;
  const narrow = new Uint8Array(data.length);
  await inBands(data.length, 1, (from, to) => {
    for (let at = from; at < to; at++) narrow[at] = (data[at]! + 128) / levelsPerLevel;
  });
  return narrow;
}

/** A plane in 8 bits. */
export async function planeToDepth8(plane: PixelImage): Promise<PixelImage> {
  return { ...plane, data: await toDepth8(plane.data) };
}

/** The bytes that sharp returns for 16-bit pixels, as numbers. */
export function asUint16(bytes: Uint8Array): Uint16Array {
  const aligned = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice();
  return new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 2);
}
