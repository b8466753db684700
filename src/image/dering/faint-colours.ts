import { copyInBands, inBands } from '../../event-loop.js';
import { maxValue, samplesLike, type PixelImage } from '../../pixels.js';

/** Opacity below which a pixel's colour counts for nothing (3 %), and from which on it is taken as it is (25 %). */
const faintShare = 8 / 255;
const softShare = 64 / 255;

/** Smallest alpha value whose colour means something. */
export function faintLimit(alpha: PixelImage): number {
  return Math.round(maxValue(alpha.data) * faintShare);
}

/**
 * Draws the colours of nearly transparent pixels towards those of their neighbours.
 *
 * With 8 bits, the colour of a pixel of opacity 10 has been through a rounding of 25 levels when some program undid its
 * premultiplication: files are full of stray white, black and red under thin edges. It is invisible, until a network makes the
 * edge sharper and the stray colour with it. The thinner a pixel is, the more of the mean of the 3×3 around it (counted by
 * opacity) it takes.
 *
 * @param colour 1 or 3 channels; not changed
 * @param alpha same size
 */
export async function deringFaintColours(colour: PixelImage, alpha: PixelImage): Promise<PixelImage> {
  const { width, height, channels } = colour;
  const cover = alpha.data;
  const faint = faintLimit(alpha);
  const soft = Math.round(maxValue(cover) * softShare);
  const data = samplesLike(colour.data, colour.data.length);
  await copyInBands(colour.data, data);
  const sums = new Float64Array(channels);
  // Few pixels of a picture are thin, but those of some are all.
  await inBands(height, width * 8, (from, to) => {
    for (let pixel = from * width; pixel < to * width; pixel++) {
      const own = cover[pixel]!;
      if (own < faint || own >= soft) continue;
      const x = pixel % width;
      const y = (pixel - x) / width;
      let total = 0;
      sums.fill(0);
      for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row++) {
        for (let near = row * width + Math.max(0, x - 1); near <= row * width + Math.min(width - 1, x + 1); near++) {
          const weight = cover[near]!;
          if (weight < faint) continue;
          total += weight;
          for (let channel = 0; channel < channels; channel++) {
            sums[channel]! += weight * colour.data[near * channels + channel]!;
          }
        }
      }
      const trust = own / soft;
      for (let channel = 0; channel < channels; channel++) {
        const at = pixel * channels + channel;
        data[at] = Math.round(trust * colour.data[at]! + ((1 - trust) * sums[channel]!) / total);
      }
    }
  });
  return { width, height, channels, data };
}
