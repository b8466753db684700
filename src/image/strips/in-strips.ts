import type { OutputFormat } from '../codec/formats.js';
import { decoderBytes } from '../codec/codec-memory.js';
import { reductionReach } from '../dering/reduction.js';
import type { NetworkChain } from '../network-chain.js';
import type { PictureCost, Plan } from '../plan.js';

/** Results of more pixels than these are made strip by strip: of three channels, 64 million are 192 MB. */
export const mostWholePixels = 64_000_000;

/** Formats whose encoders take rows as they come. The others keep the whole picture anyway. */
const rowByRow: readonly OutputFormat[] = ['jpeg', 'png', 'tiff'];

/** Source pixels of a strip, about. */
const stripPixels = 3_200_000;
/** Strips begin and end at multiples of this many rows, and have at least as many. */
const rowStep = 64;

/** How many strips are computed at once: while the last tiles of one are, no thread waits for the next. */
export const stripsAtOnce = 2;

/** Rows of the result that an encoder holds while it reads rows and writes them. */
export const encoderRows = 64;

/** Rows of a picture, from the first to before `end`. */
export interface Rows {
  readonly first: number;
  readonly end: number;
}

/** All rows, so many at a time. */
export function inStrips(height: number, rows: number): Rows[] {
  const strips: Rows[] = [];
  for (let first = 0; first < height; first += rows) strips.push({ first, end: Math.min(height, first + rows) });
  return strips;
}

/** How many rows of a picture are a strip. */
export function stripRows(width: number): number {
  return Math.max(rowStep, Math.floor(stripPixels / width / rowStep) * rowStep);
}

/**
 * Whether a picture is so large that its result is never in memory as a whole: it is enlarged, settled and encoded in strips. That is
 * for stills without alpha of 8 bits whose size the network makes by itself; all others have more that concerns them as a whole.
 * @param scale of the network that enlarges it
 */
export function goesInStrips({ header, target, format, frames, profile }: Plan, scale: number): boolean {
  if (target.width * target.height <= mostWholePixels || !rowByRow.includes(format)) return false;
  if (frames > 1 || header.alpha || header.depth !== 8 || profile) return false;
  // A palette may come back, for which all pixels are looked at together.
  if (format === 'png' && header.palette) return false;
  return scale > 1 && target.width === header.width * scale && target.height === header.height * scale;
}

/** How a picture is cut. */
export interface Cut {
  /** Source rows of a strip. */
  readonly rows: number;
  /** Source rows of context above and below, with which it equals its part of the whole. */
  readonly around: number;
}

/** How a chain's picture is cut; undefined where it is not. */
export function cutFor(plan: Plan, chain: NetworkChain): Cut | undefined {
  const around = goesInStrips(plan, chain.scale) ? rowsAround(chain) : undefined;
  return around === undefined ? undefined : { rows: stripRows(plan.header.width), around };
}

/** Rows of context with which a strip equals its part of the whole; undefined for a network of which that is not known. */
function rowsAround({ exactReach, multipleOf }: NetworkChain): number | undefined {
  if (exactReach === undefined || rowStep % multipleOf !== 0) return undefined;
  return Math.ceil(Math.max(exactReach, reductionReach) / multipleOf) * multipleOf;
}

/** `pictureCost` for a picture that goes in strips. */
export function stripCost({ header }: Plan, scale: number): PictureCost {
  const channels = header.grey ? 1 : 3;
  return {
    pixelBytes: stripBytes(header, channels, scale),
    codecBytes: Math.max(
      decoderBytes(header.format, header.width * header.height),
      encoderRows * header.width * scale * channels,
    ),
  };
}

/** Bytes of the source, as it was decoded and where all threads see it, of what is known of its pixels, and of the strips: what goes into them and what comes out. */
export function stripBytes(
  { width, height }: { readonly width: number; readonly height: number },
  channels: 1 | 3,
  scale: number,
): number {
  // The context is less than half a strip.
  const strip = Math.min(height, 1.5 * stripRows(width)) * width * channels;
  return width * height * (2 * channels + 1) + stripsAtOnce * strip * (1 + scale ** 2);
}
