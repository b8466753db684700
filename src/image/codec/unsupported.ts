import type { OutputFormat } from './formats.js';
import { pngChunks } from './png-chunks.js';

/**
 * What a file is that its decoder can't read although nothing is wrong with it.
 * @param bytes the file, or its beginning
 * @returns in words for people; undefined where none of the kinds that are known
 */
export function unsupportedKind(bytes: Uint8Array, format: OutputFormat): string | undefined {
  return kinds[format]?.(bytes);
}

/** Xcode's own kind of PNG begins with a chunk that no specification knows. */
function unsupportedPng(bytes: Uint8Array): string | undefined {
  const [first] = pngChunks(bytes);
  return first?.name === 'CgBI' ? 'a PNG for iPhones (CgBI), which is none to others' : undefined;
}

/** Frame headers (ITU-T T.81, table B.1) of processes that decoders for the web leave out. */
const jpegProcesses = new Map([
  [0xc3, 'a lossless JPEG'],
  [0xc5, 'a hierarchical JPEG'],
  [0xc6, 'a hierarchical JPEG'],
  [0xc7, 'a lossless hierarchical JPEG'],
  [0xc9, 'a JPEG with arithmetic coding'],
  [0xca, 'a JPEG with arithmetic coding'],
  [0xcb, 'a lossless JPEG with arithmetic coding'],
  [0xcd, 'a hierarchical JPEG'],
  [0xce, 'a hierarchical JPEG'],
  [0xcf, 'a lossless hierarchical JPEG'],
  [0xf7, 'a JPEG-LS'],
]);

function unsupportedJpeg(bytes: Uint8Array): string | undefined {
  for (let at = 2; at + 5 < bytes.length;) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1]!;
    const process = jpegProcesses.get(marker);
    if (process !== undefined) return process;
    // A frame header of an ordinary process: its samples have 8 bits, or 12.
    if (marker >= 0xc0 && marker <= 0xc2) {
      const bits = bytes[at + 4]!;
      return bits === 8 ? undefined : `a JPEG of ${bits} bits a sample`;
    }
    if (marker === 0xda) return undefined;
    // A marker may be filled up with more of its first byte, and some stand alone.
    if (marker === 0xff) at++;
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) at += 2;
    else at += 2 + bytes[at + 2]! * 256 + bytes[at + 3]!;
  }
  return undefined;
}

const tags = { bits: 258, compression: 259, photometric: 262, planes: 284, tileWidth: 322, format: 339 } as const;

/** TIFF 6.0 and its registry of private tags. */
const compressions = new Map([
  [6, 'old-style JPEG'],
  [9, 'JBIG'],
  [10, 'JBIG'],
  [32766, 'NeXT'],
  [32809, 'ThunderScan'],
  [32909, 'PixarLog'],
  [34661, 'JBIG'],
  [34676, 'SGILog'],
  [34677, 'SGILog'],
  [34712, 'JPEG 2000'],
  [34887, 'LERC'],
  [34925, 'LZMA'],
  [50000, 'Zstandard'],
  [50001, 'WebP'],
  [50002, 'JPEG XL'],
  [52546, 'JPEG XL'],
]);

const interpretations = new Map([
  [4, 'a transparency mask'],
  [8, 'CIELab'],
  [9, 'ICCLab'],
  [10, 'ITULab'],
  [32803, 'raw sensor values'],
  [32844, 'LogL'],
  [32845, 'LogLuv'],
  [34892, 'raw sensor values'],
]);

/** By the tags of the first picture. */
function unsupportedTiff(bytes: Uint8Array): string | undefined {
  const values = readTags(bytes);
  const compression = compressions.get(values.get(tags.compression) ?? 1);
  if (compression !== undefined) return `a TIFF with ${compression} compression`;
  const interpretation = interpretations.get(values.get(tags.photometric) ?? 1);
  if (interpretation !== undefined) return `a TIFF of ${interpretation}`;
  if (values.get(tags.planes) === 2 && values.has(tags.tileWidth)) return 'a TIFF with tiles of each colour by itself';
  const bits = values.get(tags.bits) ?? 1;
  if (![1, 2, 4, 8, 16].includes(bits)) return `a TIFF of ${bits} bits a sample`;
  return [1, 2, undefined].includes(values.get(tags.format)) ? undefined : 'a TIFF of floating-point samples';
}

/** The first value of each of the tags above (TIFF 6.0, section 2), in classic files. */
function readTags(bytes: Uint8Array): ReadonlyMap<number, number> {
  const values = new Map<number, number>();
  const little = bytes[0] === 0x49;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const short = (at: number): number => (at + 2 <= bytes.length ? view.getUint16(at, little) : 0);
  const long = (at: number): number => (at + 4 <= bytes.length ? view.getUint32(at, little) : 0);
  if (short(2) !== 42) return values;
  const directory = long(4);
  for (let entry = 0; entry < short(directory); entry++) {
    const at = directory + 2 + entry * 12;
    const [tag, type, count] = [short(at), short(at + 2), long(at + 4)];
    if (!Object.values(tags).some((known) => known === tag)) continue;
    const isLong = type === 4;
    const inside = count * (isLong ? 4 : 2) <= 4;
    const from = inside ? at + 8 : long(at + 8);
    values.set(tag, isLong ? long(from) : short(from));
  }
  return values;
}

const kinds: Partial<Record<OutputFormat, (bytes: Uint8Array) => string | undefined>> = {
  png: unsupportedPng,
  jpeg: unsupportedJpeg,
  tiff: unsupportedTiff,
};
