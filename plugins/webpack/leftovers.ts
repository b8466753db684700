import type { Compilation, Compiler } from 'webpack';
import { urlsWithDirectives } from './urls-with-directives.js';

/**
 * A directive that is still in what is emitted was seen by nobody (`css-loader` with `url: false`, a page without a loader, a
 * copied file, a URL put together at run time): browsers would get the small image. That is an error, and it names the file.
 */
export function refuseLeftovers(compiler: Compiler): void {
  const { Compilation, WebpackError } = compiler.webpack;
  compiler.hooks.thisCompilation.tap('upres', (compilation) => {
    compilation.hooks.processAssets.tap({ name: 'upres', stage: Compilation.PROCESS_ASSETS_STAGE_REPORT }, () => {
      const ids = readableIds(compilation);
      for (const { name, source } of compilation.getAssets()) {
        if (/\.[cm]?js(?:$|\?)/i.test(name) && !ids) continue;
        for (const url of urlsWithDirectives(name, () => source.source().toString())) {
          if (ids?.has(url)) continue;
          const error = new WebpackError(
            `upres: ${name} still has "${url}" in it, so this image was not upscaled. Directives are read where webpack ` +
              'resolves the URL: imports, new URL("…", import.meta.url), CSS by css-loader with "url", pages by html-loader.',
          );
          error.hideStack = true;
          compilation.errors.push(error);
        }
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
