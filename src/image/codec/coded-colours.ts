import { UpresError } from '../../errors.js';
import { coloursOfAvifData } from '../auto/avif-storage.js';
import { Box, findBox } from './boxes.js';
import type { OutputFormat } from './formats.js';
import type { CurveTable } from './grey-curve.js';
import { greyProfile, matrixProfile, type Primaries, type TransferCurve } from './matrix-profile.js';
import { pngChunks } from './png-chunks.js';

/** What a file says of its colours in other words than a profile's. */
export interface CodedColours {
  /** Undefined where they are sRGB's, or none of those that are known. */
  readonly primaries: Primaries | undefined;
  /** Undefined where it is sRGB's, or none of those that are known. */
  readonly curve: TransferCurve | undefined;
  /** In its place, where only a table says it. */
  readonly table?: CurveTable;
  /** Whether it counts for more than an embedded profile. */
  readonly overProfile: boolean;
}

const d65 = [0.3127, 0.329] as const;
const illuminantC = [0.31, 0.316] as const;

export const srgbPrimaries: Primaries = [[0.64, 0.33], [0.3, 0.6], [0.15, 0.06], d65];

/** Rec. ITU-T H.273, tables 2 and 3. */
const srgbCodes = { primaries: 1, transfer: 13 } as const;

/** Rec. ITU-T H.273, table 2, by code, without those of sRGB. */
const primariesOf = new Map<number, Primaries>([
  [4, [[0.67, 0.33], [0.21, 0.71], [0.14, 0.08], illuminantC]],
  [5, [[0.64, 0.33], [0.29, 0.6], [0.15, 0.06], d65]],
  [6, [[0.63, 0.34], [0.31, 0.595], [0.155, 0.07], d65]],
  [7, [[0.63, 0.34], [0.31, 0.595], [0.155, 0.07], d65]],
  [8, [[0.681, 0.319], [0.243, 0.692], [0.145, 0.049], illuminantC]],
  [9, [[0.708, 0.292], [0.17, 0.797], [0.131, 0.046], d65]],
  [
    11,
    [
      [0.68, 0.32],
      [0.265, 0.69],
      [0.15, 0.06],
      [0.314, 0.351],
    ],
  ],
  [12, [[0.68, 0.32], [0.265, 0.69], [0.15, 0.06], d65]],
  [22, [[0.63, 0.34], [0.295, 0.605], [0.155, 0.077], d65]],
]);

export const srgbCurve: TransferCurve = { g: 2.4, a: 1 / 1.055, b: 0.055 / 1.055, c: 1 / 12.92, d: 0.04045 };

/** What television is shown with (BT.1886): the cameras' curves of BT.709 and its kin are meant for it. */
const television: TransferCurve = { g: 2.4 };

/** Rec. ITU-T H.273, table 3, by code, without sRGB's. */
const curveOf = new Map<number, TransferCurve>([
  [1, television],
  [4, { g: 2.2 }],
  [5, { g: 2.8 }],
  [6, television],
  [7, { g: 1 / 0.45, a: 1 / 1.1115, b: 0.1115 / 1.1115, c: 1 / 4, d: 0.0913 }],
  [8, { g: 1 }],
  [11, television],
  [14, television],
  [15, television],
  [17, { g: 2.6, a: (52.37 / 48) ** (1 / 2.6) }],
]);

/** Of an exponent; steeper ones don't fit into a profile, and show black. */
const steepest = 1000;

/** Light beyond white: what it looks like on a screen without is a matter of taste, and of the screen. */
const highDynamicRange = new Map([
  [16, 'PQ'],
  [18, 'HLG'],
]);

/**
 * Reads what a PNG (cICP, gAMA, cHRM) or an AVIF (nclx) says of its colours, as browsers take it.
 * @param bytes the file, or its beginning with all that stands before the pixels
 * @returns undefined where it says nothing, or sRGB
 * @throws UNSUPPORTED_FORMAT for PQ and HLG
 */
export function codedColours(
  bytes: Uint8Array,
  format: OutputFormat,
  file: string | undefined,
): CodedColours | undefined {
  const codes = format === 'avif' ? codesOfAvif(bytes) : format === 'png' ? codesOfPng(bytes) : undefined;
  if (codes === undefined) return undefined;
  if ('primaries' in codes) return codes;
  const hdr = highDynamicRange.get(codes.transfer);
  if (hdr !== undefined) {
    const message = `its colours are of high dynamic range (${hdr}), and upres works with ordinary ones: export it as sRGB or Display P3`;
    throw new UpresError('UNSUPPORTED_FORMAT', message, { file });
  }
  // Encoders of AVIF write television's codes for what is sRGB, and browsers take them for that.
  const curve =
    format === 'avif' && curveOf.get(codes.transfer) === television ? undefined : curveOf.get(codes.transfer);
  const primaries = primariesOf.get(codes.primariesCode);
  if (primaries === undefined && curve === undefined && !codes.overProfile) return undefined;
  return { primaries, curve, overProfile: codes.overProfile };
}

