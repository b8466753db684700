import { inBands } from '../../event-loop.js';
import { asUint16 } from '../depth.js';
import type { PictureTimer } from '../picture-timer.js';
import type { Samples } from '../../pixels.js';
import { attachProfile } from './attach-profile.js';
import { loadSharp } from './sharp.js';

/** Pixels as sharp decodes them; the frames of an animation one above the other. */
export interface RawPixels {
  readonly data: Samples;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/**
 * CMYK without a profile as browsers show it (measured in Chromium 156): each ink, and black again, takes its share of what is
 * left of the light. The decoder would take it for a certain press instead, which is 14 to 45 levels darker or duller.
 */
export async function inksAsLight({ data, width, height, channels }: RawPixels): Promise<RawPixels> {
  const light = new Uint8Array(width * height * (channels - 1));
  await inBands(height, width * (2 * channels - 1), (first, end) => {
    let from = first * width * channels;
    let to = first * width * (channels - 1);
    for (let left = (end - first) * width; left > 0; left--) {
      const black = 255 - data[from + 3]!;
      for (let ink = 0; ink < 3; ink++) light[to++] = Math.floor(((255 - data[from + ink]!) * black) / 255);
      for (let more = 4; more < channels; more++) light[to++] = data[from + more]!;
      from += channels;
    }
  });
  return { data: light, width, height, channels: channels - 1 };
}

/**
 * Converts by a profile that is not in the file. sharp knows embedded ones only, so the pixels travel in a PNG that has it.
 * @param space in which the pixels are, as sharp calls it
 */
export async function toSrgb(
  { data, width, height, channels }: RawPixels,
  space: 'grey16' | 'rgb16' | 'b-w' | 'srgb',
  profile: Uint8Array,
  timer: PictureTimer,
): Promise<RawPixels> {
  const sharp = await loadSharp();
  const wide = data instanceof Uint16Array;
  return timer.codec(width * height, async () => {
    const raw = { width, height, channels: channels as 1 | 2 | 3 | 4 };
    const png = sharp(data, { raw, limitInputPixels: false }).toColourspace(space).png({ compressionLevel: 0 });
    const carrier = await attachProfile(await png.toBuffer(), profile);
    const pipeline = sharp(carrier, { limitInputPixels: false }).toColourspace(space);
    // As in decoding: with a profile, sharp works on 16 bits in Display P3 unless told otherwise.
    if (space === 'rgb16') pipeline.withIccProfile('srgb');
    const converted = await pipeline.raw({ depth: wide ? 'ushort' : 'uchar' }).toBuffer();
    return { data: wide ? asUint16(converted) : converted, width, height, channels };
  });
}
