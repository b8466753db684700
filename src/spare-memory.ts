/**
 * Shared memory that is used again. What is left to the garbage collector is freed when it comes to it, and of a large picture, which
 * is computed in many parts of one size, there would be several copies until then.
 */
const spare = new Set<SharedArrayBuffer>();

/** Memory of so many bytes, with whatever was in it. */
export function takeShared(bytes: number): SharedArrayBuffer {
  for (const buffer of spare) {
    if (buffer.byteLength !== bytes) continue;
    spare.delete(buffer);
    return buffer;
  }
  return new SharedArrayBuffer(bytes);
}

/** For memory that no one reads or writes any more. Whoever gives something back calls `dropSpare` in the end. */
export function giveBackShared(buffer: ArrayBufferLike): void {
  if (buffer instanceof SharedArrayBuffer) spare.add(buffer);
}

/** Leaves all that was given back to the garbage collector. */
export const dropSpare = (): void => {
  spare.clear();
};
