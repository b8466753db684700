import { inBands } from '../../event-loop.js';
import type { Frame } from '../../pixels.js';

/**
 * The colour that all invisible pixels have; undefined where they have several, or all pixels can be seen. Whoever gave them several may
 * want them (a texture's colours go on under its edges); one is what an editor leaves behind.
 * @returns a value for each channel
 */
export async function hiddenColour(frames: readonly Frame[]): Promise<readonly number[] | undefined> {
  let found: readonly number[] | undefined;
  let several = false;
  for (const { colour, alpha } of frames) {
    if (!alpha) continue;
    const { width, height, channels, data } = colour;
    await inBands(height, width * 2, (first, end) => {
      for (let pixel = first * width; pixel < end * width && !several; pixel++) {
        if (alpha.data[pixel] !== 0) continue;
        const at = pixel * channels;
        found ??= [...data.subarray(at, at + channels)];
        for (let channel = 0; channel < channels; channel++) several ||= data[at + channel] !== found[channel];
      }
    });
  }
  return several ? undefined : found;
}
