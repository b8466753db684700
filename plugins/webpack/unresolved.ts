import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { hasDirectives } from '#upres/asset/directives.js';
import { decoded, splitUrl } from '#upres/asset/urls.js';
import { mayHaveUrls, writtenUrls, type LeftoversOption } from '#upres/asset/written-urls.js';
import type { Asset, Compilation, Compiler } from 'webpack';

interface Unresolved {
  readonly name: string;
  readonly url: string;
}

/**
 * A directive that is still in what is emitted was seen by no loader (`css-loader` with `url: false`, a page without a loader, a
 * copied file, a URL put together at run time): browsers would get the small image. That is reported, with the file's name.
 */
export function reportUnresolved(compiler: Compiler, leftovers: LeftoversOption): void {
  if (leftovers === 'ignore') return;
  // Only now it is known what the configuration leaves open.
  compiler.hooks.afterPlugins.tap('upres', () => {
    const { emitOnErrors } = compiler.options.optimization;
    if ('rspack' in compiler && emitOnErrors === true) checkFiles(compiler, leftovers);
    else checkAssets(compiler, leftovers);
  });
}

/** Before anything is emitted: what has errors may not be. */
function checkAssets(compiler: Compiler, leftovers: LeftoversOption): void {
  const { Compilation } = compiler.webpack;
  compiler.hooks.thisCompilation.tap('upres', (compilation) => {
    compilation.hooks.processAssets.tap({ name: 'upres', stage: Compilation.PROCESS_ASSETS_STAGE_REPORT }, () => {
      // webpack has bytes already, for what is written, and a text of each asset would be made for this alone. Rspack copies a source when
      // it is asked for it, to a text where it is one.
      const contents =
        'rspack' in compiler ? ({ source }: Asset) => source.source() : ({ source }: Asset) => source.buffer();
      const found = compilation.getAssets().flatMap((asset) => unresolvedIn(compilation, asset, () => contents(asset)));
      complain(compilation, leftovers, found);
    });
  });
}

/**
 * Rspack makes a text of an asset, and its source map, whenever JavaScript asks for it; that would be a tenth of each rebuild. Where errors
 * keep nothing from being emitted, files are read instead, and of a rebuild those that it wrote.
 */
function checkFiles(compiler: Compiler, leftovers: LeftoversOption): void {
  const known = new Map<string, readonly Unresolved[]>();
  compiler.hooks.assetEmitted.tap('upres', (name) => {
    known.delete(name);
  });
  compiler.hooks.afterEmit.tapPromise('upres', async (compilation) => {
    const assets = compilation.getAssets();
    const found = assets.map(async (asset) => {
      const { name } = asset;
      const file = join(compilation.outputOptions.path, name.replace(/\?.*$/s, ''));
      const bytes = known.has(name) || !mayHaveUrls(file) ? undefined : await read(compiler, file);
      return [name, known.get(name) ?? unresolvedIn(compilation, asset, () => bytes ?? asset.source.source())] as const;
    });
    const all = await Promise.all(found);
    known.clear();
    for (const [name, each] of all) known.set(name, each);
    complain(
      compilation,
      leftovers,
      all.flatMap(([, each]) => each),
    );
  });
}

/** @returns undefined where it can't be read: the folder's name may have a hash in it, and other plugins may write assets in a way of their own */
async function read({ outputFileSystem }: Compiler, file: string): Promise<Buffer | undefined> {
  if (!outputFileSystem) return undefined;
  return new Promise((resolve) => {
    outputFileSystem.readFile(file, (error, bytes) => {
      resolve(error ? undefined : Buffer.from(bytes ?? ''));
    });
  });
}

function unresolvedIn(compilation: Compilation, asset: Asset, contents: () => string | Buffer): readonly Unresolved[] {
  const { name } = asset;
  if (/\.[cm]?js(?:$|\?)/i.test(name) && !hasReadableScripts(compilation)) return [];
  const urls = writtenUrls(name, contents);
  const own = /\.json(?:$|\?)/i.test(name) ? urls.filter((url) => isReference(url, asset, compilation)) : urls;
  return own.map((url) => ({ name, url }));
}

function complain(compilation: Compilation, leftovers: LeftoversOption, found: readonly Unresolved[]): void {
  if (found.length === 0) return;
  const { WebpackError } = compilation.compiler.webpack;
  // What could not be built or found is reported already, and stays in the code as it was.
  const told = compilation.errors.map(({ message }) => message);
  const ids = hasReadableScripts(compilation) ? moduleIds(compilation) : new Set();
  for (const { name, url } of found) {
    if (ids.has(url) || told.some((message) => message.includes(url))) continue;
    const error = new WebpackError(
      `upres: ${name} still has "${url}" in it, so this image was not upscaled. Directives are read where webpack ` +
        'resolves the URL: imports, new URL("…", import.meta.url), CSS by css-loader with "url", pages by html-loader. ' +
        'Where it is none, say leftovers: "warn" or "ignore" in the options of upres.',
    );
    error.hideStack = true;
    (leftovers === 'warn' ? compilation.warnings : compilation.errors).push(error);
  }
}

/** Whether scripts have URLs only where they use them, and not in comments with paths or in code that is evaluated. */
function hasReadableScripts({ options: { devtool, output } }: Compilation): boolean {
  return output.pathinfo === false && !(typeof devtool === 'string' && devtool.includes('eval'));
}

/**
 * JSON may be data of any tool and any service: only what leads to a file is a reference. Where it came from no file, a plugin has
 * written down what is in the build (statistics, manifests), and the requests of modules stand in it as their names.
 */
function isReference(url: string, { info }: Asset, compilation: Compilation): boolean {
  const { context } = compilation.compiler;
  const source = typeof info.sourceFilename === 'string' ? dirname(resolve(context, info.sourceFilename)) : undefined;
  if (source === undefined && lastParts(compilation).has(lastPart(url))) return false;
  const path = decoded(splitUrl(url).path);
  if ([context, source].some((folder) => folder !== undefined && existsSync(join(folder, path)))) return true;
  const parts = path.split('/');
  // Whatever is before the names of the build's files.
  return parts.some((_, index) => compilation.getAsset(parts.slice(index).join('/')) !== undefined);
}

const lastPart = (request: string): string => request.replace(/^[^?]*[/\\]/, '');

/** The names of the files that modules with directives were made of, with their queries. */
function lastParts({ modules }: Compilation): Set<string> {
  const resources = [...modules].flatMap((module) => (module as { resource?: string }).resource ?? []);
  return new Set(resources.filter((resource) => hasDirectives(splitUrl(resource).query)).map(lastPart));
}

/** Modules may be called after their requests, and those names stand in the code like any URL. */
function moduleIds({ modules, chunkGraph }: Compilation): Set<string> {
  return new Set([...modules].map((module) => String(chunkGraph.getModuleId(module))));
}
