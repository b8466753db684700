import type { Plane, Samples } from './planes.js';

/** 65535 / 255: the same light in 16 bits as in 8. */
export const levelsPerLevel = 257;

/** The same light in 8 bits, to the nearest level. */
export function toDepth8(data: Samples): Uint8Array {
  if (data instanceof Uint8Array) return data;
  const narrow = new Uint8Array(data.length);
  for (let at = 0; at < data.length; at++) narrow[at] = (data[at]! + 128) / levelsPerLevel;
  return narrow;
}

/** A plane in 8 bits. */
export function planeToDepth8(plane: Plane): Plane {
  return { ...plane, data: toDepth8(plane.data) };
}

/** The bytes that sharp returns for 16-bit pixels, as numbers. */
export function asUint16(bytes: Uint8Array): Uint16Array {
  const aligned = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice();
  return new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 2);
}
