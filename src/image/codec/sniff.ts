import type { OutputFormat } from './formats.js';

/** What the first bytes of a file say it is. */
export type Sniffed =
  | { readonly format: OutputFormat }
  /** A name for the error, where it is something else that is known; undefined where it is not. */
  | { readonly format: undefined; readonly what: string | undefined };

/** As many bytes from the start as `sniff` looks at. */
export const sniffLength = 4096;

const ascii = (bytes: Uint8Array, from: number, to: number): string =>
  String.fromCharCode(...bytes.subarray(from, Math.min(to, bytes.length)));

/** Signatures of files that people try and that are not read: the name, where it stands, and what stands there. */
const others: readonly (readonly [what: string, offset: number, signature: string])[] = [
  ['a BMP', 0, 'BM'],
  ['an icon (ICO)', 0, '\0\0\x01\0'],
  ['a Photoshop document', 0, '8BPS'],
  ['a PDF', 0, '%PDF'],
  ['PostScript', 0, '%!PS'],
  ['a JPEG XL', 0, '\xff\x0a'],
  ['a JPEG XL', 4, 'JXL \r\n\x87\n'],
  ['a JPEG 2000', 4, 'jP  \r\n\x87\n'],
  ['a JPEG 2000', 0, '\xff\x4f\xff\x51'],
  ['a QOI', 0, 'qoif'],
  ['a Radiance HDR', 0, '#?RADIANCE'],
  ['an OpenEXR', 0, '\x76\x2f\x31\x01'],
  ['a DDS texture', 0, 'DDS '],
  ['a KTX texture', 0, '\xabKTX'],
  ['a GIMP document', 0, 'gimp xcf'],
  ['a gzip file (a compressed SVG?)', 0, '\x1f\x8b'],
  ['a ZIP archive', 0, 'PK\x03\x04'],
  ['a Matroska or WebM video', 0, '\x1a\x45\xdf\xa3'],
];

/**
 * Tells a format by its bytes, never by the file's name: half of the wrongly named files of this world open all the same.
 *
 * @param head the first `sniffLength` bytes, or all of a shorter file
 */
export function sniff(head: Uint8Array): Sniffed {
  const start = ascii(head, 0, 4);
  if (start === '\x89PNG') return { format: 'png' };
  if (start.startsWith('\xff\xd8\xff')) return { format: 'jpeg' };
  if (start === 'GIF8') return { format: 'gif' };
  if (start === 'RIFF' && ascii(head, 8, 12) === 'WEBP') return { format: 'webp' };
  // Classic and Big TIFF, little and big endian.
  if (['II*\0', 'MM\0*', 'II+\0', 'MM\0+'].includes(start)) return { format: 'tiff' };
  if (ascii(head, 4, 8) === 'ftyp') return sniffBoxes(head);
  if (looksLikeSvg(head)) return { format: undefined, what: 'an SVG' };
  const other = others.find(([, offset, signature]) => ascii(head, offset, offset + signature.length) === signature);
  return { format: undefined, what: other?.[0] };
}

/** ISO base media files say in their first box what they are: AVIF, HEIC or a film. */
function sniffBoxes(head: Uint8Array): Sniffed {
  const length = new DataView(head.buffer, head.byteOffset, head.byteLength).getUint32(0);
  const brands: string[] = [];
  // Major brand, then its version, then the compatible brands.
  for (let at = 8; at + 4 <= Math.min(length, head.length, 256); at += 4) {
    if (at !== 12) brands.push(ascii(head, at, at + 4));
  }
  if (brands.some((brand) => brand === 'avif' || brand === 'avis')) return { format: 'avif' };
  if (brands.some((brand) => /^(hei|hev|mif1|msf1)/.test(brand))) return { format: undefined, what: 'a HEIC' };
  return { format: undefined, what: 'a video' };
}

function looksLikeSvg(head: Uint8Array): boolean {
  const text = new TextDecoder('utf-8').decode(head).trimStart();
  return text.startsWith('<') && /<svg[\s>]/i.test(text);
}
