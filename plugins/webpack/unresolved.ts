import { writtenUrls, type LeftoversOption } from '#upres/asset/written-urls.js';
import type { Compilation, Compiler } from 'webpack';

/**
 * A directive that is still in what is emitted was seen by no loader (`css-loader` with `url: false`, a page without a loader, a
 * copied file, a URL put together at run time): browsers would get the small image. That is reported, with the file's name.
 */
export function reportUnresolved(compiler: Compiler, leftovers: LeftoversOption): void {
  if (leftovers === 'ignore') return;
  const { Compilation, WebpackError } = compiler.webpack;
  compiler.hooks.thisCompilation.tap('upres', (compilation) => {
    compilation.hooks.processAssets.tap({ name: 'upres', stage: Compilation.PROCESS_ASSETS_STAGE_REPORT }, () => {
      const ids = readableIds(compilation);
      const found = compilation.getAssets().flatMap(({ name, source }) => {
        if (/\.[cm]?js(?:$|\?)/i.test(name) && !ids) return [];
        const urls = writtenUrls(name, () => source.source().toString());
        return urls.filter((url) => !ids?.has(url)).map((url) => ({ name, url }));
      });
      // What could not be built or found is reported already, and stays in the code as it was.
      const told = found.length > 0 ? compilation.errors.map(({ message }) => message) : [];
      for (const { name, url } of found) {
        if (told.some((message) => message.includes(url))) continue;
        const error = new WebpackError(
          `upres: ${name} still has "${url}" in it, so this image was not upscaled. Directives are read where webpack ` +
            'resolves the URL: imports, new URL("…", import.meta.url), CSS by css-loader with "url", pages by html-loader. ' +
            "Where it is none, say leftovers: 'warn' or 'ignore' in the options of upres.",
        );
        error.hideStack = true;
        (leftovers === 'warn' ? compilation.warnings : compilation.errors).push(error);
      }
    });
  });
}

/**
 * Modules may be called after their requests, and those names stand in the code like any URL.
 * @returns undefined where scripts are full of names in other places too: comments, and code that is evaluated
 */
function readableIds({ options, modules, chunkGraph }: Compilation): Set<string> | undefined {
  const { devtool, output } = options;
  if (output.pathinfo !== false || (typeof devtool === 'string' && devtool.includes('eval'))) return undefined;
  return new Set([...modules].map((module) => String(chunkGraph.getModuleId(module))));
}
