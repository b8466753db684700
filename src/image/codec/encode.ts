import { encoderBytes, hasFittedCodes } from './codec-memory.js';
import type { Sharp } from 'sharp';
import { UpresError } from '../../errors.js';
import { copyInBands } from '../../event-loop.js';
import { attachProfile } from './attach-profile.js';
import type { EncodeOptions } from './encode-options.js';
import { planeToDepth8 } from '../depth.js';
import { framesAtOnce, inWindow } from './in-window.js';
import { formatTraits, type OutputFormat } from './formats.js';
import { interleave, layOnWhite } from './interleave.js';
import type { PictureTimer } from '../picture-timer.js';
import { maxValue, type Frame, type Samples } from '../../pixels.js';
import { loadSharp } from './sharp.js';

/**
 * Encodes frames of one size. Nothing of the source's metadata is written (EXIF, XMP, density), a kept profile excepted;
 * without one, values are sRGB, as every reader takes them to be.
 *
 * @throws OUTPUT_UNWRITABLE when the encoder refuses
 */
export async function encode(
  frames: readonly Frame[],
  options: EncodeOptions,
  timer: PictureTimer,
): Promise<Uint8Array> {
  return telling(options.format, async () => {
    const encoded = await encodeFrames(frames, options, timer);
    if (options.profile) await checkProfile(encoded);
    return encoded;
  });
}

/** Runs an encoder, and says what it refuses: OUTPUT_UNWRITABLE. */
export async function telling<T>(format: OutputFormat, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UpresError) throw error;
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    const { display } = formatTraits[format];
    throw new UpresError('OUTPUT_UNWRITABLE', `the result can’t be written as ${display}: ${reason}`, { cause: error });
  }
}

/** Encoders leave out profiles that they find fault with, and say nothing. */
async function checkProfile(encoded: Uint8Array): Promise<void> {
  const sharp = await loadSharp();
  const { icc } = await sharp(encoded, { limitInputPixels: false }).metadata();
  if (icc === undefined) throw new Error('its encoder refuses the colour profile, so let colours be converted to sRGB');
}

async function encodeFrames(
  frames: readonly Frame[],
  options: EncodeOptions,
  timer: PictureTimer,
): Promise<Uint8Array> {
  const { format, profile } = options;
  const sharp = await loadSharp();
  const { width, height } = frames[0]!.colour;
  const withAlpha = formatTraits[format].alpha && frames.some(({ alpha }) => alpha);
  const pages: Samples[] = [];
  for (const frame of frames) pages.push(await pixelsOf(frame, options, withAlpha));
  const channels = pages[0]!.length / (width * height);
  if (!isChannels(channels)) throw new Error(`${channels} channels`);
  const depth16 = maxValue(pages[0]!) === 65535;

  const raw = { width, height, channels };
  if (format === 'png' && pages.length > 1) {
    const { encodeApng } = await import('./encode-apng.js');
    return encodeApng(pages, { ...raw, space: colourspace(channels, depth16) }, options, timer);
  }
  const shape = (pipeline: Sharp): Sharp => pipeline.toColourspace(colourspace(channels, depth16));
  if (format === 'png') {
    const { encodePng } = await import('./encode-png.js');
    const page = pages[0]!;
    const pipeline = (): Sharp => {
      timer.throwIfAborted();
      return shape(sharp(page, { raw, limitInputPixels: false }));
    };
    const png = await timer.codec(width * height, encoderBytes(format, true, width * height), () =>
      encodePng({ ...raw, data: page }, options.palette && !profile, pipeline),
    );
    return profile ? attachProfile(png, profile) : png;
  }
  const all = width * height * pages.length;
  if (profile) {
    const carriers = await inWindow(pages, framesAtOnce, (data) =>
      timer.codec(width * height, encoderBytes('png', true, width * height), async () => {
        const pipeline = shape(sharp(data, { raw, limitInputPixels: false }));
        return attachProfile(await pipeline.png({ compressionLevel: 0 }).toBuffer(), profile);
      }),
    );
    const settings = { limitInputPixels: false } as const;
    const pipeline =
      carriers.length > 1 ? sharp(carriers, { ...settings, join: { animated: true } }) : sharp(carriers[0], settings);
    return timer.codec(all, encoderBytes(format, options.lossless, all), () =>
      finish(shape(pipeline.keepIccProfile()), { ...options, format }, all).toBuffer(),
    );
  }
  const pipeline = sharp(await concatenate(pages), {
    raw: { ...raw, height: height * pages.length, ...(pages.length > 1 ? { pageHeight: height } : {}) },
    limitInputPixels: false,
  });
  return timer.codec(all, encoderBytes(format, options.lossless, all), () =>
    finish(shape(pipeline), { ...options, format }, all).toBuffer(),
  );
}

