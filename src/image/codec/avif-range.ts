import { inBands } from '../../event-loop.js';
import { coloursOfAvifData } from '../auto/avif-storage.js';
import { nclxOfAvif } from './coded-colours.js';
import type { RawPixels } from './convert-colours.js';

/** Black of television in levels of 8 bits, and how far white is from it (Rec. ITU-T H.273, 8.3); of more bits, each level is as many as fit. */
const [black, span] = [16, 219];

/**
 * Spreads an AVIF's grey of limited range over all of it, in place. The decoder does that where there are colours only, and shows black and
 * white as greys. Alpha is never of that range (AV1 Image File Format, 4.1). What the container says of it counts for more than
 * the picture's data (ISO/IEC 23008-12, 6.5.5).
 */
export async function toFullRange({ data, width, height, channels }: RawPixels, file: Uint8Array): Promise<void> {
  const colours = coloursOfAvifData(file);
  if (!colours?.grey || !(nclxOfAvif(file)?.limited ?? colours.limited)) return;
  const [most, unit] = data instanceof Uint16Array ? [65_535, 256] : [255, 1];
  const spread = Float64Array.from({ length: most + 1 }, (_, level) =>
    Math.min(most, Math.max(0, Math.round(((level / unit - black) * most) / span))),
  );
  const alpha = channels % 2 === 0 ? 1 : 0;
  await inBands(height, width * channels, (first, end) => {
    for (let at = first * width * channels; at < end * width * channels; at += channels) {
      for (let channel = at; channel < at + channels - alpha; channel++) data[channel] = spread[data[channel]!]!;
    }
  });
}
