import { UpresError } from '../../errors.js';

export const outputFormats = ['png', 'jpeg', 'webp', 'avif', 'gif', 'tiff'] as const;
/** Formats that are read and written, by their names everywhere in upres. */
export type OutputFormat = (typeof outputFormats)[number];

/** What a format can hold, as far as it decides what is done with a picture. */
export interface FormatTraits {
  /** As people write it. */
  readonly display: string;
  /** Longest side in pixels that its encoder here takes (measured, where it is less than the format itself allows). */
  readonly maxSide: number;
  /** Whether pixels can be transparent; pictures with alpha are laid on white otherwise. */
  readonly alpha: boolean;
  /** Whether animations are written; the first frame is used otherwise. */
  readonly animation: boolean;
  /** Whether 16 bits per channel are written; rounded to 8 otherwise. */
  readonly depth16: boolean;
  /** Whether a single grey channel is written as such. */
  readonly grey: boolean;
  /** Whether a colour profile can be attached. */
  readonly profile: boolean;
  /** Default of `quality`, 1..100; undefined where there is no such thing. */
  readonly quality: number | undefined;
  /** Whether every pixel is kept as it is: always, never (a GIF holds 256 colours), or as one chooses. */
  readonly lossless: 'always' | 'never' | 'choice';
}

/**
 * The default qualities are chosen so that, by eye, what the network added survives: JPEG 85, WebP 82 and AVIF 60 look alike.
 */
export const formatTraits: Readonly<Record<OutputFormat, FormatTraits>> = {
  png: {
    display: 'PNG',
    maxSide: 10_000_000,
    alpha: true,
    animation: true,
    depth16: true,
    grey: true,
    profile: true,
    quality: undefined,
    lossless: 'always',
  },
  jpeg: {
    display: 'JPEG',
    maxSide: 65_500,
    alpha: false,
    animation: false,
    depth16: false,
    grey: true,
    profile: true,
    quality: 85,
    lossless: 'never',
  },
  webp: {
    display: 'WebP',
    maxSide: 16_383,
    alpha: true,
    animation: true,
    depth16: false,
    grey: false,
    profile: true,
    quality: 82,
    lossless: 'choice',
  },
  avif: {
    display: 'AVIF',
    maxSide: 16_384,
    alpha: true,
    animation: false,
    depth16: false,
    grey: false,
    profile: true,
    quality: 60,
    lossless: 'choice',
  },
  gif: {
    display: 'GIF',
    maxSide: 65_535,
    alpha: true,
    animation: true,
    depth16: false,
    grey: false,
    profile: false,
    quality: undefined,
    lossless: 'never',
  },
  tiff: {
    display: 'TIFF',
    maxSide: 10_000_000,
    alpha: true,
    animation: false,
    depth16: true,
    grey: true,
    profile: true,
    quality: undefined,
    lossless: 'always',
  },
};

/** How a file of a format may be asked for. */
export interface QualityOptions {
  /** 1..100 */
  readonly quality?: number | undefined;
  readonly lossless?: boolean | undefined;
}

/** Throws BAD_ARGUMENT for a quality where the format has none, and for a lossless file where it can't be, or has a quality. */
export function checkEncoding({ quality, lossless }: QualityOptions, format: OutputFormat): void {
  const traits = formatTraits[format];
  if (quality !== undefined && traits.quality === undefined) {
    const message = `a ${traits.display} is written without loss and has no quality: leave it out, or choose JPEG, WebP or AVIF`;
    throw new UpresError('BAD_ARGUMENT', message);
  }
  if (lossless !== true) return;
  if (quality !== undefined) throw new UpresError('BAD_ARGUMENT', bothMessage);
  if (traits.lossless === 'never') {
    const message = `lossless: a ${traits.display} can’t keep every pixel as it is: choose WebP, AVIF, PNG or TIFF, or leave it out`;
    throw new UpresError('BAD_ARGUMENT', message);
  }
}

export const bothMessage = 'what is lossless has no quality: give either lossless or quality';

/** Whether the EXIF orientation counts: browsers turn no WebP. */
export const isOriented = (format: OutputFormat): boolean => format !== 'webp';