const isChannels = (channels: number): channels is 1 | 2 | 3 | 4 => channels >= 1 && channels <= 4;

/** In which space sharp takes values as they are. */
export function colourspace(channels: number, depth16: boolean): 'grey16' | 'rgb16' | 'b-w' | 'srgb' {
  if (channels < 3) return depth16 ? 'grey16' : 'b-w';
  return depth16 ? 'rgb16' : 'srgb';
}

async function pixelsOf(frame: Frame, { format, hidden }: EncodeOptions, withAlpha: boolean): Promise<Samples> {
  const { colour, alpha } = formatTraits[format].depth16 ? frame : await narrow(frame);
  // Elsewhere a sudden colour would show at the edges, or is left out by the encoder.
  if (withAlpha) return interleave(colour, alpha, formatTraits[format].lossless === 'always' ? hidden : undefined);
  return alpha ? layOnWhite(colour, alpha) : colour.data;
}

const narrow = async ({ colour, alpha }: Frame): Promise<Frame> => ({
  colour: await planeToDepth8(colour),
  alpha: alpha && (await planeToDepth8(alpha)),
});

async function concatenate(pages: readonly Samples[]): Promise<Samples> {
  if (pages.length === 1) return pages[0]!;
  const total = pages.reduce((sum, page) => sum + page.length, 0);
  // Formats with more than one frame have 8 bits.
  const all: Samples = new Uint8Array(total);
  let at = 0;
  for (const page of pages) {
    await copyInBands(page, all, at);
    at += page.length;
  }
  return all;
}

type LossyOptions = EncodeOptions & { readonly format: Exclude<OutputFormat, 'png'> };

/**
 * Settings were measured on photographs, drawings and text of about a megapixel, in one thread:
 *
 * - AVIF: effort 3 takes 0.4 s, sharp's usual 4 takes 2.3 s for 4 % less.
 * - JPEG, AVIF: full colour resolution unless the source was without it; enlarged twice, that loses nothing it had.
 * - WebP: colours are always halved, and where the source's were not, in a way that leaves edges of red and blue as bright as
 *   they were.
 * - TIFF: deflate with differences, without loss (sharp's usual is JPEG).
 * - GIF: effort 4 without dithering takes a fifth of the time of sharp's usual (0.29 s against 1.45 s for 24 frames of
 *   112×200), for as many bytes and as little error; dithering flickers from frame to frame. Every frame is kept, with its
 *   delay (rounded to 10 ms, which is all that a GIF can say).
 */
export function finish(
  pipeline: Sharp,
  { format, quality, delay, loop, subsampled, lossless }: LossyOptions,
  pixels: number,
): Sharp {
  const chromaSubsampling = subsampled ? '4:2:0' : '4:4:4';
  const rating = quality ?? formatTraits[format].quality ?? 100;
  const animation = { ...(delay ? { delay: [...delay] } : {}), ...(loop === undefined ? {} : { loop }) };
  switch (format) {
    case 'jpeg':
      return pipeline.jpeg({ quality: rating, chromaSubsampling, optimiseCoding: hasFittedCodes(pixels) });
    case 'webp':
      return pipeline.webp({
        ...(lossless ? { lossless } : { quality: rating, smartSubsample: !subsampled }),
        ...animation,
      });
    case 'avif':
      return pipeline.avif({ ...(lossless ? { lossless } : { quality: rating, chromaSubsampling }), effort: 3 });
    case 'gif':
      return pipeline.gif({ effort: 4, dither: 0, keepDuplicateFrames: true, ...animation });
    case 'tiff':
      return pipeline.tiff({ compression: 'deflate', predictor: 'horizontal' });
  }
}
