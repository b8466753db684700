import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { directivesQuery, parseQuery } from '#upres/asset/directives.js';
import { engineIdentity } from '#upres/asset/engine-identity.js';
import { presetOf, type AssetOptions } from '#upres/asset/options.js';
import type { Compiler } from 'webpack';

/** Absolute path of the loader, for rules of your own. */
export const loader: string = fileURLToPath(new URL('./loader.js', import.meta.url));

/** The folder of our loaders, with those of other plugins of ours. */
export const ownLoaders: string = fileURLToPath(new URL('..', import.meta.url));

const checkLoader = fileURLToPath(new URL('./check-loader.js', import.meta.url));

/** A kind of module, in words that webpack and Rspack share. */
export interface ModuleKind {
  /** As a rule's `type`. */
  type?: string;
  /** The kind of dependency that it holds for. */
  dependency?: string;
  /** Whether a query is of this kind. */
  resourceQuery?: (query: string) => boolean;
  /** Where the file lies. */
  generator?: {
    /** A template of webpack's. */
    filename: string;
  };
}

/** A rule for `module.rules`. */
export interface UpresRule {
  /** What a query with directives is: an expression, since Rspack would cross into JavaScript for each module otherwise. */
  resourceQuery: RegExp;
  /** The loader. */
  use: {
    /** Absolute path. */
    loader: string;
    /** What all tools share. */
    options: AssetOptions;
    /** Changes whenever the same picture may come out in other pixels. */
    ident: string;
  }[];
  /** What kind of module an image becomes, by its query. */
  oneOf: ModuleKind[];
}

/** The loader as rules use it. */
export function ownLoader(options: AssetOptions, ident: string): UpresRule['use'][number] {
  return { loader, options: { ...options }, ident };
}

/**
 * Rules that hand images with directives to the loader: as files, or as modules that import such files.
 * @param ident as {@link identOf} gives it
 */
export function upresRules(options: AssetOptions, ident: string): UpresRule[] {
  const kinds = kindsOf(options, { type: 'asset/resource' }, { type: 'javascript/auto' });
  return [{ resourceQuery: directivesQuery, use: [ownLoader(options, ident)], oneOf: kinds }];
}

/**
 * Adds the rules after everybody else's, so that ours decide what kind of module an image becomes, and other loaders get what
 * ours made.
 */
export function addRules(compiler: Compiler, options: AssetOptions): void {
  compiler.hooks.afterPlugins.tap('upres', () => {
    const { rules } = compiler.options.module;
    const ident = identIn(compiler, options);
    rules.push(...upresRules(options, ident));
    // (In webpack, `keepOthersOff` puts our loader where it is missing.)
    if ('rspack' in compiler) rules.push({ resourceQuery: directivesQuery, enforce: 'post', loader: checkLoader });
    freshenRspackCache(compiler, ident);
    if (namesAssets(compiler)) return;
    // First, so that a rule with a file name of its own overrides it. (Rspack reads a generator by its rule's own type.)
    const named = { type: 'asset/resource', generator: { filename: '[name].[contenthash:8][ext]' } };
    rules.unshift({ resourceQuery: directivesQuery, oneOf: kindsOf(options, named, {}) });
  });
}

/** Rspack restores whole builds without looking at rules, so there the cache as a whole is of this version or of none. */
function freshenRspackCache(compiler: Compiler, ident: string): void {
  if (!('rspack' in compiler)) return;
  const { cache } = compiler.options as { cache?: boolean | { type: string; version?: string } };
  if (typeof cache === 'object' && cache.type === 'persistent') cache.version = `${cache.version ?? ''} ${ident}`;
}

/** What is wanted from CSS, HTML and `new URL()` is always a file; in JavaScript it depends on the shape. */
function kindsOf(options: AssetOptions, file: ModuleKind, markup: ModuleKind): ModuleKind[] {
  return [
    { ...file, dependency: 'url' },
    { ...markup, resourceQuery: (query) => isMarkup(query, options) },
    { ...file },
  ];
}

/** Whether the configuration says how assets are called. */
function namesAssets({ options }: Compiler): boolean {
  const { generator } = options.module;
  const filenames = [generator['asset/resource']?.filename, generator.asset?.filename];
  const { assetModuleFilename } = options.output;
  const usual = assetModuleFilename === undefined || usualFilename.test(String(assetModuleFilename));
  return !usual || filenames.some((filename) => filename !== undefined);
}

/** What webpack and Rspack take where nothing else is configured. */
const usualFilename = /^\[hash\]\[ext\]\[query\](?:\[fragment\])?$/;

/** Whether an import gives more than the URL of one file. Directives that can't be are the loader's to complain about. */
function isMarkup(query: string, options: AssetOptions): boolean {
  try {
    const { as, preset } = parseQuery(query) ?? {};
    const shape = as ?? (preset === undefined ? undefined : presetOf(options, preset).as);
    return shape !== undefined && shape !== 'url';
  } catch {
    return false;
  }
}

/**
 * webpack's persistent cache knows a loader by its path and this name, not by its options: so the name changes with whatever
 * changes results, and nothing stale is ever taken. (Files of networks of your own are dependencies of the modules.)
 */
export function identOf(options: AssetOptions): string {
  return identBy(options, engineIdentity(options.device));
}

/**
 * The same for one compiler. Where it keeps nothing for other processes, the options are all that can differ: what tells networks
 * apart stands in a file for each, and reading these takes as long as compiling a hundred modules.
 */
export function identIn({ options: { cache, experiments } }: Compiler, options: AssetOptions): string {
  // Rspack had its own among the experiments once.
  const caches = [cache, (experiments as { readonly cache?: typeof cache } | undefined)?.cache];
  const isKept = caches.some((each) => typeof each === 'object' && each.type !== 'memory');
  return isKept ? identOf(options) : identBy(options, '');
}

function identBy(options: AssetOptions, engine: string): string {
  // These differ from machine to machine, and results don't depend on them.
  const decisive = { ...options, cache: undefined, threads: undefined };
  const hash = createHash('sha256').update(JSON.stringify([decisive, engine]));
  return `upres-${hash.digest('hex').slice(0, 16)}`;
}
