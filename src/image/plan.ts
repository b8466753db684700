import { UpresError } from '../errors.js';
import { checkEncoding, formatTraits, type OutputFormat } from './codec/formats.js';
import { checkOutputSize, defaultMaxOutputPixels } from './limits.js';
import type { UpscaleOptions } from './options.js';
import { decoderBytes, encoderBytes } from './codec/codec-memory.js';
import type { Header } from './codec/header.js';
import { checkHeader } from './codec/probe.js';
import { resolveTarget, type ResolvedTarget } from './target.js';

/** Everything that is decided about a picture before it is decoded. */
export interface Plan {
  readonly header: Header;
  readonly format: OutputFormat;
  readonly target: ResolvedTarget;
  /** Frames that are decoded and written: more than 1 only where the result's format can show them. */
  readonly frames: number;
  /** The profile that the result carries; undefined where colours are converted to sRGB. */
  readonly profile: Uint8Array | undefined;
  /** Whether WebP or AVIF is written without loss. */
  readonly lossless: boolean;
  /** What is left behind, in words for people. */
  readonly warnings: readonly string[];
}

/** An intermediate picture may have this many times the pixels of the largest result. */
const intermediateShare = 4;

/**
 * @throws BAD_ARGUMENT, INPUT_TOO_LARGE, OUTPUT_TOO_LARGE
 */
export function planPicture(header: Header, options: UpscaleOptions, file: string | undefined): Plan {
  const format = options.format ?? header.format;
  checkEncoding(options, format);
  const frames = formatTraits[format].animation && options.animation !== 'first-frame' ? header.frames : 1;
  checkHeader(header, frames, options, file);
  const target = resolveTarget(header, options);
  checkOutputSize({ width: target.width, height: target.height, frames }, format, options.maxOutputPixels, file);
  const profile = options.colour === 'keep' && canCarryProfile(header, format) ? header.profile : undefined;
  const lossless = losslessFor(header, format, options);
  return { header, format, target, frames, profile, lossless, warnings: lostFrames(header, frames, format, options) };
}

/** What is written without loss as its source was: only where nothing else is asked for. */
function losslessFor(header: Header, format: OutputFormat, { quality, lossless }: UpscaleOptions): boolean {
  return lossless ?? (quality === undefined && header.lossless && header.format === format);
}

/** A warning where an animation becomes a still unasked, or BAD_ARGUMENT where the options forbid it. */
function lostFrames(header: Header, frames: number, format: OutputFormat, { animation }: UpscaleOptions): string[] {
  const lost = header.frames - frames + header.lostFrames;
  if (lost === 0 || animation === 'first-frame') return [];
  const { display } = formatTraits[format];
  const reason = header.lostFrames > 0 ? 'animated AVIF is not read' : `${display} is written as a still`;
  if (animation === undefined) return [`of its ${frames + lost} frames only the first was used: ${reason}`];
  const message = `of its ${frames + lost} frames only the first could be used (${reason}), and animation=keep was asked for: choose GIF, WebP or PNG`;
  throw new UpresError('BAD_ARGUMENT', header.lostFrames > 0 ? message.replace(/: choose.*/, '') : message);
}

/** A grey profile describes one channel, and WebP and AVIF have three. CMYK is always converted: no network takes it. */
function canCarryProfile({ profile, grey }: Header, format: OutputFormat): boolean {
  if (!profile) return false;
  const cmyk = String.fromCharCode(...profile.subarray(16, 20)) === 'CMYK';
  return formatTraits[format].profile && !cmyk && (!grey || formatTraits[format].grey);
}

/** Throws OUTPUT_TOO_LARGE when a network would make far more pixels on the way than the result may have. */
export function checkIntermediate(plan: Plan, scale: number, options: UpscaleOptions, file: string | undefined): void {
  const { header, frames } = plan;
  const limit = options.maxOutputPixels ?? defaultMaxOutputPixels;
  const width = header.width * scale;
  const height = header.height * scale;
  if (width * height * frames <= limit * intermediateShare) return;
  const message = `the network would make ${width}×${height} pixels on the way to ${plan.target.width}×${plan.target.height}: ask for less, name a network of a smaller scale, or raise maxOutputPixels`;
  throw new UpresError('OUTPUT_TOO_LARGE', message, { file });
}

/** What a picture costs in memory, at most. What networks need for themselves is counted there. */
export interface PictureCost {
  /** Bytes of its pixels while it is worked on: decoded and taken apart, enlarged, reduced, and put together again for the encoder. */
  readonly pixelBytes: number;
  /** Bytes that its decoder or its encoder holds besides, whichever are more. */
  readonly codecBytes: number;
}

/** @param scale of the network that enlarges it; 1 where none does */
export function pictureCost(plan: Plan, scale: number): PictureCost {
  const { header, target, format, lossless, frames } = plan;
  const channels = (header.grey ? 1 : 3) + (header.alpha ? 1 : 0);
  const sampleBytes = header.depth / 8;
  const source = header.width * header.height;
  const enlarged = source * scale ** 2;
  const result = target.width * target.height;
  // Such pictures are reduced as floating point numbers.
  const floats = enlarged !== result && (header.alpha || header.depth === 16) ? enlarged * 4 : 0;
  return {
    pixelBytes: frames * channels * (2 * sampleBytes * (source + (scale > 1 ? enlarged : 0) + result) + floats),
    codecBytes: Math.max(decoderBytes(header.format, frames * source), encoderBytes(format, lossless, frames * result)),
  };
}

/** In which colours a picture is computed; formats that can't carry its profile get others than those that can. */
export const colourOf = ({ profile }: Plan): 'keep' | 'srgb' => (profile ? 'keep' : 'srgb');
