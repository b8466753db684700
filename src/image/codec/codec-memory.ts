import type { OutputFormat } from './formats.js';

/**
 * Bytes that decoders and encoders hold for each pixel on top of what goes in, at most: what comes out included, and pictures of
 * three channels of 8 bits, full of noise. `node out/bench/children/codec-memory.js` measures them.
 */
const bytesPerPixel: Readonly<Record<OutputFormat, { readonly decode: number; readonly encode: number }>> = {
  avif: { decode: 22, encode: 32 },
  gif: { decode: 8, encode: 24 },
  jpeg: { decode: 5, encode: 8 },
  png: { decode: 5, encode: 4 },
  tiff: { decode: 5, encode: 4 },
  webp: { decode: 15, encode: 21 },
};
const losslessWebp = 35;

/**
 * Pixels up to which a JPEG's codes are fitted to it, which makes it some hundredths smaller: for that, all of its coefficients are kept until the
 * last is known, where otherwise rows go out as they come.
 */
const mostFittedPixels = 64_000_000;
const plainJpeg = 2;

/** Whether a JPEG of so many pixels is given codes of its own. */
export const hasFittedCodes = (pixels: number): boolean => pixels <= mostFittedPixels;

/** Bytes that a decoder needs for a picture, beyond those of the file. */
export function decoderBytes(format: OutputFormat, pixels: number): number {
  return bytesPerPixel[format].decode * pixels;
}

/** Bytes that an encoder needs for a picture, beyond those of its pixels. */
export function encoderBytes(format: OutputFormat, lossless: boolean, pixels: number): number {
  if (format === 'jpeg' && !hasFittedCodes(pixels)) return plainJpeg * pixels;
  return (format === 'webp' && lossless ? losslessWebp : bytesPerPixel[format].encode) * pixels;
}
