import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { engineIdentity } from '#upres/asset/engine-identity.js';
import { checkAssetOptions, presetOf, type AssetOptions } from '#upres/asset/options.js';
import { UpresPlugin } from '../webpack/index.js';
import { finish, offer } from './service.js';
import type { LoaderOptions } from './service.js';

export type { AssetOptions } from '#upres/asset/options.js';

/** What is read and changed of Next's configuration. */
export interface NextConfigLike {
  turbopack?: { rules?: Record<string, unknown> };
  webpack?: ((config: never, context: never) => unknown) | null;
  compiler?: { runAfterProductionCompile?: (facts: never) => Promise<void> };
}

type Configured<Config> = Config extends (...args: infer Arguments) => infer Result
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
export function upres(options: AssetOptions = {}): <Config extends object>(config?: Config) => Configured<Config> {
  checkAssetOptions(options);
  const root = process.cwd();
  offer();
  return <Config extends object>(config?: Config) => {
    const given = (config ?? {}) as NextConfigLike | ((...args: unknown[]) => unknown);
    const result =
      typeof given === 'function'
        ? async (...args: unknown[]) => extend((await given(...args)) as NextConfigLike, options, root)
        : extend(given, options, root);
    return result as Configured<Config>;
  };
}

export default upres;

/** Images that Turbopack is asked about. */
const images = '*.{png,jpg,jpeg,jpe,jfif,webp,avif,gif,tif,tiff}';

function extend(config: NextConfigLike, options: AssetOptions, root: string): NextConfigLike {
  const { turbopack = {}, webpack, compiler = {} } = config;
  const before = turbopack.rules?.[images];
  return {
    ...config,
    turbopack: {
      ...turbopack,
      rules: {
        ...turbopack.rules,
        [images]: [...rulesFor(options, root), ...(before === undefined ? [] : [before].flat())],
      },
    },
    webpack: (given: { plugins: unknown[] }, context: never): unknown => {
      const made = (webpack?.(given as never, context) ?? given) as { plugins: unknown[] };
      made.plugins.push(new UpresPlugin(options));
      return made;
    },
    compiler: {
      ...compiler,
      async runAfterProductionCompile(facts: never): Promise<void> {
        await compiler.runAfterProductionCompile?.(facts);
        await finish();
      },
    },
  } as NextConfigLike;
}

/** As `hasDirectives` tells it, in one expression: Turbopack decides outside of JavaScript. */
const asks = { query: /[?&]upscale(?:=(?!(?:false|no|off|0)(?:&|$))|&|$)/ };

/**
 * Three kinds of results. Where a rule says no type, Turbopack takes what the loader made for an image: a file for CSS, and for
 * imports what `next/image` takes, `{ src, width, height, blurDataURL }`.
 */
function rulesFor(options: AssetOptions, root: string): object[] {
  const own: LoaderOptions = { options, root, identity: identity() };
  const loaders = [{ loader: fileURLToPath(new URL('./loader.js', import.meta.url)), options: own }];
  const markup = { query: shapeExpression(options) };
  const url = { query: /[?&]as=url(?:&|$)/ };
  return [
    { condition: { all: [asks, markup] }, loaders, type: 'ecmascript' },
    { condition: { all: [asks, url] }, loaders, type: 'asset' },
    { condition: { all: [asks, { not: { any: [markup, url] } }] }, loaders },
  ];
}

/** Queries that give more than one file: by their own words, or by those of a preset. */
function shapeExpression(options: AssetOptions): RegExp {
  const presets = Object.keys(options.presets ?? {}).filter((name) => {
    const { as } = presetOf(options, name);
    return as !== undefined && as !== 'url';
  });
  const names = presets.map((name) => encodeURIComponent(name).replace(/[.*+?^$(){}|[\]\\]/g, '\\$&'));
  const byPreset = names.length === 0 ? '' : `|preset=(?:${names.join('|')})`;
  return new RegExp(`[?&](?:as=(?:srcset|img|picture|metadata)${byPreset})(?:&|$)`);
}

/** Turbopack keeps results between builds, by the options of their loaders: so these change with all that changes results. */
const identity = (): string => createHash('sha256').update(engineIdentity()).digest('hex').slice(0, 16);
