import { readableMessage } from '#upres/asset/readable-message.js';
import { foldersOfStyles, unresolvedDirectives, type BundleFile } from '#upres/asset/unresolved-directives.js';
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
  const styles = foldersOfStyles(context.getModuleIds());
  for (const output of Object.values(bundle)) {
    const found = unresolvedDirectives(output, { root, publicDir: '', base: '/', styles });
    if (found.length === 0) continue;
    const message =
      found
        .map(({ url, files }) => {
          const from = files.length > 0 ? ` (from ${files.join(', ')})` : '';
          return `"${url}" is still in ${output.fileName}${from}: its image was not upscaled. `;
        })
        .join('\n') +
      'Directives work in imports and in new URL("…", import.meta.url) of JavaScript, so put upres() behind what compiles to it; ' +
      `style sheets are read by no part of the bundler itself. ${wayOut}`;
    tell(context, leftovers, message);
  }
}

const wayOut = 'Where it is none, say leftovers: "warn" or "ignore" in the options of upres.';

/** URLs of images that no one can know before the script runs: browsers would ask for what is not there, or get the small image. */
export function reportAssembled(
  context: BundlerContext,
  written: readonly string[],
  file: string,
  leftovers: LeftoversOption,
  root: string,
): void {
  if (leftovers === 'ignore' || written.length === 0) return;
  const message = `a URL that is put together at run time can’t carry a directive: ${written.join(', ')}. ${wayOut}`;
  tell(context, leftovers, readableMessage(message, file, '', root));
}

function tell(context: BundlerContext, leftovers: LeftoversOption, message: string): void {
  if (leftovers === 'warn') context.warn(message);
  else context.error(message);
}
