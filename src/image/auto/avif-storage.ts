import { Box, findBox, primaryItem } from '../codec/boxes.js';
import { readAv1Colours, readQuantiserIndex, type Av1Colours } from './av1-headers.js';
import type { LossyStorage } from './lossy-storage.js';
import { between } from './webp-storage.js';

/**
 * The AC steps of AV1's 256 quantiser indices at 8 bits (AV1 specification, 7.12.2, Ac_Qlookup), some of them: the others lie
 * within a hundredth of a straight line. At 10 and 12 bits they are in proportion.
 */
const acSteps = [
  [0, 4],
  [1, 8],
  [95, 102],
  [120, 152],
  [137, 203],
  [150, 255],
  [160, 305],
  [176, 408],
  [193, 560],
  [210, 771],
  [224, 1007],
  [240, 1369],
  [255, 1828],
] as const;

/** AV1's steps are in eighths of a level of an orthonormal transform. */
const coefficientScale = 8;

/**
 * Reads how the picture of an AVIF was stored; of one that is made of tiles, the first.
 *
 * @returns undefined where nothing was lost, or where the file is not understood
 */
export function avifStorage(file: Uint8Array): LossyStorage | undefined {
  const coded = codedPicture(file);
  const index = coded && readQuantiserIndex(coded.data);
  // 0 is lossless.
  if (coded === undefined || index === undefined || index === 0) return undefined;
  return {
    told: `AVIF of quantiser ${index} of 255`,
    squaredStep: Math.max(1, (between(acSteps, index) / coefficientScale) ** 2),
    pixelBytes: coded.data.length * coded.pieces,
  };
}

/** Whether nothing was lost in storing it. */
export function isLosslessAvif(file: Uint8Array): boolean {
  const coded = codedPicture(file);
  return coded !== undefined && readQuantiserIndex(coded.data) === 0;
}

/** What the picture's own data says of its colours; undefined where it is not understood. */
export function coloursOfAvifData(file: Uint8Array): Av1Colours | undefined {
  const coded = codedPicture(file);
  return coded && readAv1Colours(coded.data);
}

/** The AV1 data of the picture, or of the first piece of which it is made. */
function codedPicture(file: Uint8Array): { readonly data: Uint8Array; readonly pieces: number } | undefined {
  const meta = findBox(new Box(file), 'meta');
  if (!meta) return undefined;
  meta.skip(4);
  const primary = primaryItem(meta);
  const pieces = readPieces(findBox(meta.copy(), 'iref'), primary);
  const place = readPlace(findBox(meta.copy(), 'iloc'), pieces[0] ?? primary);
  if (!place) return undefined;
  const inside = place.inItemData ? findBox(meta.copy(), 'idat')?.rest() : file;
  const data = inside?.subarray(place.offset, place.offset + place.length);
  return data && { data, pieces: Math.max(1, pieces.length) };
}

/** The items of which a picture is put together (`dimg`): none where it is one by itself. */
function readPieces(box: Box | undefined, primary: number): number[] {
  if (!box) return [];
  const idSize = box.version() === 0 ? 2 : 4;
  for (let references = findBox(box, 'dimg'); references; references = findBox(box, 'dimg')) {
    const from = references.number(idSize);
    const count = Math.min(references.number(2), Math.floor(references.left / idSize));
    if (from === primary) return Array.from({ length: count }, () => references.number(idSize));
  }
  return [];
}

interface Place {
  /** Whether it lies in the `idat` box, not in the file at large. */
  readonly inItemData: boolean;
  readonly offset: number;
  readonly length: number;
}

/** Where an item's first extent lies (ISO/IEC 14496-12, 8.11.3). */
function readPlace(box: Box | undefined, wanted: number): Place | undefined {
  if (!box) return undefined;
  const version = box.version();
  const sizes = box.number(2);
  const [offsetSize, lengthSize, baseSize] = [sizes >> 12, (sizes >> 8) & 15, (sizes >> 4) & 15] as const;
  const indexSize = version === 0 ? 0 : sizes & 15;
  const idSize = version < 2 ? 2 : 4;
  const items = box.number(idSize);
  for (let item = 0; item < items && box.left > 0; item++) {
    const id = box.number(idSize);
    const method = version === 0 ? 0 : box.number(2) & 15;
    box.skip(2);
    const base = box.number(baseSize);
    const extents = box.number(2);
    for (let extent = 0; extent < extents && box.left > 0; extent++) {
      box.skip(indexSize);
      const offset = base + box.number(offsetSize);
      const length = box.number(lengthSize);
      if (id === wanted) return { inItemData: method === 1, offset, length: length === 0 ? Infinity : length };
    }
  }
  return undefined;
}
