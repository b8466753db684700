import type { Metadata } from 'sharp';
import { UpresError } from '../../errors.js';
import { hasAnimation, readApng } from './apng.js';
import { asStill, framesOfAvif } from './avif-sequence.js';
import { codecError } from './codec-error.js';
import { codedColours, profileOf, type CodedColours } from './coded-colours.js';
import type { OutputFormat } from './formats.js';
import { checkInputSize, named, type PixelLimits } from '../limits.js';
import { loadSharp } from './sharp.js';
import { sniff } from './sniff.js';
import { soundProfile } from './sound-profile.js';
import { fileOf, readHead, readInput, type ImageInput } from '../source.js';

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
  /** Frames of which only the first can be read. */
  readonly lostFrames: number;
  /** Milliseconds for each frame. */
  readonly delay: readonly number[] | undefined;
  /** Number of rounds; 0 = without end. */
  readonly loop: number | undefined;
  /** The colour profile: the embedded one, when it is one and fits the picture's channels, or one that says what the file says else. */
  readonly profile: Uint8Array | undefined;
  /** Whether the decoder knows nothing of the profile: it says what the file says in other words. */
  readonly codedProfile: boolean;
  /** Whether its colours are inks whose look nothing tells: CMYK without a profile. */
  readonly bareInks: boolean;
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
 * @throws INPUT_NOT_FOUND, INPUT_UNREADABLE, INPUT_EMPTY, INPUT_CORRUPT, INPUT_TOO_LARGE, UNSUPPORTED_FORMAT
 */
export async function probe(input: ImageInput, limits: PixelLimits = {}): Promise<ImageInfo> {
  const { format, width, height, frames, alpha, grey, depth } = await readHeader(input);
  const info: ImageInfo = { format, width, height, frames, alpha, grey, depth };
  checkHeader(info, frames, limits, fileOf(input));
  return info;
}

/** The header without any limit applied. Throws as `probe`, INPUT_TOO_LARGE excepted. */
export async function readHeader(input: ImageInput, name = fileOf(input)): Promise<Header> {
  const head = await readHead(input);
  const format = checkFormat(head, name);
  // What moves tells of its frames all over the file.
  const moves = (format === 'png' && hasAnimation(head)) || (format === 'avif' && asStill(head) !== head);
  const source = moves ? await readInput(input) : input;
  const sharp = await loadSharp();
  let metadata: Metadata;
  try {
    const animated = format === 'gif' || format === 'webp';
    // The limit is checked later, with words of our own.
    // What it only warns of, the decoder will say.
    const still = moves && format === 'avif' ? asStill(source as Uint8Array) : source;
    metadata = await sharp(still, { animated, limitInputPixels: false, failOn: 'error' }).metadata();
  } catch (error) {
    throw codecError(error, format, typeof source === 'string' ? head : source, name);
  }
  checkSamples(metadata, name);
  const bytes = typeof source === 'string' ? head : source;
  const header = headerOf(format, metadata, codedColours(bytes, format, name));
  if (!moves) return header;
  return format === 'png' ? withAnimation(header, bytes) : { ...header, lostFrames: framesOfAvif(bytes) - 1 };
}

function withAnimation(header: Header, png: Uint8Array): Header {
  const animation = readApng(png);
  if (!animation) return header;
  const { frames, loop } = animation;
  return { ...header, frames: frames.length, delay: frames.map(({ delayMs }) => delayMs), loop };
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

/** Whether the EXIF orientation counts: browsers turn no animation, and no WebP. */
export const isOriented = (format: OutputFormat, frames: number): boolean => frames === 1 && format !== 'webp';

/** GIF counts repetitions, and its decoder rounds: the most of the former is one more than any encoder takes. */
const mostRounds = 65_535;

function headerOf(format: OutputFormat, metadata: Metadata, coded: CodedColours | undefined): Header {
  const { delay, loop, pageHeight, orientation = 1, icc, chromaSubsampling } = metadata;
  const frames = delay && pageHeight !== undefined ? (metadata.pages ?? 1) : 1;
  const size = { width: metadata.width, height: frames > 1 && pageHeight ? pageHeight : metadata.height };
  // Orientations 5 to 8 turn the picture by a quarter.
  const upright = orientation >= 5 && isOriented(format, frames) ? { width: size.height, height: size.width } : size;
  const embedded = icc && soundProfile(icc, metadata.space);
  const grey = metadata.space === 'b-w' || metadata.space === 'grey16';
  return {
    format,
    ...upright,
    frames,
    lostFrames: 0,
    alpha: metadata.hasAlpha,
    grey,
    // 16-bit CMYK and Lab are converted to sRGB with 8 bits.
    depth: metadata.space === 'rgb16' || metadata.space === 'grey16' ? 16 : 8,
    delay,
    loop: loop === undefined ? undefined : Math.min(loop, mostRounds),
    ...profileFor(embedded, coded, grey),
    bareInks: metadata.space === 'cmyk' && embedded === undefined,
    subsampled: chromaSubsampling?.startsWith('4:2') ?? false,
  };
}

function profileFor(
  embedded: Uint8Array | undefined,
  coded: CodedColours | undefined,
  grey: boolean,
): Pick<Header, 'profile' | 'codedProfile'> {
  if (coded === undefined || (embedded && !coded.overProfile)) return { profile: embedded, codedProfile: false };
  return { profile: profileOf(coded, grey), codedProfile: true };
}
