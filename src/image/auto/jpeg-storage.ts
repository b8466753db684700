import type { LossyStorage } from './lossy-storage.js';

/**
 * The luminance table of ITU-T T.81, Annex K.1, which the encoder of the Independent JPEG Group scales by its quality; in
 * zigzag order, as it stands in a file.
 */
const standardTable: readonly number[] = [
  16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61,
  60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87, 95, 98, 103, 104, 103, 62, 77, 113, 121,
  112, 100, 120, 92, 101, 103, 99,
];

const startOfScan = 0xda;
const quantisationTables = 0xdb;

/** Of the 64 frequencies in zigzag order, this many count as low. */
const lowFrequencies = 16;

/**
 * Reads how a JPEG was stored. Its quality, 1 to 100 as the IJG's encoder counts it, is the one whose luminance table is nearest
 * to the file's: encoders with tables of their own are told by the nearest, too.
 *
 * @param file bytes of a JPEG
 * @returns undefined where no luminance table is found before the pixels begin
 */
export function jpegStorage(file: Uint8Array): LossyStorage | undefined {
  const { table, pixels } = readHeader(file);
  if (!table) return undefined;
  const low = table.slice(0, lowFrequencies);
  return {
    told: `JPEG of quality ${nearestQuality(table)}`,
    // Steps of 0 are not allowed, but decoders put up with them.
    squaredStep: low.reduce((sum, step) => sum + Math.max(1, step) ** 2, 0) / lowFrequencies,
    pixelBytes: file.length - pixels,
  };
}

function nearestQuality(table: readonly number[]): number {
  let best = { quality: 0, distance: Infinity };
  for (let quality = 100; quality >= 1; quality--) {
    const distance = table.reduce((sum, step, at) => sum + Math.abs(step - scaled(standardTable[at]!, quality)), 0);
    if (distance < best.distance) best = { quality, distance };
  }
  return best.quality;
}

/** `jpeg_quality_scaling` and `jpeg_add_quant_table` of the IJG's jcparam.c, with baseline tables. */
function scaled(step: number, quality: number): number {
  const percent = quality < 50 ? Math.floor(5000 / quality) : 200 - 2 * quality;
  return Math.min(255, Math.max(1, Math.floor((step * percent + 50) / 100)));
}

/**
 * The first table with the number 0, which is the luminance's in every file that people have, and where the pixels begin (the
 * file's end, where they don't).
 */
function readHeader(file: Uint8Array): { table: number[] | undefined; pixels: number } {
  let table: number[] | undefined;
  // Behind the start of the image, segments follow each other: a marker, and the length of what is left of the segment.
  for (let at = 2; at + 4 <= file.length;) {
    if (file[at] !== 0xff) break;
    const marker = file[at + 1]!;
    // Any number of these may fill the space before a marker.
    if (marker === 0xff) {
      at++;
      continue;
    }
    if (marker === startOfScan) return { table, pixels: at };
    const end = at + 2 + word(file, at + 2);
    if (marker === quantisationTables) table ??= tableOf(file.subarray(at + 4, end));
    at = Math.max(end, at + 4);
  }
  return { table, pixels: file.length };
}

function tableOf(segment: Uint8Array): number[] | undefined {
  for (let at = 0; at < segment.length;) {
    const bytes = segment[at]! >> 4 === 0 ? 1 : 2;
    const start = at + 1;
    const end = start + 64 * bytes;
    if (end > segment.length) return undefined;
    if ((segment[at]! & 15) === 0) {
      return standardTable.map((_, index) =>
        bytes === 1 ? segment[start + index]! : word(segment, start + 2 * index),
      );
    }
    at = end;
  }
  return undefined;
}

const word = (bytes: Uint8Array, at: number): number => bytes[at]! * 256 + bytes[at + 1]!;
