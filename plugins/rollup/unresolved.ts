import { unresolvedDirectives, type BundleFile } from '#upres/asset/unresolved-directives.js';
import type { LeftoversOption } from '#upres/asset/written-urls.js';
import type { BundlerContext } from './bundler.js';

/** A directive that is still there when everything is bundled was seen by no hook, and browsers would get the small image. */
export function reportUnresolved(
  context: BundlerContext,
  bundle: Readonly<Record<string, BundleFile>>,
  leftovers: LeftoversOption,
  root: string,
): void {
  if (leftovers === 'ignore') return;
  for (const output of Object.values(bundle)) {
    const found = unresolvedDirectives(output, { root, publicDir: '', base: '/' });
    if (found.length === 0) continue;
    const message =
      found
        .map(({ url, files }) => {
          const from = files.length > 0 ? ` (from ${files.join(', ')})` : '';
          return `"${url}" is still in ${output.fileName}${from}: its image was not upscaled. `;
        })
        .join('\n') +
      'Directives work in imports and in new URL("…", import.meta.url); a URL that is put together at run time can’t carry one, and ' +
      'style sheets are read by no part of the bundler itself. Where it is none, say leftovers: "warn" or "ignore" in the options of upres.';
    if (leftovers === 'warn') context.warn(message);
    else context.error(message);
  }
}
