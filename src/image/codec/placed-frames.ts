import { readApng } from './apng.js';
import type { PlacedFrame } from './compose-frames.js';
import type { OutputFormat } from './formats.js';
import { uncoveredFrames } from './gif-frames.js';

/**
 * Frames that the decoder knows nothing of, or shows otherwise than browsers do.
 * @param frames that are wanted
 * @returns undefined where the decoder is right
 */
export function placedFrames(
  bytes: Uint8Array,
  format: OutputFormat,
  frames: number,
): readonly PlacedFrame[] | undefined {
  if (format === 'gif') return uncoveredFrames(bytes, frames);
  return format === 'png' && frames > 1 ? readApng(bytes)?.frames : undefined;
}
