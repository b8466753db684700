import type { Metadata } from 'sharp';
import { UpresError } from '../../errors.js';
import { coloursOfAvifData, isLosslessAvif } from '../auto/avif-storage.js';
import { isLosslessWebp } from '../auto/webp-storage.js';
import { hasAnimation, readApng } from './apng.js';
import { greyCurve } from './grey-curve.js';
import { asStill, framesOfAvif, isSequence } from './avif-sequence.js';
import { codecError } from './codec-error.js';
import { codedColours, profileOf, type CodedColours } from './coded-colours.js';
import { isOriented, type OutputFormat } from './formats.js';
import type { Header } from './header.js';
import { loadSharp } from './sharp.js';
import { sniff } from './sniff.js';
import { soundProfile } from './sound-profile.js';
import { fileOf, readHead, readInput, type ImageInput } from '../source.js';

/** The header without any limit applied. Throws as `probe`, INPUT_TOO_LARGE excepted. */
export async function readHeader(input: ImageInput, name = fileOf(input)): Promise<Header> {
  const head = await readHead(input);
  const format = checkFormat(head, name);
  // What moves tells of its frames all over the file. A profile may be longer than the head, and stand before that.
  const start = typeof input === 'string' ? head : input;
  const moves = (format === 'png' && hasAnimation(start)) || (format === 'avif' && isSequence(head));
  const source = moves ? await readInput(input) : input;
  const sharp = await loadSharp();
  let metadata: Metadata;
  try {
    const animated = format === 'gif' || format === 'webp';
    // The limit is checked later, with words of our own.
    // What it only warns of, the decoder will say.
    const still = format === 'avif' && asStill(head) !== head ? asStill(await readInput(source)) : source;
    metadata = await sharp(still, { animated, limitInputPixels: false, failOn: 'error' }).metadata();
  } catch (error) {
    throw codecError(error, format, typeof source === 'string' ? head : source, name);
  }
  checkSamples(metadata, name);
  const bytes = typeof source === 'string' ? head : source;
  const header = headerOf(format, metadata, {
    coded: codedColours(bytes, format, name),
    lossless: (format === 'webp' && isLosslessWebp(bytes)) || (format === 'avif' && isLosslessAvif(bytes)),
    subsampled: format === 'avif' && (coloursOfAvifData(bytes)?.subsampled ?? false),
  });
  if (!moves) return header;
  return format === 'png' ? withAnimation(header, bytes) : { ...header, lostFrames: framesOfAvif(bytes) - 1 };
}

function withAnimation(header: Header, png: Uint8Array): Header {
  const { frames, loop } = readApng(png) ?? { frames: [], loop: 0 };
  if (frames.length < 2) return header;
  return { ...header, frames: frames.length, delay: frames.map(({ delayMs }) => delayMs), loop };
}

function checkFormat(head: Uint8Array, file: string | undefined): OutputFormat {
  const sniffed = sniff(head);
  if (sniffed.format !== undefined) return sniffed.format;
  const message =
    sniffed.what === 'an SVG'
      ? 'an SVG has no pixels: use it as it is, or rasterise it at the size you need'
      : `${sniffed.what === undefined ? 'this is not an image that upres knows' : `this is ${sniffed.what}`}: convert it to PNG, JPEG, WebP, AVIF, GIF or TIFF`;
  throw new UpresError('UNSUPPORTED_FORMAT', message, { file });
}

/** TIFF files can hold numbers that are no pixels (heights, radiances), which have no range to map to black and white. */
function checkSamples({ depth, space }: Metadata, file: string | undefined): void {
  if (depth === 'uchar' || depth === 'ushort' || space === 'lab' || space === 'labs') return;
  const message = `its samples are of the type ${depth}, where upres reads unsigned integers of 8 or 16 bits: convert it first`;
  throw new UpresError('UNSUPPORTED_FORMAT', message, { file });
}

/** GIF counts repetitions, and its decoder rounds: the most of the former is one more than any encoder takes. */
const mostRounds = 65_535;

function headerOf(
  format: OutputFormat,
  metadata: Metadata,
  { coded, ...own }: Pick<Header, 'lossless' | 'subsampled'> & { readonly coded: CodedColours | undefined },
): Header {
  const { delay, loop, pageHeight, orientation = 1, icc, chromaSubsampling } = metadata;
  const frames = delay && pageHeight !== undefined ? (metadata.pages ?? 1) : 1;
  const size = { width: metadata.width, height: frames > 1 && pageHeight ? pageHeight : metadata.height };
  // Orientations 5 to 8 turn the picture by a quarter.
  const upright = orientation >= 5 && isOriented(format) ? { width: size.height, height: size.width } : size;
  const embedded = icc && soundProfile(icc, metadata.space);
  const grey = metadata.space === 'b-w' || metadata.space === 'grey16';
  return {
    format,
    ...upright,
    frames,
    lostFrames: 0,
    orientation,
    alpha: metadata.hasAlpha,
    grey,
    // 16-bit CMYK and Lab are converted to sRGB with 8 bits.
    depth: metadata.space === 'rgb16' || metadata.space === 'grey16' ? 16 : 8,
    delay,
    loop: loop === undefined ? undefined : Math.min(loop, mostRounds),
    ...profileFor(embedded, coded, metadata.space),
    lossless: own.lossless,
    bareInks: metadata.space === 'cmyk' && embedded === undefined,
    palette: metadata.isPalette,
    // A WebP with losses always is.
    subsampled:
      own.subsampled || (format === 'webp' && !own.lossless) || (chromaSubsampling?.startsWith('4:2') ?? false),
  };
}

function profileFor(
  embedded: Uint8Array | undefined,
  coded: CodedColours | undefined,
  space: string,
): Pick<Header, 'profile' | 'codedColours'> {
  if (embedded && !coded?.overProfile) {
    // The decoder converts grey by a profile where it has 8 bits only.
    const told = space === 'grey16' ? greyCurve(embedded) : undefined;
    return { profile: embedded, codedColours: told && { primaries: undefined, ...told, overProfile: false } };
  }
  const grey = space === 'b-w' || space === 'grey16';
  return { profile: coded && profileOf(coded, grey), codedColours: coded };
}
