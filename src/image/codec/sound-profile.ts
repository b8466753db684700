/** Header and the number of tags (ICC.1:2022, 7.2 and 7.3.2). */
const leastLength = 132;

const lengthAt = 0;
const intentAt = 64;

/**
 * An embedded profile as encoders take it.
 *
 * Writers of profiles err in places that no reader looks at but libpng, which then leaves the whole profile out without a word: the
 * intent stands with its bytes swapped (as Photoshop once wrote it) or is none of the four, and bytes follow behind the end.
 *
 * @param space of the picture, as sharp calls it
 * @returns undefined where it is none, is cut short, or is for other channels than the picture has
 */
export function soundProfile(icc: Uint8Array, space: string): Uint8Array | undefined {
  if (icc.length < leastLength) return undefined;
  const text = (at: number): string => String.fromCharCode(...icc.subarray(at, at + 4));
  const channels = space === 'cmyk' ? 'CMYK' : space === 'b-w' || space === 'grey16' ? 'GRAY' : 'RGB ';
  const length = new DataView(icc.buffer, icc.byteOffset).getUint32(lengthAt);
  if (text(36) !== 'acsp' || text(16) !== channels || length > icc.length || length < leastLength) return undefined;
  const intent = new DataView(icc.buffer, icc.byteOffset).getUint32(intentAt);
  if (intent < 4 && length === icc.length) return icc;
  const sound = Uint8Array.from(icc.subarray(0, length));
  const swapped = new DataView(icc.buffer, icc.byteOffset).getUint32(intentAt, true);
  if (intent >= 4) new DataView(sound.buffer).setUint32(intentAt, swapped < 4 ? swapped : 0);
  return sound;
}
