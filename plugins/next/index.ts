import { refuseSecrets } from '#upres/asset/cache/cache-option.js';
import { bundlerOptions, checkAssetOptions } from '#upres/asset/options.js';
import type { TypeOf } from '#upres/schema.js';
import { reportUnresolved } from './unresolved.js';
import { finish, offer } from './service.js';
import { turbopackRules } from './turbopack.js';
import { addToWebpack, type WebpackConfig, type WebpackContext } from './webpack.js';

export type { AssetOptions } from '#upres/asset/options.js';

/** Options of `upres()` in `next.config`. */
export interface UpresNextOptions extends TypeOf<typeof bundlerOptions> {}

/** What is read and changed of Next's configuration. */
export interface NextConfigLike {
  /** The path of the site on its host. */
  basePath?: string;
  /** Packages that servers load as they are; `upres` is added, for routes that upscale by themselves. */
  serverExternalPackages?: readonly string[];
  /** Turbopack's options; a rule for images with directives is added. */
  turbopack?: {
    /** Loaders by glob. */
    rules?: Record<string, unknown>;
  };
  /** What changes webpack's configuration; called before ours. */
  webpack?: ((config: never, context: never) => unknown) | null;
  /** Options of the compiler. */
  compiler?: {
    /** Called when the site is compiled; called before ours. */
    runAfterProductionCompile?: (facts: never) => Promise<void>;
  };
}

/** A configuration stays one; a function that gives one stays a function. */
export type Configured<Config> = Config extends (...args: infer Arguments) => infer Result
  ? (...args: Arguments) => Promise<Awaited<Result>>
  : Config;

/**
 * Upscales images whose URL says so, as in `photo.jpg?upscale=2`, in a Next.js site: with Turbopack and with webpack.
 *
 * ```js
 * export default upres()(nextConfig)
 * ```
 * @throws UpresError BAD_ARGUMENT for options that don't exist or can't be
 */
export function upres(options: UpresNextOptions = {}): <Config extends object>(config?: Config) => Configured<Config> {
  checkAssetOptions(options, bundlerOptions);
  refuseSecrets(options.cache, 'Next');
  return <Config extends object>(config?: Config) => {
    const given = (config ?? {}) as NextConfigLike | ((...args: unknown[]) => unknown);
    const result =
      typeof given === 'function'
        ? async (...args: unknown[]) => extend((await given(...args)) as NextConfigLike, options)
        : extend(given, options);
    return result as Configured<Config>;
  };
}

export default upres;

/** What Next tells when everything is compiled. */
interface Compiled {
  readonly projectDir: string;
  readonly distDir: string;
}

function extend(config: NextConfigLike, options: UpresNextOptions): NextConfigLike {
  const { leftovers = 'error', ...assets } = options;
  const { turbopack = {}, webpack, compiler = {}, basePath = '', serverExternalPackages = [] } = config;
  const root = process.cwd();
  offer();
  return {
    ...config,
    // Its files find each other, its networks and its threads by where they lie.
    serverExternalPackages: [...new Set([...serverExternalPackages, 'upres'])],
    turbopack: { ...turbopack, rules: turbopackRules(turbopack.rules, assets, root) },
    webpack(given: WebpackConfig, context: WebpackContext): unknown {
      const made = (webpack?.(given as never, context as never) ?? given) as WebpackConfig;
      addToWebpack(made, context, assets, leftovers);
      return made;
    },
    compiler: {
      ...compiler,
      async runAfterProductionCompile(facts: Compiled): Promise<void> {
        await compiler.runAfterProductionCompile?.(facts as never);
        await finish();
        await reportUnresolved(facts, basePath, leftovers);
      },
    },
  };
}

/**
 * What `require()` gives: the function itself, and what `import` finds by name.
 * @hidden
 */
const required = Object.assign(upres, { upres, default: upres });
export { required as 'module.exports' };
