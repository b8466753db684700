import type { Metadata } from 'sharp';
import { UpresError } from '../../errors.js';
import { codecError } from './codec-error.js';
import type { OutputFormat } from './formats.js';
import { check } from '../../schema.js';
import { checkInputSize, limitOptions, named, type PixelLimits } from '../limits.js';
import { loadSharp } from './sharp.js';
import { sniff } from './sniff.js';
import { fileOf, readHead, type ImageInput } from '../source.js';

/** What the header of an image says. */
export interface ImageInfo {
  /** By its bytes, whatever the file is called. */
  readonly format: OutputFormat;
  /** Pixels, after the EXIF orientation. */
  readonly width: number;
  /** Pixels of one frame, after the EXIF orientation. */
  readonly height: number;
  /** More than 1 for an animation. The pages of a TIFF are not frames: the first one is the picture. */
  readonly frames: number;
  /** Whether there is an alpha channel or a transparent colour, used or not. */
  readonly alpha: boolean;
  /** One channel of colour. */
  readonly grey: boolean;
  /** Bits for each channel that are worked with: 16 where the file has more than 8. */
  readonly depth: 8 | 16;
}

/** What decoding and encoding need to know beyond that. */
export interface Header extends ImageInfo {
  /** Milliseconds for each frame. */
  readonly delay: readonly number[] | undefined;
  /** Number of rounds; 0 = without end. */
  readonly loop: number | undefined;
  /** The embedded colour profile, when it is one and fits the picture's channels. */
  readonly profile: Uint8Array | undefined;
  /** Whether its colours are halved in resolution (JPEG 4:2:0 and the like). */
  readonly subsampled: boolean;
}

/** Throws INPUT_TOO_LARGE for more pixels or frames than are allowed, before anything is decoded. */
export function checkHeader(header: ImageInfo, frames: number, limits: PixelLimits, file: string | undefined): void {
  checkInputSize({ width: header.width, height: header.height, frames }, limits, file);
}

/**
 * Reads the header of an image, of its pixels nothing.
 *
 * @throws BAD_ARGUMENT, INPUT_NOT_FOUND, INPUT_UNREADABLE, INPUT_EMPTY, INPUT_CORRUPT, INPUT_TOO_LARGE, UNSUPPORTED_FORMAT
 */
export async function probe(input: ImageInput, limits: PixelLimits = {}): Promise<ImageInfo> {
  check(limitOptions, limits);
  const { format, width, height, frames, alpha, grey, depth } = await readHeader(input);
  const info: ImageInfo = { format, width, height, frames, alpha, grey, depth };
  checkHeader(info, frames, limits, fileOf(input));
  return info;
}

/** The header without any limit applied. Throws as `probe`, INPUT_TOO_LARGE excepted. */
export async function readHeader(input: ImageInput, name = fileOf(input)): Promise<Header> {
  const format = checkFormat(await readHead(input), name);
  const sharp = await loadSharp();
  let metadata: Metadata;
  try {
    const animated = format === 'gif' || format === 'webp';
    // The limit is checked later, with words of our own.
    metadata = await sharp(input, { animated, limitInputPixels: false }).metadata();
  } catch (error) {
    throw codecError(error, format, name);
  }
  checkSamples(metadata, name);
  return headerOf(format, metadata);
}

function checkFormat(head: Uint8Array, file: string | undefined): OutputFormat {
  const sniffed = sniff(head);
  if (sniffed.format !== undefined) return sniffed.format;
  const message =
    sniffed.what === 'an SVG'
      ? 'an SVG has no pixels: use it as it is, or rasterise it at the size you need'
      : `${sniffed.what === undefined ? 'this is not an image that upres knows' : `this is ${sniffed.what}`}: convert it to PNG, JPEG, WebP, AVIF, GIF or TIFF`;
  throw new UpresError('UNSUPPORTED_FORMAT', message, named(file));
}

/** TIFF files can hold numbers that are no pixels (heights, radiances), which have no range to map to black and white. */
function checkSamples({ depth, space }: Metadata, file: string | undefined): void {
  if (depth === 'uchar' || depth === 'ushort' || space === 'lab' || space === 'labs') return;
  const message = `its samples are of the type ${depth}, where upres reads unsigned integers of 8 or 16 bits: convert it first`;
  throw new UpresError('UNSUPPORTED_FORMAT', message, named(file));
}

function headerOf(format: OutputFormat, metadata: Metadata): Header {
  const { delay, loop, pageHeight, orientation = 1, icc, chromaSubsampling } = metadata;
  const frames = delay && pageHeight !== undefined ? (metadata.pages ?? 1) : 1;
  const size = { width: metadata.width, height: frames > 1 && pageHeight ? pageHeight : metadata.height };
  // Orientations 5 to 8 turn the picture by a quarter. Animations are never turned.
  const upright = orientation >= 5 && frames === 1 ? { width: size.height, height: size.width } : size;
  const grey = metadata.space === 'b-w' || metadata.space === 'grey16';
  return {
    format,
    ...upright,
    frames,
    alpha: metadata.hasAlpha,
    grey,
    // 16-bit CMYK and Lab are converted to sRGB with 8 bits.
    depth: metadata.space === 'rgb16' || metadata.space === 'grey16' ? 16 : 8,
    delay,
    loop,
    profile: icc && fitsChannels(icc, metadata.space) ? icc : undefined,
    subsampled: chromaSubsampling?.startsWith('4:2') ?? false,
  };
}

/** Checks the signature and the colour space in an ICC profile's header (ICC.1:2022, 7.2). */
function fitsChannels(icc: Uint8Array, space: string): boolean {
  const text = (at: number): string => String.fromCharCode(...icc.subarray(at, at + 4));
  if (icc.length < 132 || text(36) !== 'acsp') return false;
  if (space === 'cmyk') return text(16) === 'CMYK';
  return text(16) === (space === 'b-w' || space === 'grey16' ? 'GRAY' : 'RGB ');
}
