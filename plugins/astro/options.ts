import { refuseSecrets } from '#upres/asset/cache/cache-option.js';
import { checkEnlargingOptions, enlargingOptions, type AssetOptions } from '#upres/asset/options.js';
import { either, flag, list, literal, number, options, type TypeOf } from '#upres/schema.js';

const astroOptions = options({
  /**
   * Densities that a picture is offered in where its author says neither `densities` nor `widths`, Markdown's pictures included;
   * `false` for none.
   * @default `[1, 2]`
   */
  densities: either('a list of numbers up to 8, or false', list(number({ above: 0, to: 8 })), literal(false)),
  /**
   * Sources that have more pixels than this in a row are sharp enough: `densities` enlarges none of them.
   * @default 1024
   */
  maxWidth: number({ from: 1, of: 'pixels' }),
  /**
   * Whether a server that renders pages on demand enlarges pictures when they are asked for: anyone may ask it for any size. Pages
   * that are built beforehand, and the development server, always do.
   * @default `false`
   */
  onDemand: flag,
  ...enlargingOptions,
});

/** Options of `upres()` of `upres/astro`. */
export interface UpresAstroOptions extends TypeOf<typeof astroOptions> {}

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

/** @throws BAD_ARGUMENT with a suggestion */
export function checkAstroOptions(given: UpresAstroOptions): void {
  checkEnlargingOptions(given, astroOptions, "Astro's own components say it");
  refuseSecrets(given.cache, 'Astro');
}

/** @param given checked */
export function serviceConfig(given: UpresAstroOptions, identity: string): ServiceConfig {
  const { densities = [1, 2], maxWidth = 1024, onDemand = false, ...assets } = given;
  return { densities: densities || [], maxWidth, onDemand, identity, assets };
}
