import { dirname, join, relative } from 'node:path';
import type { Compilation, Compiler, LoaderContext, Module } from 'webpack';

type NamedModule = Module & { matchResource?: string | undefined };

/**
 * Lets an asset be named after its result, `logo@2x.webp`, not after its request, `logo.png?upscale=2&format=webp`.
 *
 * webpack takes `matchResource` for it, but does not store that with the module; newer releases have `assetResource` in the
 * build's facts, which are stored. Both are set here, and `restoreNames` covers the releases in between. (Rspack stores the first.)
 */
export function nameAsset(context: LoaderContext<unknown>, name: string): void {
  const module = context._module!;
  const resource = resourceOf(context, name);
  module.matchResource = resource;
  if ('rspack' in context._compiler!) return;
  if (module.buildInfo) Object.assign(module.buildInfo, { assetResource: resource });
}

/** The names of assets in Rspack's builds, by their modules' identifiers. */
const announced = new WeakMap<Compilation, Map<string, string>>();

/**
 * Says in the pitch what Rspack shall name an asset, instead of `nameAsset`.
 *
 * What runs within the build (extracted CSS, by `importModule`) has a graph of modules of its own there, so an image of a script and
 * of CSS is built twice under one identifier. To JavaScript both modules are one object, which points to the one that was handed over
 * last: whoever writes to it later writes to the other, or to memory that was freed with that, and the process panics or hangs sooner
 * or later. So it is written only where Rspack has just handed the module over: as its loaders are begun, which happens once more
 * after the pitch.
 */
export function announceName(context: LoaderContext<unknown>, name: string): void {
  const compilation = context._compilation!;
  const names = announced.get(compilation) ?? takeNames(compilation);
  names.set(context._module!.identifier(), resourceOf(context, name));
}

function takeNames(compilation: Compilation): Map<string, string> {
  const names = new Map<string, string>();
  announced.set(compilation, names);
  const { NormalModule } = compilation.compiler.webpack;
  NormalModule.getCompilationHooks(compilation).loader.tap('upres', (_context, module: NamedModule) => {
    const name = names.get(module.identifier());
    if (name !== undefined) module.matchResource = name;
  });
  return names;
}

/**
 * What a bundler takes for the path of a file: a `?` would begin a query there, and a `#` a fragment. Names stand in URLs as they are, where
 * `%` has a meaning, too. In their place is `_`, as in other tools that sanitize names; what leads to the project is not looked at.
 */
function resourceOf({ rootContext, resourcePath }: LoaderContext<unknown>, name: string): string {
  const folder = relative(rootContext, dirname(resourcePath)).replace(/[?#]/g, '_');
  return join(rootContext, folder, name.replace(/[?#%]/g, '_'));
}

/** Gives modules of webpack's cache the names back that they were built with. (Rspack keeps names by itself.) */
export function restoreNames(compiler: Compiler): void {
  if ('rspack' in compiler) return;
  compiler.hooks.compilation.tap('upres', (compilation) => {
    compilation.hooks.stillValidModule.tap('upres', (module: NamedModule) => {
      const resource: unknown = module.buildInfo?.assetResource;
      if (typeof resource === 'string') module.matchResource = resource;
    });
  });
}
