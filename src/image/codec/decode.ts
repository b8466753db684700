import { decoderBytes } from './codec-memory.js';
import { UpresError } from '../../errors.js';
import type { Sharp } from 'sharp';
import type { AvifTurn } from './avif-turn.js';
import { codecError, reasonOf } from './codec-error.js';
import type { RawPixels } from './convert-colours.js';
import { formatTraits, isOriented } from './formats.js';
import { asUint16 } from '../depth.js';
import type { PictureTimer } from '../picture-timer.js';
import type { Frame, PixelImage } from '../../pixels.js';
import type { Header } from './header.js';
import { loadSharp } from './sharp.js';
import { splitAlpha } from '../alpha/split-alpha.js';

/** `srgb`: pixels are converted to sRGB. `keep`: the file's own values are used and its profile is attached to the result. */
export type ColourMode = 'srgb' | 'keep';

export interface DecodeOptions {
  readonly frames: number;
  readonly colour: ColourMode;
  /** For errors. */
  readonly file: string | undefined;
  readonly timer: PictureTimer;
  readonly onWarning?: (warning: string) => void;
}

/**
 * Decodes upright frames.
 *
 * - Grey files give one channel, all others R, G, B: palettes are resolved, CMYK and Lab are converted to sRGB in both colour
 *   modes. Without a profile, values count as sRGB, and inks as browsers show them.
 * - More than 8 bits per channel give 16.
 * - `frames` > 1: as an animation's player shows them, each complete.
 *
 * @param onWarning is called with flaws that cost no pixels: stray bytes and the like, which browsers overlook, too
 * @throws INPUT_CORRUPT for damage that the decoder notices, a file that ends too early included
 */
export async function decode(
  bytes: Uint8Array,
  header: Header,
  { frames, colour, file, timer, onWarning }: DecodeOptions,
): Promise<Frame[]> {
  if (header.format === 'gif' && (await import('./gif-blocks.js')).isGifCutShort(bytes)) {
    throw codecError(new Error('it ends within a frame'), header.format, bytes, file);
  }
  try {
    return await readFrames(bytes, header, { frames, colour, timer }, 'warning');
  } catch (strict) {
    // Not the file's fault: the call was given up.
    if (strict instanceof UpresError) throw strict;
    const damage = codecError(strict, header.format, bytes, file);
    try {
      const decoded = await readFrames(bytes, header, { frames, colour, timer }, 'error');
      onWarning?.(
        `the ${formatTraits[header.format].display} has flaws that its decoder overlooks (${reasonOf(strict, header.format)})`,
      );
      return decoded;
    } catch {
      throw damage;
    }
  }
}

async function readFrames(
  bytes: Uint8Array,
  header: Header,
  { frames, colour, timer }: Pick<DecodeOptions, 'frames' | 'colour' | 'timer'>,
  failOn: 'warning' | 'error',
): Promise<Frame[]> {
  const mayBePlaced = header.format === 'gif' || header.format === 'png';
  const placed = mayBePlaced && (await import('./placed-frames.js')).placedFrames(bytes, header, frames);
  if (placed) {
    const { composeFrames } = await import('./compose-frames.js');
    return composeFrames(placed, header, async (bytesOfFrame, { width, height }) => {
      const still = { ...header, width, height, frames: 1 };
      const [frame] = await readPixels(bytesOfFrame, still, { frames: 1, colour, timer }, failOn);
      return frame!;
    });
  }
  return readPixels(bytes, header, { frames, colour, timer }, failOn);
}

async function readPixels(
  bytes: Uint8Array,
  header: Header,
  { frames, colour, timer }: Pick<DecodeOptions, 'frames' | 'colour' | 'timer'>,
  failOn: 'warning' | 'error',
): Promise<Frame[]> {
  const sharp = await loadSharp();
  const { format, width, height, grey, depth, profile, codedColours, bareInks } = header;
  // Only a profile that makes sense is used, or sharp would take 16-bit values for Display P3 when it can't apply it.
  const convert = colour === 'srgb' && profile !== undefined;
  const avif = format === 'avif' ? await import('./avif-sequence.js') : undefined;
  const still = avif?.asStill(bytes) ?? bytes;
  const turn = avif && (await import('./avif-turn.js')).avifTurn(still);
  const pipeline = sharp(turn?.unturned ?? still, {
    pages: frames > 1 ? -1 : 1,
    // Checked against the header before.
    limitInputPixels: false,
    autoOrient: !turn && isOriented(format),
    ignoreIcc: !convert || codedColours !== undefined,
    failOn,
  });
  if (turn) turnPixels(pipeline, turn);
  const space = workingSpace(header);
  if (bareInks) pipeline.pipelineColourspace('cmyk');
  pipeline.toColourspace(bareInks ? 'cmyk' : space);
  // sharp works on 16-bit pictures with a profile in Display P3 and leaves them there unless told otherwise.
  if (convert && !codedColours && depth === 16 && !grey) pipeline.withIccProfile('srgb');
  pipeline.raw({ depth: depth === 16 ? 'ushort' : 'uchar' });
  const pixels = width * height * frames;
  const { data, info } = await timer.codec(pixels, decoderBytes(header.format, pixels), () =>
    pipeline.toBuffer({ resolveWithObject: true }),
  );
  const own = { ...info, data: depth === 16 ? asUint16(data) : data };
  if (avif) await (await import('./avif-range.js')).toFullRange(own, bytes);
  if (avif?.isPremultiplied(bytes)) await (await import('./convert-colours.js')).unmultiply(own);
  if (!bareInks && !(convert && codedColours)) return cutFrames(own, header, frames);
  const { inksAsLight, toSrgb } = await import('./convert-colours.js');
  return cutFrames(bareInks ? await inksAsLight(own) : await toSrgb(own, codedColours!), header, frames);
}

/** sharp mirrors first: before a quarter's turn, left and right are where top and bottom will be. */
function turnPixels(pipeline: Sharp, { quarters, mirror }: AvifTurn): void {
  if (mirror !== undefined) pipeline[(mirror === 'x') === (quarters % 2 === 0) ? 'flop' : 'flip']();
  pipeline.rotate((360 - 90 * quarters) % 360);
}

/** From 8-bit grey with alpha, sharp returns the grey alone: it comes as RGB with alpha instead. */
function workingSpace({ grey, depth, alpha }: Header): 'grey16' | 'rgb16' | 'b-w' | 'srgb' {
  if (depth === 16) return grey ? 'grey16' : 'rgb16';
  return grey && !alpha ? 'b-w' : 'srgb';
}

async function cutFrames(
  { data, width, height, channels }: RawPixels,
  { grey }: Header,
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
