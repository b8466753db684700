import { parseQuery } from '#src/asset/directives.js';
import type { UpscaleOptions } from '#src/image/upscale.js';
import type { Case } from '../../plugins/cases.js';

/** The options that make Gulp do what a query says. */
export function gulpOptions({ query }: Case): object {
  // Gulp makes files, whatever becomes of them.
  return Object.fromEntries(Object.entries(parseQuery(query)!).filter(([name]) => name !== 'as'));
}

/**
 * How the core makes each file of a case.
 * @param width of the source, in pixels
 */
export function coreOptions({ query, files }: Case, width: number): UpscaleOptions[] {
  const { model, quality, width: exact, minWidth } = parseQuery(query)!;
  return files.map((file) => ({
    ...(exact === undefined ? {} : { width: exact }),
    ...(minWidth === undefined ? {} : { minWidth }),
    ...(exact === undefined && minWidth === undefined ? { upscale: file.width / width } : {}),
    ...(model === undefined ? {} : { model }),
    ...(quality === undefined ? {} : { quality }),
    format: file.format as NonNullable<UpscaleOptions['format']>,
  }));
}