/** The profile that says the same; undefined where that is sRGB. */
export function profileOf({ primaries, curve }: CodedColours, grey: boolean): Uint8Array | undefined {
  if (grey) return curve && greyProfile(curve);
  if (primaries === undefined && curve === undefined) return undefined;
  return matrixProfile(primaries ?? srgbPrimaries, curve ?? srgbCurve);
}

interface Codes {
  readonly primariesCode: number;
  readonly transfer: number;
  readonly overProfile: boolean;
}

/** PNG specification, third edition, 4.3: cICP, then iCCP, then sRGB, then gAMA with cHRM. */
function codesOfPng(bytes: Uint8Array): Codes | CodedColours | undefined {
  const chunks = new Map<string, Uint8Array>();
  for (const { name, content } of pngChunks(bytes)) {
    if (name === 'IDAT') break;
    // Of two, the first counts, and coding points stand before the palette or nowhere.
    if (!chunks.has(name) && !(name === 'cICP' && chunks.has('PLTE'))) chunks.set(name, content);
  }
  const cicp = chunks.get('cICP');
  const codes = cicp && codesOfChunk(cicp);
  if (codes) return codes;
  const gama = chunks.get('gAMA');
  if (isIntent(chunks.get('sRGB')) || gama?.length !== 4) return undefined;
  const gamma = uint32(gama, 0) / 100_000;
  if (gamma === 0) return undefined;
  const primaries = primariesOfChunk(chunks.get('cHRM'));
  // Within a twentieth of 1/2.2, and with nothing said of primaries, it is how people wrote "sRGB" before there was a chunk for it.
  if (primaries === undefined && Math.abs(gamma * 2.2 - 1) <= 0.05) return undefined;
  return { primaries, curve: { g: Math.min(1 / gamma, steepest) }, overProfile: false };
}

/** What an sRGB chunk that counts holds. */
const isIntent = (srgb: Uint8Array | undefined): boolean => srgb?.length === 1 && srgb[0]! < 4;

/** As browsers do, a chunk is ignored that says anything that is not known, or of samples that are not full-range RGB. */
function codesOfChunk(cicp: Uint8Array): Codes | undefined {
  const [primariesCode = 0, transfer = 0, matrix, fullRange] = cicp;
  const known =
    (primariesCode === srgbCodes.primaries || primariesOf.has(primariesCode)) &&
    (transfer === srgbCodes.transfer || curveOf.has(transfer) || highDynamicRange.has(transfer));
  return known && matrix === 0 && fullRange === 1 ? { primariesCode, transfer, overProfile: true } : undefined;
}

const uint32 = (bytes: Uint8Array, at: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(at);

/** White, red, green, blue, in hundred-thousandths (11.3.2.1). */
function primariesOfChunk(chrm: Uint8Array | undefined): Primaries | undefined {
  if (chrm?.length !== 32) return undefined;
  const point = (index: number): [number, number] => [
    uint32(chrm, index * 8) / 100_000,
    uint32(chrm, index * 8 + 4) / 100_000,
  ];
  const primaries: Primaries = [point(1), point(2), point(3), point(0)];
  return primaries.every(([, y]) => y > 0) ? primaries : undefined;
}

/** What an AVIF's `colr` property of kind `nclx` says (ISO/IEC 23008-12, 6.5.5). */
export function nclxOfAvif(
  bytes: Uint8Array,
): { readonly primaries: number; readonly transfer: number; readonly limited: boolean } | undefined {
  const meta = findBox(new Box(bytes), 'meta');
  meta?.skip(4);
  const properties = meta && findBox(meta, 'iprp');
  const container = properties && findBox(properties, 'ipco');
  for (let colour = container && findBox(container, 'colr'); colour; colour = findBox(container!, 'colr')) {
    if (String.fromCharCode(...[0, 1, 2, 3].map(() => colour.number(1))) !== 'nclx') continue;
    const [primaries, transfer] = [colour.number(2), colour.number(2)];
    // Behind the matrix, which the decoder reads.
    colour.skip(2);
    return { primaries, transfer, limited: colour.number(1) < 128 };
  }
  return undefined;
}

/** That property, or what stands in the picture's own data; an embedded profile counts for more. */
function codesOfAvif(bytes: Uint8Array): Codes | undefined {
  const own = nclxOfAvif(bytes) ?? coloursOfAvifData(bytes)?.codes;
  return own && { primariesCode: own.primaries, transfer: own.transfer, overProfile: false };
}
