import { UpresError } from '#upres/errors.js';
import { checkAssetOptions, type AssetOptions } from '#upres/asset/options.js';
import { checkDirectives } from '#upres/asset/directives.js';
import { checkLeftovers, type Leftovers } from '#upres/asset/written-urls.js';
import { suggestion } from '#upres/suggest.js';

/** What the development server does when a browser asks for an upscaled image. */
export const devModes = ['full', 'preview', 'off'] as const;
export type DevMode = (typeof devModes)[number];

/** Upscales images that carry no directive: `<img src>` without `srcset`, and CSS backgrounds. */
export interface AutoOptions {
  /** Globs relative to the root. There is no default: upscaling adds bytes, so say which images are worth it. */
  readonly include: string | readonly string[];
  readonly exclude?: string | readonly string[];
  /** Densities to offer; default `[1, 2]`. */
  readonly upscale?: number | readonly number[];
  /** Sources that have more pixels than this in a row are sharp enough already; default 1024. */
  readonly maxWidth?: number;
  /** Whether an `<img>` without `width` and `height` gets those of its layout; default true. */
  readonly size?: boolean;
}

export interface UpresViteOptions extends AssetOptions {
  /** Off by default. */
  readonly auto?: AutoOptions | false;
  /**
   * `full` (the default): the server answers with what the build would give, and the browser waits for it. `preview`: with a
   * plain enlargement at once, and with the real one after a reload. `off`: with the source.
   */
  readonly dev?: DevMode;
  /**
   * What a directive is that is still in the built site though its file exists: the build fails (`error`, the default), it
   * warns, or nothing.
   */
  readonly leftovers?: Leftovers;
}

/** The options of this plugin that the other tools don't have. */
export const viteOptionNames = ['auto', 'dev', 'leftovers'] as const satisfies readonly (keyof UpresViteOptions)[];

const autoNames = [
  'include',
  'exclude',
  'upscale',
  'maxWidth',
  'size',
] as const satisfies readonly (keyof AutoOptions)[];

/** @throws BAD_ARGUMENT with a suggestion */
export function checkOptions(options: UpresViteOptions): void {
  checkAssetOptions(options, viteOptionNames);
  const { auto, dev, leftovers } = options;
  checkLeftovers(leftovers);
  if (dev !== undefined && !devModes.includes(dev)) {
    throw new UpresError('BAD_ARGUMENT', `dev must be full, preview or off, not "${dev}".${suggestion(dev, devModes)}`);
  }
  if (!auto) return;
  for (const name of Object.keys(auto)) {
    if (autoNames.some((known) => known === name)) continue;
    throw new UpresError('BAD_ARGUMENT', `there is no option "${name}" of auto.${suggestion(name, autoNames)}`);
  }
  const { include, upscale, maxWidth } = auto as Partial<AutoOptions>;
  if (include === undefined || include.length === 0) {
    throw new UpresError('BAD_ARGUMENT', 'auto needs include: globs of the images that are worth more bytes');
  }
  if (upscale !== undefined) checkDirectives({ upscale });
  if (maxWidth !== undefined && !(maxWidth >= 1)) {
    throw new UpresError('BAD_ARGUMENT', `auto.maxWidth must be a number of pixels of at least 1, not ${maxWidth}`);
  }
}
