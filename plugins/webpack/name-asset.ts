import { dirname, join } from 'node:path';
import type { Compiler, LoaderContext, Module } from 'webpack';

/**
 * Lets an asset be named after its result, `logo@2x.webp`, not after its request, `logo.png?upscale=2&format=webp`.
 *
 * webpack takes `matchResource` for it, but does not store that with the module; newer releases have `assetResource` in the
 * build's facts, which are stored. Both are set here, and `restoreNames` covers the releases in between.
 */
export function nameAsset(context: LoaderContext<unknown>, name: string): void {
  const module = context._module!;
  const resource = join(dirname(context.resourcePath), name);
  module.matchResource = resource;
  if (module.buildInfo) Object.assign(module.buildInfo, { assetResource: resource });
}

/** Gives modules that webpack takes from its cache the names back that they were built with. */
export function restoreNames(compiler: Compiler): void {
  compiler.hooks.compilation.tap('upres', (compilation) => {
    // Rspack has no such hook, and keeps names by itself.
    const hooks: Partial<typeof compilation.hooks> = compilation.hooks;
    hooks.stillValidModule?.tap('upres', (module: Module & { matchResource?: string | undefined }) => {
      const resource: unknown = module.buildInfo?.assetResource;
      if (typeof resource === 'string') module.matchResource = resource;
    });
  });
}
