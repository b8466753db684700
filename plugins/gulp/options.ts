import { checkDirectives, type Directives, type LooseDirectives } from '#upres/asset/directives.js';
import { rulesOf, type AssetOptions } from '#upres/asset/options.js';
import { UpresError } from '#upres/errors.js';

/**
 * What is wanted of every file, and the options that all build tools share. Rules of `defaults` say what is different for the
 * files that they match.
 */
export interface GulpOptions extends Omit<AssetOptions, 'presets'> {
  /** Times the source's pixels, 1 to 8; several make a file each: `logo@2x.png`, `logo@3x.png`. Default 2. */
  readonly upscale?: number | readonly number[];
  /** Exactly so many pixels wide, times each factor of `upscale` (here by default 1); holds for every file. */
  readonly width?: number;
  /** At least so many pixels wide; files keep their names. Instead of `upscale` and `width`. */
  readonly minWidth?: number;
  /** `png`, `jpeg`, `webp`, `avif`, `gif` or `tiff`; several make a file each. Default: each file's own. */
  readonly format?: string | readonly string[];
}

/** Options beside those that all tools share. */
export const directiveNames = ['upscale', 'width', 'minWidth', 'format'] as const;

/**
 * Parts the options into those of the pipeline and what every file asks for itself.
 * @throws BAD_ARGUMENT
 */
export function readOptions(options: GulpOptions): { assetOptions: AssetOptions; directives: Directives } {
  for (const name of ['as', 'preset', 'presets']) {
    if (name in options) {
      const message = `"${name}" is for the queries of Vite and webpack: Gulp makes files, and nothing imports them`;
      throw new UpresError('BAD_ARGUMENT', message);
    }
  }
  const { upscale, width, minWidth, format, ...shared } = options;
  const wanted = defined({ upscale, width, minWidth, format });
  checkDirectives(wanted);
  // A rule for some files is meant to win over what is said for all, so that comes as the last rule. A width can't.
  const { width: own, ...last } = wanted;
  const sizes = own === undefined ? {} : defined({ width: own, upscale });
  const forAll = own === undefined ? last : defined({ format });
  return {
    assetOptions: { ...shared, defaults: [...rulesOf(options), forAll] },
    // All shapes but this one limit the number of files.
    directives: checkDirectives({ ...sizes, as: 'picture' }),
  };
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function defined<T extends LooseDirectives | Record<string, unknown>>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}
