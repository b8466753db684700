import { Box, findBox } from './boxes.js';

/** Where the major brand stands: behind the length and the name of the first box. */
const brandAt = 8;

const brandOf = (file: Uint8Array): string => Buffer.from(file.subarray(brandAt, brandAt + 4)).toString('latin1');

/** Whether an AVIF says first of all that it is an animation. */
export const isSequence = (file: Uint8Array): boolean => brandOf(file) === 'avis';

/**
 * An AVIF under the brand that its decoder knows. It refuses files whose first brand is another, such as `avis`, animations, most of which
 * have a first picture that it could read, or `miaf`, whatever they are compatible with.
 */
export function asStill(file: Uint8Array): Uint8Array {
  if (brandOf(file) === 'avif') return file;
  const still = Buffer.from(file);
  still.write('avif', brandAt, 'latin1');
  return still;
}

/** Whether colours are stored multiplied by alpha: a reference of the kind `prem` (ISO/IEC 23000-22). */
export function isPremultiplied(file: Uint8Array): boolean {
  const meta = findBox(new Box(file), 'meta');
  meta?.skip(4);
  const references = meta && findBox(meta, 'iref');
  references?.skip(4);
  return references !== undefined && findBox(references, 'prem') !== undefined;
}

/** Frames of an animated AVIF: samples of its first track (ISO/IEC 14496-12, 8.7.3); 1 where it is none. */
export function framesOfAvif(file: Uint8Array): number {
  if (!isSequence(file)) return 1;
  let box: Box | undefined = new Box(file);
  for (const name of ['moov', 'trak', 'mdia', 'minf', 'stbl', 'stsz']) box = box && findBox(box, name);
  // Version and flags, then the size of all samples where they are alike.
  box?.skip(8);
  return Math.max(1, box?.number(4) ?? 1);
}
