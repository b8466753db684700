import { modelChoice, type ModelChoice } from '../model/catalogue/colours.js';
import { UpresError } from '../errors.js';
import {
  abortSignal,
  anyObject,
  callback,
  check,
  choice,
  list,
  finite,
  flag,
  options,
  whole,
  type TypeOf,
} from '../schema.js';
import { deviceChoice } from '../network/device.js';
import { autoModel } from './auto/auto-model.js';
import type { ColourMode } from './codec/decode.js';
import { checkEncoding, outputFormats } from './codec/formats.js';
import { limitOptions } from './limits.js';
import { checkTarget, targetOptions } from './target.js';
import type { Progress } from '../pixels.js';

/** How the alpha plane is enlarged: by the same network as the colours, or by centred bicubic. */
export type AlphaMode = 'network' | 'bicubic';

export const qualityRating = whole({ from: 1, to: 100 });

const outputOptions = options({
  /**
   * Format of the result.
   * @default the input's own
   */
  format: choice(outputFormats),
  /**
   * 1 to 100, for JPEG, WebP and AVIF only.
   * @default 85 for JPEG, 82 for WebP, 60 for AVIF
   */
  quality: qualityRating,
  /**
   * `true` writes WebP and AVIF without loss (PNG and TIFF always are, JPEG and GIF can't be); `false` with loss. Not with `quality`.
   * @default as the source, where that is of the same format and no quality is asked for; otherwise `false`
   */
  lossless: flag,
});

export const animationChoice = choice(['keep', 'first-frame']);

/** How a result is encoded. */
export interface Output extends TypeOf<typeof outputOptions> {}

const resizeOptions = options({
  ...targetOptions.properties,
  ...outputOptions.properties,
  ...limitOptions.properties,
  /**
   * `srgb` converts colours to sRGB. `keep` computes on the file's own values and attaches its profile to the result; where the
   * result can't carry it (a GIF; a grey profile in a WebP or an AVIF; CMYK), colours are converted all the same.
   * @default `srgb`
   */
  colour: choice<ColourMode>(['srgb', 'keep']),
  /**
   * `keep` makes it an error (BAD_ARGUMENT) where an animation would become a still, as in a JPEG. `first-frame` makes every result
   * a still.
   * @default animations are kept where the result's format has them; elsewhere it is the first frame, and `warnings` says so
   */
  animation: animationChoice,
  /** Stops before the next step or, in a network, within a tile: ABORTED. */
  signal: abortSignal,
  /**
   * Calls of a higher one go first in the network.
   * @default 0
   */
  priority: finite,
  /**
   * Whose picture it is: pictures of one client share its turn for memory, codecs and threads, so that a client with many or huge
   * ones does not keep others waiting. Any object, told apart by identity.
   * @default one client for all
   */
  client: anyObject,
  /**
   * What computes networks; `auto` takes the fastest device that works.
   * @default the upscaler's own
   */
  device: deviceChoice,
  /** Called after each tile. */
  onProgress: callback<(progress: Progress) => void>(),
});

/** Options of `Upscaler.resize`. */
export interface ResizeOptions extends TypeOf<typeof resizeOptions> {}

export const upscaleOptions = options({
  ...resizeOptions.properties,
  /**
   * A built-in's label, the path of a network's file, or `auto` for the built-in that suits the picture.
   * @default `auto`
   */
  model: modelChoice,
  /**
   * How the alpha plane is enlarged.
   * @default `network`
   */
  alpha: choice<AlphaMode>(['network', 'bicubic']),
});

/** Options of `Upscaler.upscale`. */
export interface UpscaleOptions extends TypeOf<typeof upscaleOptions> {}

const callOptions = options({
  ...upscaleOptions.properties,
  /** Encodings of one enlargement. */
  outputs: list(outputOptions),
});

/** The model that is asked for. */
export const modelOf = ({ model = autoModel }: UpscaleOptions): ModelChoice => model;

/** Throws BAD_ARGUMENT for options that only a network has. */
export function checkResizeOptions(given: ResizeOptions): void {
  check(resizeOptions, given);
}

/** Throws BAD_ARGUMENT for what is wrong whatever the picture. */
export function checkOptions(given: UpscaleOptions & { readonly outputs?: readonly Output[] }): void {
  check(callOptions, given);
  checkTarget(given);
  if (given.outputs && (given.format ?? given.quality ?? given.lossless) !== undefined) {
    throw new UpresError(
      'BAD_ARGUMENT',
      'format, quality and lossless are said in each of outputs, or there is one output',
    );
  }
  for (const output of given.outputs ?? [given]) if (output.format !== undefined) checkEncoding(output, output.format);
}
