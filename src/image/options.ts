import { UpresError } from '../errors.js';
import { checkDevice, type DeviceChoice } from '../network/device.js';
import { autoModel } from './auto/auto-model.js';
import type { ColourMode } from './codec/decode.js';
import { checkQuality } from './codec/encode.js';
import { outputFormats, type OutputFormat } from './codec/formats.js';
import {
  defaultMaxFrames,
  defaultMaxInputPixels,
  defaultMaxOutputPixels,
  resolveLimit,
  type PixelLimits,
} from './limits.js';
import { checkTarget, type Target } from './target.js';
import type { Progress } from '../pixels.js';

/** How the alpha plane is enlarged: by the same network as the colours, or by centred bicubic. */
export type AlphaMode = 'network' | 'bicubic';

/** How a result is encoded. */
export interface Output {
  /** Default: the input's own. */
  readonly format?: OutputFormat;
  /** 1 to 100, for JPEG (default 85), WebP (82) and AVIF (60) only. */
  readonly quality?: number;
}

export interface ResizeOptions extends Target, Output, PixelLimits {
  /**
   * `srgb` (default) converts colours to sRGB. `keep` computes on the file's own values and attaches its profile to the
   * result; where the result can't carry it (a GIF; a grey profile in a WebP or an AVIF; CMYK), colours are converted all
   * the same.
   */
  readonly colour?: ColourMode;
  /** Stops before the next step or, in a network, within a tile: ABORTED. */
  readonly signal?: AbortSignal;
  /** Calls of a higher one go first in the network; default 0. */
  readonly priority?: number;
  /**
   * Whose picture it is: pictures of one client share its turn for memory, codecs and threads, so that somebody with many
   * or huge ones does not keep others waiting. Any object, told apart by identity. Default: one client for all.
   */
  readonly client?: object;
  readonly onProgress?: (progress: Progress) => void;
}

export interface UpscaleOptions extends ResizeOptions {
  /** A built-in's label, the path of a network's file, or `auto` (the default) for the built-in that suits the picture. */
  readonly model?: string;
  /** Default `network`. */
  readonly alpha?: AlphaMode;
  /** What computes networks; `auto` takes the fastest device that works. Default: the upscaler's own. */
  readonly device?: DeviceChoice;
}

/** The model that is asked for. */
export const modelOf = ({ model = autoModel }: UpscaleOptions): string => model;

/** Throws BAD_ARGUMENT for what can be told without the picture. */
export function checkOptions(options: UpscaleOptions): void {
  checkTarget(options);
  if (options.device !== undefined) checkDevice(options.device);
  const { format, quality, colour, alpha, model } = options;
  checkChoice('format', format, outputFormats);
  checkChoice('colour', colour, ['srgb', 'keep']);
  checkChoice('alpha', alpha, ['network', 'bicubic']);
  if (format !== undefined) checkQuality(quality, format);
  if (model === '') throw new UpresError('BAD_ARGUMENT', 'model must be a label or a path, not empty');
  resolveLimit('maxInputPixels', options.maxInputPixels, defaultMaxInputPixels);
  resolveLimit('maxFrames', options.maxFrames, defaultMaxFrames);
  resolveLimit('maxOutputPixels', options.maxOutputPixels, defaultMaxOutputPixels);
}

/** Options also come from JavaScript and from queries, where types promise nothing. */
function checkChoice(name: string, value: string | undefined, choices: readonly string[]): void {
  if (value === undefined || choices.includes(value)) return;
  throw new UpresError('BAD_ARGUMENT', `${name} must be one of ${choices.join(', ')}, not ${value}`);
}
