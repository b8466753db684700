import { inBands } from '../../event-loop.js';
import type { Frame } from '../../pixels.js';

/** As many as a sample has values: a colour of three samples is one number that a double holds exactly. */
const base = 65_536;

/**
 * The colour that all invisible pixels have; undefined where they have several, or all pixels can be seen. Whoever gave them several may
 * want them (a texture's colours go on under its edges); one is what an editor leaves behind.
 * @returns a value for each channel
 */
export async function hiddenColour(frames: readonly Frame[]): Promise<readonly number[] | undefined> {
  const found = new Set<number>();
  let channels = 1;
  for (const { colour, alpha } of frames) {
    if (!alpha) continue;
    const { width, height, data } = colour;
    channels = colour.channels;
    await inBands(height, width * 2, (first, end) => {
      for (let pixel = first * width; pixel < end * width && found.size < 2; pixel++) {
        if (alpha.data[pixel] !== 0) continue;
        let together = 0;
        for (let channel = 0; channel < channels; channel++) {
          together = together * base + data[pixel * channels + channel]!;
        }
        found.add(together);
      }
    });
  }
  const [only, other] = found;
  if (only === undefined || other !== undefined) return undefined;
  return Array.from({ length: channels }, (_, channel) => Math.floor(only / base ** (channels - 1 - channel)) % base);
}
