/**
 * The plugin for esbuild and Bun.
 * @module upres/esbuild
 */
import { readFile } from 'node:fs/promises';
import { dirname, extname, relative, resolve, sep } from 'node:path';
import { parseQuery, printQuery } from '#upres/asset/directives.js';
import { inputsOf } from '#upres/asset/inputs.js';
import { moduleCode } from '#upres/asset/module-code.js';
import { hasImageExtension } from '#upres/asset/names.js';
import { bundlerOptions, checkAssetOptions, type AssetOptions } from '#upres/asset/options.js';
import { AssetPipeline, type PreparedAsset } from '#upres/asset/pipeline.js';
import { readableMessage } from '#upres/asset/readable-message.js';
import { decoded, isOurs, splitUrl } from '#upres/asset/urls.js';
import type { LeftoversOption } from '#upres/asset/written-urls.js';
import type { TypeOf } from '#upres/schema.js';
import type { VariantPlan } from '#upres/asset/asset-plan.js';
import {
  imageLoaders,
  type BundlerBuild,
  type BundlerOptions,
  type ImageLoader,
  type Message,
  type ResolveArguments,
  type UpresEsbuildPlugin,
} from './bundler.js';
import { unresolvedOf } from './unresolved.js';
import { Places } from './places.js';
import { styleLoader, withImageSetUrls } from './styles.js';

export type { AssetOptions } from '#upres/asset/options.js';
export type { UpresEsbuildPlugin } from './bundler.js';

/** Options of `upres()` of `upres/esbuild`. */
export interface UpresEsbuildOptions extends TypeOf<typeof bundlerOptions> {}

/** Bun has esbuild's interface as far as it is common, with other answers here and there. */
const inBun = process.versions.bun !== undefined;

/** Modules that import several files. */
const markup = 'upres';

/**
 * Upscales images whose URL says so, as in `photo.jpg?upscale=2`, in imports and in CSS: for esbuild and Bun.
 * @throws UpresError BAD_ARGUMENT for options that don't exist or can't be
 */
export function upres(options: UpresEsbuildOptions = {}): UpresEsbuildPlugin {
  checkAssetOptions(options, bundlerOptions);
  const { leftovers = 'error', ...assetOptions } = options;
  return {
    name: 'upres',
    setup(build) {
      setUp(build, assetOptions, leftovers);
    },
  };
}

export default upres;

/**
 * What `require()` gives: the function itself, and what `import` finds by name.
 * @hidden
 */
const required = Object.assign(upres, { upres, default: upres });
export { required as 'module.exports' };

/** One file of an asset, which esbuild gives its name, its hash and its public path. */
interface File {
  readonly plan: PreparedAsset;
  readonly variant: VariantPlan;
}

