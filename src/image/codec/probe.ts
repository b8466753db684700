import type { ImageInfo } from './header.js';

import { check } from '../../schema.js';
import { checkInputSize, limitOptions, type PixelLimits } from '../limits.js';
import { fileOf, type ImageInput } from '../source.js';

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
  const { format, width, height, frames, alpha, grey, depth } = await (
    await import('./read-header.js')
  ).readHeader(input);
  const info: ImageInfo = { format, width, height, frames, alpha, grey, depth };
  checkHeader(info, frames, limits, fileOf(input));
  return info;
}
