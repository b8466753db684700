import { checkDirectives, directives, type Directives } from '#upres/asset/directives.js';
import { assetOptions, checkAssetOptions, rulesOf, type AssetOptions } from '#upres/asset/options.js';
import { UpresError } from '#upres/errors.js';
import { defined, options, type TypeOf } from '#upres/schema.js';

const gulpOptions = options({
  /**
   * Times the source's pixels, 1 to 8, or a list of them; each is a file: `logo@2x.png`, `logo@3x.png`. `1` passes the source as it
   * is.
   * @default 2
   */
  upscale: directives.properties.upscale,
  /** Exactly this many pixels wide; with `upscale: [1, 2]` also twice that, as `name@2x`. Holds for every file. */
  width: directives.properties.width,
  /** At least this many pixels wide; what is wide enough stays as it is. Files keep their names. Instead of `upscale` and `width`. */
  minWidth: directives.properties.minWidth,
  /**
   * `png`, `jpeg`, `webp`, `avif`, `gif` or `tiff`, or a list of them; each is a file.
   * @default the file's own
   */
  format: directives.properties.format,
  ...assetOptions.properties,
});

/**
 * What is wanted of every file, and the options that all build tools share. Rules of `defaults` say what is different for the
 * files that they match.
 */
export interface GulpOptions extends Omit<TypeOf<typeof gulpOptions>, 'presets'> {}

/**
 * Parts the options into those of the pipeline and what every file asks for itself.
 * @throws BAD_ARGUMENT
 */
export function readOptions(given: GulpOptions): { assetOptions: AssetOptions; directives: Directives } {
  for (const name of ['as', 'preset', 'presets']) {
    // What is no object at all is refused below.
    if (name in (Object(given) as object)) {
      const message = `"${name}" is for the queries of Vite and webpack: Gulp makes files, and nothing imports them`;
      throw new UpresError('BAD_ARGUMENT', message);
    }
  }
  checkAssetOptions(given, gulpOptions);
  const { upscale, width, minWidth, format, ...rest } = given;
  const wanted = defined({ upscale, width, minWidth, format });
  checkDirectives(wanted);
  // A rule for some files is meant to win over what is said for all, so that comes as the last rule. A width can't.
  const { width: own, ...last } = wanted;
  const sizes = own === undefined ? {} : defined({ width: own, upscale });
  const forAll = own === undefined ? last : defined({ format });
  return {
    assetOptions: { ...rest, defaults: [...rulesOf(given), forAll] },
    // All shapes but this one limit the number of files.
    directives: checkDirectives({ ...sizes, as: 'picture' }),
  };
}