function setUp(build: BundlerBuild, options: AssetOptions, leftovers: LeftoversOption): void {
  const settings: BundlerOptions = build.initialOptions ?? {};
  const root = settings.absWorkingDir ?? process.cwd();
  const warn = (message: string): void => {
    console.warn(`upres: ${message}`);
  };
  const pipeline = new AssetPipeline(options, { root, warn });
  const places = new Places<File>();
  const plans = new Map<string, PreparedAsset>();

  const failure = (error: unknown, file: string, query: string): { errors: Message[]; watchFiles: string[] } => ({
    errors: [{ text: readableMessage(error, file, query, root) }],
    // It is read again when it is mended.
    watchFiles: [file],
  });

  build.onResolve({ filter: /[?&]upscale/ }, async (args) => {
    if (args.kind === 'import-rule' || args.kind === 'entry-point' || !isOurs(args.path)) return undefined;
    const { query, fragment } = splitUrl(args.path);
    const { file, external } = await find(build, args);
    if (external || !hasImageExtension(file)) return undefined;
    try {
      const plan = await pipeline.plan(file, parseQuery(query)!);
      const watchFiles = inputsOf(plan, options, root);
      if (plan.shape === 'url') {
        const variant = plan.variants[0]!;
        const path = places.of(dirname(file), variant.name, printQuery(variant.directives), { plan, variant });
        return { path, namespace: 'file', suffix: fragment, watchFiles };
      }
      if (args.kind === 'url-token') {
        throw new Error(`as=${plan.shape} is for imports in JavaScript; here one file is wanted`);
      }
      const path = `${relative(root, file).split(sep).join('/')}?${query}`;
      plans.set(path, plan);
      return { path, namespace: markup, sideEffects: false, watchFiles };
    } catch (error) {
      return failure(error, file, query);
    }
  });

  // A file of ours: see Places.
  build.onLoad({ filter: /[\\/]\.[\\/][^\\/]+$/, namespace: 'file' }, async ({ path }) => {
    const file = places.at(path);
    if (!file) return undefined;
    const { plan, variant } = file;
    const warnings: Message[] = [];
    const tell = (text: string): void => {
      warnings.push({ text: readableMessage(new Error(text), variant.source, '', root) });
    };
    const watchFiles = inputsOf(plan, options, root);
    try {
      const { data } = await pipeline.render(plan, variant, { warn: tell });
      return { contents: data, loader: loaderFor(variant, settings), warnings, watchFiles };
    } catch (error) {
      return { ...failure(error, variant.source, printQuery(variant.directives)), watchFiles };
    }
  });

  build.onLoad({ filter: /.*/, namespace: markup }, ({ path }) => {
    const plan = plans.get(path)!;
    const names = new Map<string, string>();
    const code = moduleCode(plan, (variant) => {
      const request = places.of(dirname(plan.file), variant.name, printQuery(variant.directives), { plan, variant });
      const name = names.get(request) ?? `url${names.size}`;
      names.set(request, name);
      return name;
    });
    const imports = [...names].map(([request, name]) => `import ${name} from ${JSON.stringify(request)};\n`).join('');
    const watchFiles = inputsOf(plan, options, root);
    return Promise.resolve({ contents: imports + code, loader: 'js', resolveDir: dirname(plan.file), watchFiles });
  });
  // Its imports are ready-made: no one has to look for them.
  build.onResolve({ filter: /[\\/]\.[\\/][^\\/]+$/ }, ({ path }) =>
    Promise.resolve(places.at(path) ? { path, namespace: 'file' } : undefined),
  );

  // esbuild reads `url()` itself, but not the strings of an `image-set()`.
  build.onLoad({ filter: /\.css$/, namespace: 'file' }, async ({ path }) => {
    const loader = styleLoader(path, settings);
    const css = loader && (await readFile(path, 'utf8').catch(() => undefined));
    const contents = css === undefined ? undefined : await withImageSetUrls(css);
    return contents === undefined || contents === css ? undefined : { contents, loader: loader!, watchFiles: [path] };
  });

  // What is emitted is searched in the end, so it has to be known.
  if (build.initialOptions && leftovers !== 'ignore') build.initialOptions.metafile = true;
  build.onEnd?.(async (result) => {
    const loud = /^(?:info|debug|verbose)$/.test(settings.logLevel ?? '');
    await pipeline.finish((line) => {
      if (loud) console.error(line);
    });
    pipeline.report.clear();
    const found = leftovers === 'ignore' || result.errors?.length ? [] : await unresolvedOf(result, root);
    const messages = found.map((text) => ({ text }));
    return leftovers === 'warn' ? { warnings: messages } : { errors: messages };
  });
  // Bun has the hook, and throws when it is used; there the end of the process is the end.
  if (!inBun) {
    build.onDispose?.(() => {
      pipeline.close().catch(console.error);
    });
  }
}

/** The file that a request means, by esbuild's own rules: aliases, packages, paths of TypeScript. */
async function find(build: BundlerBuild, args: ResolveArguments): Promise<{ file: string; external: boolean }> {
  const { path: written } = splitUrl(args.path);
  const path = args.kind === 'url-token' ? decoded(written) : written;
  const { importer, namespace, resolveDir = dirname(importer), kind } = args;
  const found = inBun ? undefined : await build.resolve?.(path, { importer, namespace, resolveDir, kind });
  if (!found || found.errors.length > 0) return { file: resolve(resolveDir, path), external: false };
  return { file: found.path, external: found.external };
}

/** What the configuration says of such images, as far as it leaves them images; else a file. */
function loaderFor({ name }: VariantPlan, { loader = {} }: BundlerOptions): ImageLoader {
  const configured = loader[extname(name)];
  return imageLoaders.find((known) => known === configured) ?? 'file';
}
