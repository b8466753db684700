import { dirname, join, relative } from 'node:path';
import type { Compiler, LoaderContext, Module } from 'webpack';
import { namesIn } from './compiler-state.js';

type NamedModule = Module & { matchResource?: string | undefined };

/**
 * Lets an asset be named after its result, `logo@2x.webp`, not after its request, `logo.png?upscale=2&format=webp`.
 *
 * webpack takes `matchResource` for it, but does not store that with the module; newer releases have `assetResource` in the
 * build's facts, which are stored. Both are set here, and `restoreNames` covers the releases in between.
 */
export function nameAsset(context: LoaderContext<unknown>, name: string): void {
  const module = context._module!;
  const resource = resourceOf(context, name);
  module.matchResource = resource;
  if (module.buildInfo) Object.assign(module.buildInfo, { assetResource: resource });
  namesIn.get(context._compiler!)?.set(module.identifier(), resource);
}

/**
 * What a bundler takes for the path of a file: a `?` would begin a query there, and a `#` a fragment. Names stand in URLs as they are, where
 * `%` has a meaning, too. In their place is `_`, as in other tools that sanitize names; what leads to the project is not looked at.
 */
function resourceOf({ rootContext, resourcePath }: LoaderContext<unknown>, name: string): string {
  const folder = relative(rootContext, dirname(resourcePath)).replace(/[?#]/g, '_');
  return join(rootContext, folder, name.replace(/[?#%]/g, '_'));
}

/** Gives modules the names back that webpack does not keep with them. */
export function restoreNames(compiler: Compiler): void {
  if ('rspack' in compiler) nameTwins(compiler);
  else nameCached(compiler);
}

/** Modules that webpack takes from its cache have the names that they were built with. (Rspack keeps names by itself.) */
function nameCached(compiler: Compiler): void {
  compiler.hooks.compilation.tap('upres', (compilation) => {
    compilation.hooks.stillValidModule.tap('upres', (module: NamedModule) => {
      const resource: unknown = module.buildInfo?.assetResource;
      if (typeof resource === 'string') module.matchResource = resource;
    });
  });
}

/**
 * CSS that Rspack extracts is run within the build, in a graph of modules of its own, so an image of a script and of CSS is built
 * twice under one identifier. Loaders of both are shown one of the two modules, and only that would get its name. Here each is
 * shown by itself.
 *
 * Rspack crosses into JavaScript for each module of this hook, so it is used only where CSS is extracted.
 */
function nameTwins(compiler: Compiler): void {
  compiler.hooks.compilation.tap('upres', (compilation) => {
    // Lists of plugins have gaps where a condition was not met.
    const plugins: (object | null | undefined | false)[] = compiler.options.plugins;
    if (!plugins.some((plugin) => plugin && plugin.constructor.name === 'CssExtractRspackPlugin')) return;
    const names = namesIn.get(compiler) ?? new Map<string, string>();
    namesIn.set(compiler, names);
    compilation.hooks.succeedModule.tap('upres', (module: NamedModule) => {
      const name = names.size > 0 ? names.get(module.identifier()) : undefined;
      if (name !== undefined) module.matchResource = name;
    });
  });
}
