import { codecError } from './codec-error.js';
import { asUint16 } from '../depth.js';
import { isGifCutShort } from './gif-end.js';
import type { Meter } from '../meter.js';
import type { Frame, PixelImage, Samples } from '../../pixels.js';
import type { Header } from './probe.js';
import { loadSharp } from './sharp.js';
import { splitAlpha } from '../alpha/split-alpha.js';

/** `srgb`: pixels are converted to sRGB. `keep`: the file's own values are used and its profile is attached to the result. */
export type ColourMode = 'srgb' | 'keep';

/**
 * Decodes upright frames.
 *
 * - Grey files give one channel, all others R, G, B: palettes are resolved, CMYK and Lab are converted to sRGB in both colour
 *   modes. Without a profile, values count as sRGB.
 * - More than 8 bits per channel give 16.
 * - `frames` > 1: as an animation's player shows them, each complete.
 *
 * @throws INPUT_CORRUPT for damage that the decoder notices, a file that ends too early included
 */
export async function decode(
  bytes: Uint8Array,
  header: Header,
  { frames, colour, file, meter }: { frames: number; colour: ColourMode; file: string | undefined; meter: Meter },
): Promise<Frame[]> {
  if (header.format === 'gif' && isGifCutShort(bytes)) {
    throw codecError(new Error('it ends within a frame'), header.format, file);
  }
  const sharp = await loadSharp();
  const { width, height, grey, depth } = header;
  // Only a profile that makes sense is used, or sharp would take 16-bit values for Display P3 when it can't apply it.
  const convert = colour === 'srgb' && header.profile !== undefined;
  const pipeline = sharp(bytes, {
    pages: frames > 1 ? -1 : 1,
    // Checked against the header before.
    limitInputPixels: false,
    autoOrient: frames === 1,
    ignoreIcc: !convert,
  }).toColourspace(workingSpace(header));
  // sharp works on 16-bit pictures with a profile in Display P3 and leaves them there unless told otherwise.
  if (convert && depth === 16 && !grey) pipeline.withIccProfile('srgb');
  pipeline.raw({ depth: depth === 16 ? 'ushort' : 'uchar' });
  try {
    const { data, info } = await meter.codec(width * height * frames, () =>
      pipeline.toBuffer({ resolveWithObject: true }),
    );
    return await cutFrames(depth === 16 ? asUint16(data) : data, header, info, frames);
  } catch (error) {
    throw codecError(error, header.format, file);
  }
}

/** From 8-bit grey with alpha, sharp returns the grey alone: it comes as RGB with alpha instead. */
function workingSpace({ grey, depth, alpha }: Header): 'grey16' | 'rgb16' | 'b-w' | 'srgb' {
  if (depth === 16) return grey ? 'grey16' : 'rgb16';
  return grey && !alpha ? 'b-w' : 'srgb';
}

async function cutFrames(
  data: Samples,
  { grey }: Header,
  { width, height, channels }: { width: number; height: number; channels: number },
  frames: number,
): Promise<Frame[]> {
  const frameHeight = height / frames;
  const length = width * frameHeight * channels;
  const cut: Frame[] = [];
  for (let index = 0; index < frames; index++) {
    const values = data.subarray(index * length, (index + 1) * length);
    if (channels === 2 || channels > 3) {
      cut.push(await splitAlpha(values, width, frameHeight, channels, grey ? 1 : 3));
    } else {
      const colour: PixelImage = { width, height: frameHeight, channels: channels === 1 ? 1 : 3, data: values };
      cut.push({ colour, alpha: undefined });
    }
  }
  return cut;
}
