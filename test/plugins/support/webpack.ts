import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { rspack } from '@rspack/core';
import { UpresPlugin, type UpresPluginOptions } from 'upres/webpack';
import webpack, { type Compiler, type Configuration, type MultiStats, type Stats } from 'webpack';
import { temporaryFolder } from '../../support/folders.js';
import { sources } from '../cases.js';

/** A bundler with webpack's interface. */
export interface Bundler {
  readonly name: string;
  readonly create: (configuration: Configuration) => Compiler;
  readonly createMany: (configurations: Configuration[]) => webpack.MultiCompiler;
  /** What its CSS needs. */
  readonly css: Configuration;
  /** The option `cache` for results that outlive the process. */
  readonly persistentCache: (folder: string) => NonNullable<Configuration['cache']>;
}

export const bundlers = {
  webpack: {
    name: 'webpack',
    create: (configuration) => webpack(configuration),
    createMany: (configurations) => webpack(configurations),
    css: { experiments: { css: true } },
    persistentCache: (cacheDirectory) => ({ type: 'filesystem', cacheDirectory }),
  },
  rspack: {
    name: 'rspack',
    create: (configuration) => rspack(configuration as never) as unknown as Compiler,
    createMany: (configurations) => rspack(configurations as never) as unknown as webpack.MultiCompiler,
    css: { module: { rules: [{ test: /\.css$/, type: 'css' }] } },
    persistentCache: (directory) => ({ type: 'persistent', storage: { type: 'filesystem', directory } }) as never,
  },
} as const satisfies Record<string, Bundler>;

/** A small site in a folder of its own. */
export interface Site {
  readonly folder: string;
  write(path: string, text: string | Uint8Array): void;
  /** Puts a file of `examples/images` there. */
  copy(picture: string, path: string): void;
  path(...parts: string[]): string;
  /** Files that were emitted, with `/`; sorted. */
  emitted(output?: string): string[];
  /** What an emitted CommonJS module exports. */
  exported(file?: string): Record<string, unknown>;
  /** Options of the plugin, with a cache of the site's own. */
  options(more?: UpresPluginOptions): UpresPluginOptions;
  configuration(more?: Configuration, options?: UpresPluginOptions): Configuration;
}

const pictures = new URL('../../../examples/images/', import.meta.url);

/** Makes a site with the sources of the cases in `src/`. */
export function makeSite(): Site {
  const folder = temporaryFolder();
  const path = (...parts: string[]): string => join(folder, ...parts);
  const site: Site = {
    folder,
    path,
    write: (name, text) => {
      mkdirSync(dirname(path(name)), { recursive: true });
      writeFileSync(path(name), text);
    },
    copy: (picture, name) => {
      mkdirSync(dirname(path(name)), { recursive: true });
      cpSync(new URL(picture, pictures), path(name));
    },
    emitted: (output = 'dist') =>
      readdirSync(path(output), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(path(output).length + 1))
        .sort(),
    exported: (file = 'dist/main.js') => {
      const require = createRequire(import.meta.url);
      const found = path(file);
      // A build may have written it anew.
      Reflect.deleteProperty(require.cache, found);
      return require(found) as Record<string, unknown>;
    },
    options: (more = {}) => ({ cache: path('cache'), ...more }),
    configuration: (more = {}, options = {}) => ({
      mode: 'production',
      context: folder,
      entry: './src/index.js',
      target: 'node',
      optimization: { minimize: false },
      infrastructureLogging: { level: 'none' },
      ...more,
      output: {
        path: path('dist'),
        publicPath: '/static/',
        library: { type: 'commonjs2' },
        clean: true,
        ...more.output,
      },
      plugins: [new UpresPlugin(site.options(options)), ...(more.plugins ?? [])],
    }),
  };
  for (const [name, picture] of Object.entries(sources)) site.copy(picture, `src/${name}`);
  return site;
}

export interface Built {
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

/** Runs a build once and closes the compiler. */
export async function build(bundler: Bundler, configuration: Configuration): Promise<Built> {
  const compiler = bundler.create(configuration);
  try {
    return told(await run(compiler));
  } finally {
    await close(compiler);
  }
}

export function run<S extends Stats | MultiStats>(compiler: {
  run(callback: (error: Error | null, stats?: S) => void): void;
}): Promise<S> {
  return new Promise((resolve, reject) => {
    compiler.run((error, stats) => {
      if (error || !stats) reject(error ?? new Error('no stats'));
      else resolve(stats);
    });
  });
}

export function close(compiler: { close(callback: (error?: Error | null) => void): void }): Promise<void> {
  return new Promise((resolve, reject) => {
    compiler.close((error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

/** Errors and warnings as a build's log has them. */
export function told(stats: Stats | MultiStats): Built {
  const { errors = [], warnings = [] } = stats.toJson({ all: false, errors: true, warnings: true });
  const text = ({ message, moduleName = '' }: webpack.StatsError): string => `${moduleName}: ${message}`;
  return { errors: errors.map(text), warnings: warnings.map(text) };
}

/** The bytes of an emitted file, by its URL. */
export function emittedBytes(site: Site, url: string, output = 'dist'): Uint8Array {
  return readFileSync(site.path(output, url.replace('/static/', '')));
}
