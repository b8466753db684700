import { hasDirectives } from '#upres/asset/directives.js';
import { hasImageExtension } from '#upres/asset/names.js';
import type { AssetOptions } from '#upres/asset/options.js';
import { sniff } from '#upres/image/codec/sniff.js';
import type { Asset, Compiler, Dependency, Module } from 'webpack';
import { identIn, ownLoader, ownLoaders } from './rules.js';

/** What webpack knows of a module before it makes it; only what is read and changed here. */
interface CreateData {
  request?: string;
  resource?: string;
  loaders?: { loader: string; options?: unknown; ident?: string | null }[];
  type?: string;
  parser?: unknown;
  generator?: unknown;
}

/** Behind all others that look at a module's request. */
const last = 1_000_000;

/**
 * Keeps other loaders away from images with directives. Projects and frameworks have rules for images by their extension
 * (file-, url-, responsive-, thread-loader, image-minimizer's): each would take our pixels for the source's, and make a script of
 * them that is emitted under a picture's name. Plugins that share modules by their file (as Angular's) would give all sizes of an
 * image one result.
 *
 * webpack calls `afterResolve` when rules are applied and nothing is built: the only place where that can be said of one request.
 */
export function keepOthersOff(compiler: Compiler, options: AssetOptions): void {
  // Rspack applies rules outside of JavaScript, and has no such data.
  if ('rspack' in compiler) return;
  compiler.hooks.normalModuleFactory.tap('upres', (factory) => {
    const own = ownLoader(options, identIn(compiler, options));
    factory.hooks.afterResolve.tap({ name: 'upres', stage: last }, (data) => {
      const createData = data.createData as CreateData;
      const resource = createData.request?.split('!').at(-1);
      if (resource === undefined || createData.loaders === undefined) return;
      if (!hasDirectives(queryOf(resource))) return;
      // Next has a second one of ours for what is imported in scripts; it is added later.
      const ours = createData.loaders.filter((each) => each.loader.startsWith(ownLoaders));
      createData.loaders = ours.length > 0 ? ours.slice(-1) : [own];
      createData.resource = resource;
      createData.request = [...createData.loaders.map((each) => `${each.loader}??${each.ident ?? ''}`), resource].join(
        '!',
      );
      if (createData.type?.startsWith('asset') && wantDefault(data.dependencies)) {
        createData.type = 'javascript/auto';
        createData.parser = factory.getParser('javascript/auto');
        createData.generator = factory.getGenerator('javascript/auto');
      }
    });
  });
}

/**
 * `require('./a.png?upscale=2').default`, as it is written for file-loader, also where it is destructured or read of a constant: a file's
 * module is a string and has no `default`, so this becomes a module that has one.
 */
function wantDefault(dependencies: readonly CommonJsDependency[]): boolean {
  const paths = dependencies.flatMap(({ category, ids, names, referencedExports }) => {
    if (category !== 'commonjs') return [undefined];
    // Of `exports.a = require(…).default`, the names are those of the export.
    const path = ids ?? names;
    if (path !== undefined) return [path];
    return Array.isArray(referencedExports) ? (referencedExports as unknown[]) : [undefined];
  });
  return paths.length > 0 && paths.every((path) => Array.isArray(path) && path[0] === 'default');
}

/** What webpack knows of how the result of `require()` is used. */
type CommonJsDependency = Dependency & {
  ids?: unknown;
  names?: unknown;
  /** Paths, none where nothing is used; null where it is used as a whole, and undefined in older releases. */
  referencedExports?: unknown;
};

/** Modules of images whose contents another loader has made something else of; where that can't be prevented, it is an error. */
export function refuseForeignContents(compiler: Compiler): void {
  const { Compilation, WebpackError } = compiler.webpack;
  compiler.hooks.thisCompilation.tap('upres', (compilation) => {
    compilation.hooks.processAssets.tap({ name: 'upres', stage: Compilation.PROCESS_ASSETS_STAGE_REPORT }, () => {
      // Rspack makes an object of each module that JavaScript looks at: only where some file is no picture.
      if ('rspack' in compiler && !compilation.getAssets().some(isFalsePicture)) return;
      for (const module of compilation.modules) {
        const { type, resource, loaders } = module as ModuleOfFile;
        if (!type.startsWith('asset') || resource === undefined || !hasDirectives(queryOf(resource))) continue;
        const contents = module.originalSource()?.buffer();
        if (!contents || sniff(contents).format !== undefined) continue;
        const others = (loaders ?? []).flatMap((each) => (each.loader.startsWith(ownLoaders) ? [] : [each.loader]));
        const error = new WebpackError(
          `upres: what becomes of "${module.readableIdentifier(compilation.requestShortener)}" is no picture: ` +
            `${others.length > 0 ? `these loaders have changed it: ${others.join(', ')}` : 'another loader has changed it'}. ` +
            'Keep them off images with directives: resourceQuery: { not: [/[?&]upscale/] } in their rule.',
        );
        error.hideStack = true;
        compilation.errors.push(error);
      }
    });
  });
}

/** Whether a file has the name of a picture, or of a picture's file in the sources, and other contents. */
function isFalsePicture(asset: Asset): boolean {
  const { name, info } = asset;
  const named = [info.sourceFilename, name].flat().some((file) => file !== undefined && hasImageExtension(file));
  // Rspack copies a source for JavaScript whenever it is asked for it.
  return named && sniff(asset.source.buffer()).format === undefined;
}

type ModuleOfFile = Module & { resource?: string; loaders?: { loader: string }[] };

const queryOf = (resource: string): string => {
  const at = resource.indexOf('?');
  return at < 0 ? '' : resource.slice(at + 1).replace(/#.*$/s, '');
};
