import { checkEnlargingOptions, enlargingOptions } from '#upres/asset/options.js';
import { list, options, text, type TypeOf } from '#upres/schema.js';

const upscalingOptions = options({
  /**
   * Keys of directives that transforms of your own read: any other that nothing knows is an error.
   * @default `[]`
   */
  keys: list(text('a key')),
  ...enlargingOptions,
});

/** Options of `upscaling()`. */
export interface UpscalingOptions extends TypeOf<typeof upscalingOptions> {}

/** @throws BAD_ARGUMENT with a suggestion */
export function checkUpscalingOptions(given: UpscalingOptions): void {
  checkEnlargingOptions(given, upscalingOptions, "imagetools' directives say it");
}
