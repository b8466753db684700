import { directives } from '#upres/asset/directives.js';
import { assetOptions, checkAssetOptions, glob, globs } from '#upres/asset/options.js';
import { leftoversChoice } from '#upres/asset/written-urls.js';
import { choice, either, flag, literal, number, object, oneOrMany, options, type TypeOf } from '#upres/schema.js';

/** What the development server does when a browser asks for an upscaled image. */
export const devModes = ['full', 'preview', 'off'] as const;
export type DevMode = (typeof devModes)[number];

const auto = object(
  {
    /** Globs relative to the root. There is no default: upscaling adds bytes, so say which images are worth it. */
    include: oneOrMany(glob, 1),
  },
  {
    /** Globs relative to the root: images that are left as they are. */
    exclude: globs,
    /**
     * Densities to offer.
     * @default `[1, 2]`
     */
    upscale: directives.properties.upscale,
    /**
     * Sources that have more pixels than this in a row are sharp enough already.
     * @default 1024
     */
    maxWidth: number({ from: 1, of: 'pixels' }),
    /**
     * Whether an `<img>` without `width` and `height` gets those of its layout.
     * @default `true`
     */
    size: flag,
  },
);

/** Upscales images that carry no directive: `<img src>` without `srcset`, and CSS backgrounds. */
export interface AutoOptions extends TypeOf<typeof auto> {}

const allowances = object(
  {
    /** Files that may have directives which nothing delivers, as globs relative to the root, and URLs as they stand there. */
    allow: oneOrMany(glob, 1),
  },
  {
    /**
     * What holds elsewhere.
     * @default `error`
     */
    otherwise: leftoversChoice,
  },
);

const viteOptions = options({
  ...assetOptions.properties,
  /**
   * Upscales images that carry no directive: see below.
   * @default `false`
   */
  auto: either('an object, or false', auto, literal(false)),
  /**
   * `full`: the server answers with what the build would give, and the browser waits for it. `preview`: with a plain enlargement
   * at once, and with the real one after a reload. `off`: with the source.
   * @default `full`
   */
  dev: choice(devModes),
  /**
   * What becomes of the build when a directive is not delivered though its file exists: it fails (`error`), it warns (`warn`), or
   * nothing (`ignore`); or an object that allows single places, and says what holds for all others.
   * @default `error`
   */
  leftovers: either('error, warn, ignore, or an object with allow', leftoversChoice, allowances),
});
export interface UpresViteOptions extends TypeOf<typeof viteOptions> {}

/** @throws BAD_ARGUMENT with a suggestion */
export function checkOptions(given: UpresViteOptions): void {
  checkAssetOptions(given, viteOptions);
}
