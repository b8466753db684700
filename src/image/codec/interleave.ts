import { inBands } from '../../event-loop.js';
import { maxValue, samplesLike, type PixelImage, type Samples } from '../../pixels.js';

/**
 * Colour and alpha as one picture with 2 or 4 channels; opaque where there is no alpha.
 * @param hidden the colour of what is invisible; undefined for the one that it has
 */
export async function interleave(
  colour: PixelImage,
  alpha: PixelImage | undefined,
  hidden?: readonly number[],
): Promise<Samples> {
  const { width, height, channels, data } = colour;
  const full = maxValue(data);
  const all = samplesLike(data, width * height * (channels + 1));
  // Grey that is written in colour has one value for all channels.
  const invisible =
    hidden && Array.from({ length: channels }, (_, channel) => hidden.at(channel - channels) ?? hidden[0]!);
  await inBands(height, width * (2 * channels + 2), (first, end) => {
    let from = first * width * channels;
    let to = first * width * (channels + 1);
    for (let pixel = first * width; pixel < end * width; pixel++) {
      all[to++] = data[from++]!;
      // Spelt out: a loop over channels takes twice the time, on the thread that everything else waits for.
      if (channels === 3) {
        all[to++] = data[from++]!;
        all[to++] = data[from++]!;
      }
      const cover = alpha ? alpha.data[pixel]! : full;
      if (cover === 0 && invisible)
        for (let back = channels; back > 0; back--) all[to - back] = invisible[channels - back]!;
      all[to++] = cover;
    }
  });
  return all;
}

/** The picture as it looks on white paper, for formats without alpha. */
export async function layOnWhite({ width, height, channels, data }: PixelImage, alpha: PixelImage): Promise<Samples> {
  const full = maxValue(data);
  const laid = samplesLike(data, data.length);
  await inBands(height, width * 4 * channels, (from, to) => {
    for (let pixel = from * width, at = pixel * channels; pixel < to * width; pixel++) {
      const cover = alpha.data[pixel]! / full;
      for (let channel = 0; channel < channels; channel++, at++) laid[at] = full + (data[at]! - full) * cover + 0.5;
    }
  });
  return laid;
}
