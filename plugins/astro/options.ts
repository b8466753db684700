import { assetOptions, checkAssetOptions, type AssetOptions } from '#upres/asset/options.js';
import { UpresError } from '#upres/errors.js';
import { suggestion } from '#upres/suggest.js';

/** Sizes, formats and qualities are what Astro's components say; so is which pictures. */
type Shared = Pick<AssetOptions, 'model' | 'models' | 'onError' | 'maxOutputPixels' | 'cache' | 'threads' | 'device'>;

/** Options of `upres()` of `upres/astro`. */
export interface UpresAstroOptions extends Shared {
  /**
   * Densities that a picture is offered in where its author says neither `densities` nor `widths`, Markdown's pictures included;
   * default `[1, 2]`, `false` for none.
   */
  readonly densities?: readonly number[] | false;
  /** Sources that have more pixels than this in a row are sharp enough: `densities` enlarges none of them. Default 1024. */
  readonly maxWidth?: number;
  /**
   * Whether a server that renders pages on demand enlarges pictures when they are asked for; default false, since anybody may ask it for
   * any size. Pages that are built beforehand, and the development server, always do.
   */
  readonly onDemand?: boolean;
}

/** Options as the service needs them. Astro writes them into servers that it builds, as JSON. */
export interface ServiceConfig {
  /** Ascending or not; empty for none. */
  readonly densities: readonly number[];
  /** Pixels. */
  readonly maxWidth: number;
  /** Whether a server enlarges pictures that are asked for. */
  readonly onDemand: boolean;
  /** Changes whenever the same picture may come out in other pixels. */
  readonly identity: string;
  /** What all tools share. */
  readonly assets: AssetOptions;
}

const sharedNames = ['model', 'models', 'onError', 'maxOutputPixels', 'cache', 'threads', 'device'] as const;
const ownNames = ['densities', 'maxWidth', 'onDemand'] as const satisfies readonly (keyof UpresAstroOptions)[];

/** @throws BAD_ARGUMENT with a suggestion */
export function serviceConfig(options: UpresAstroOptions, identity: string): ServiceConfig {
  const { densities = [1, 2], maxWidth = 1024, onDemand = false, ...assets } = options;
  for (const name of Object.keys(assets)) {
    if (sharedNames.some((known) => known === name)) continue;
    if (name in assetOptions.properties) {
      throw new UpresError('BAD_ARGUMENT', `the option "${name}" has no meaning here: Astro's own components say it`);
    }
    const hint = suggestion(name, [...sharedNames, ...ownNames]);
    throw new UpresError('BAD_ARGUMENT', `there is no option "${name}".${hint}`);
  }
  checkAssetOptions(assets);
  if (densities !== false && !densities.every((density) => density > 0 && density <= 8)) {
    throw new UpresError('BAD_ARGUMENT', `densities must be numbers up to 8, not ${JSON.stringify(densities)}`);
  }
  if (!(maxWidth >= 1)) {
    throw new UpresError('BAD_ARGUMENT', `maxWidth must be a number of pixels of at least 1, not ${maxWidth}`);
  }
  return { densities: densities || [], maxWidth, onDemand, identity, assets };
}
