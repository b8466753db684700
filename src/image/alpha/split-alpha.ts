import { inBands } from '../../event-loop.js';
import { maxValue, samplesLike, type Frame, type Samples } from '../../pixels.js';

/**
 * Takes interleaved pixels apart into colour and alpha. An alpha channel in which everything is opaque is dropped: a plane
 * less to compute, and the result is the same picture without an alpha channel.
 *
 * @param channels 2 = grey and alpha, 4 = RGB and alpha; what a file has beyond that is ignored
 * @param colours channels of the colour plane; 1 of RGB takes the first, for grey that was decoded as RGB
 */
export async function splitAlpha(
  data: Samples,
  width: number,
  height: number,
  channels: number,
  colours: 1 | 3,
): Promise<Frame> {
  const pixels = width * height;
  const colour = samplesLike(data, pixels * colours);
  const alpha = samplesLike(data, pixels);
  const alphaAt = channels < 4 ? 1 : 3;
  const opaque = maxValue(data);
  let least: number = opaque;
  await inBands(height, width * (channels + colours + 1), (first, end) => {
    let at = first * width * channels;
    let to = first * width * colours;
    for (let pixel = first * width; pixel < end * width; pixel++, at += channels) {
      colour[to++] = data[at]!;
      if (colours === 3) {
        colour[to++] = data[at + 1]!;
        colour[to++] = data[at + 2]!;
      }
      const value = data[at + alphaAt]!;
      alpha[pixel] = value;
      if (value < least) least = value;
    }
  });
  return {
    colour: { width, height, channels: colours, data: colour },
    alpha: least === opaque ? undefined : { width, height, channels: 1, data: alpha },
  };
}
