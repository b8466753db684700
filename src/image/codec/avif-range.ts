import { inBands } from '../../event-loop.js';
import { coloursOfAvifData } from '../auto/avif-storage.js';
import type { RawPixels } from './convert-colours.js';

/** Black and white of television, in levels of 255 (Rec. ITU-T H.273, 8.3). */
const [black, white] = [16, 235];

/**
 * Spreads an AVIF's grey of limited range over all of it, in place. The decoder does that where there are colours only, and shows black and
 * white as greys. Alpha is never of that range (AV1 Image File Format, 4.1).
 */
export async function toFullRange({ data, width, height, channels }: RawPixels, file: Uint8Array): Promise<void> {
  const colours = coloursOfAvifData(file);
  if (!colours?.grey || !colours.limited) return;
  const most = data instanceof Uint16Array ? 65_535 : 255;
  const spread = Float64Array.from({ length: most + 1 }, (_, level) =>
    Math.min(most, Math.max(0, Math.round((level * 255 - black * most) / (white - black)))),
  );
  const alpha = channels % 2 === 0 ? 1 : 0;
  await inBands(height, width * channels, (first, end) => {
    for (let at = first * width * channels; at < end * width * channels; at += channels) {
      for (let channel = at; channel < at + channels - alpha; channel++) data[channel] = spread[data[channel]!]!;
    }
  });
}
