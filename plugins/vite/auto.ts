import { parseDensityName, hasImageExtension } from '#upres/asset/names.js';
import { printQuery } from '#upres/asset/directives.js';
import type { ValueUrl } from '#upres/asset/css-values.js';
import { imageSetOf } from '#upres/asset/markup.js';
import { kilobytes } from '#upres/asset/report.js';
import { matches } from '#upres/asset/resolve.js';
import { isExternal, splitUrl } from '#upres/asset/urls.js';
import { printMark } from './css-marks.js';
import { findAsset } from './find-asset.js';
import type { PlannedAsset, Session } from './session.js';

const usualMaxWidth = 1024;

/**
 * Plans an image that carries no directive as the option `auto` says.
 * @returns undefined for images that are to be left alone
 */
export async function planAuto(session: Session, file: string): Promise<PlannedAsset | undefined> {
  const { auto } = session.options;
  // An image drawn for density 2 but shown at its own size would shrink, were it given a density.
  if (!auto || !hasImageExtension(file) || parseDensityName(file).density !== 1) return undefined;
  const { include, exclude, upscale = 2, maxWidth = usualMaxWidth } = auto;
  if (!matches({ include, ...(exclude === undefined ? {} : { exclude }) }, file, session.config.root)) return undefined;
  const asset = await session.plan(file, { upscale: [1, ...[upscale].flat()].sort((a, b) => a - b), as: 'srcset' });
  return asset.plan.info.width <= maxWidth ? asset : undefined;
}

/** Whether a URL may be one for `auto`: a file of the site, and nothing said about it. */
export const mayBeAuto = (url: string): boolean =>
  url !== '' && !isExternal(url) && !url.startsWith('#') && !url.includes('?');

/** Turns the `url()` of a background into an `image-set()`; undefined where `auto` has nothing to do with a property. */
export function autoImageSet(
  session: Session,
  property: string,
  importer: string,
): ((found: ValueUrl) => Promise<void>) | undefined {
  if (!session.options.auto || !/^background(?:-image)?$/i.test(property)) return undefined;
  return async ({ url, candidate, replaceImage }) => {
    if (candidate || !mayBeAuto(url)) return;
    const file = await findAsset(session.config, url, importer).catch(() => undefined);
    const asset = file === undefined ? undefined : await planAuto(session, file);
    if (!asset) return;
    replaceImage(
      imageSetOf(asset.plan.variants, (variant) => {
        return printMark({
          url: `${variant.source}?${printQuery(variant.directives)}${splitUrl(url).fragment}`,
          importer,
          candidate: true,
          auto: true,
        });
      }),
    );
  };
}

/** What `auto` did to the site's weight. */
export function autoSummary(session: Session): string | undefined {
  const sizes = [...session.auto.files.values()];
  if (sizes.length === 0) return undefined;
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  return `auto: ${sizes.length} ${sizes.length === 1 ? 'file' : 'files'} besides what was there, ${kilobytes(bytes)} more`;
}

/** Whether a file's own URL in the page can be found at all, for HTML. */
export async function autoOf(
  session: Session,
  url: string,
  importer: string,
  { served = false }: { served?: boolean } = {},
): Promise<PlannedAsset | undefined> {
  if (!session.options.auto || !mayBeAuto(splitUrl(url).path)) return undefined;
  const file = await findAsset(session.config, url, importer, undefined, { served }).catch(() => undefined);
  return file === undefined ? undefined : planAuto(session, file);
}
