import { assetOptions, checkAssetOptions, type AssetOptions } from '#upres/asset/options.js';
import { UpresError } from '#upres/errors.js';
import { suggestion } from '#upres/suggest.js';

/** Formats, qualities and which pictures are what imagetools' directives say. */
const sharedNames = ['model', 'models', 'onError', 'maxOutputPixels', 'cache', 'threads', 'device'] as const;

/** Options of `upscaling()`. */
export interface UpscalingOptions extends Pick<AssetOptions, (typeof sharedNames)[number]> {
  /** Keys of directives that transforms of your own read: any other that nobody knows is an error. */
  readonly keys?: readonly string[];
}

/** @throws BAD_ARGUMENT with a suggestion */
export function checkUpscalingOptions(options: UpscalingOptions): void {
  const assets = Object.fromEntries(Object.entries(options).filter(([name]) => name !== 'keys'));
  for (const name of Object.keys(assets)) {
    if (sharedNames.some((known) => known === name)) continue;
    const why = name in assetOptions.properties ? "has no meaning here: imagetools' directives say it" : 'is unknown';
    throw new UpresError('BAD_ARGUMENT', `the option "${name}" ${why}.${suggestion(name, [...sharedNames, 'keys'])}`);
  }
  checkAssetOptions(assets);
}
