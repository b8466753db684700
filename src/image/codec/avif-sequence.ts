import { Box, findBox } from './boxes.js';

/** Where the major brand stands: behind the length and the name of the first box. */
const brandAt = 8;

const isSequence = (file: Uint8Array): boolean =>
  Buffer.from(file.subarray(brandAt, brandAt + 4)).toString('latin1') === 'avis';

/**
 * An animated AVIF as the still that it is for those who know no animations. The decoder refuses files of the brand `avis`, and
 * most of them have a first picture that it could read.
 */
export function asStill(file: Uint8Array): Uint8Array {
  if (!isSequence(file)) return file;
  const still = Buffer.from(file);
  still.write('avif', brandAt, 'latin1');
  return still;
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
