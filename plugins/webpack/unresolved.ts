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
      const readable = hasReadableScripts(compilation);
      // Bytes are there already, for what is written; a text of each asset would be made for this alone.
      const found = compilation.getAssets().flatMap(({ name, source }) => {
        if (/\.[cm]?js(?:$|\?)/i.test(name) && !readable) return [];
        return writtenUrls(name, () => source.buffer()).map((url) => ({ name, url }));
      });
      if (found.length === 0) return;
      // What could not be built or found is reported already, and stays in the code as it was.
      const told = compilation.errors.map(({ message }) => message);
      const ids = readable ? moduleIds(compilation) : new Set();
      for (const { name, url } of found) {
        if (ids.has(url) || told.some((message) => message.includes(url))) continue;
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

/** Whether scripts have URLs only where they use them, and not in comments with paths or in code that is evaluated. */
function hasReadableScripts({ options: { devtool, output } }: Compilation): boolean {
  return output.pathinfo === false && !(typeof devtool === 'string' && devtool.includes('eval'));
}

/** Modules may be called after their requests, and those names stand in the code like any URL. */
function moduleIds({ modules, chunkGraph }: Compilation): Set<string> {
  return new Set([...modules].map((module) => String(chunkGraph.getModuleId(module))));
}
