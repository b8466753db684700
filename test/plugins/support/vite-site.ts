import { mkdtempSync, rmSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import upres, { type UpresViteOptions } from 'upres/vite';
import * as newest from 'vite';
import type { BuildEnvironmentOptions, InlineConfig, Logger, Plugin, Rolldown } from 'vite';
import * as oldest from 'vite-oldest';
import { afterAll, onTestFinished } from 'vitest';
import { parseQuery } from '#src/asset/directives.js';
import { AssetPipeline } from '#src/asset/pipeline.js';
import { sources } from '../cases.js';

/** The newest Vite and the oldest that the plugin is for. */
export const vites = [newest, oldest as unknown as typeof newest] as const;
export type Vite = (typeof vites)[number];

const samples = fileURLToPath(new URL('../../../examples/images/', import.meta.url));

const reference = mkdtempSync(join(tmpdir(), 'upres-vite-core-'));
/** Results of this test file's builds, where a test does not care who computed them. */
const results = mkdtempSync(join(tmpdir(), 'upres-vite-cache-'));
afterAll(() => {
  for (const folder of [results, reference]) rmSync(folder, { recursive: true, force: true });
});

export interface Site {
  readonly folder: string;
  readonly path: (name: string) => string;
  readonly write: (name: string, text: string | Uint8Array) => Promise<void>;
  /** Copies one of `examples/images`. */
  readonly copy: (sample: string, name: string) => Promise<void>;
}

/** A folder with the sources of the cases and these files, gone after the test. */
export async function makeSite(files: Readonly<Record<string, string>> = {}): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), 'upres-vite-'));
  onTestFinished(async () => {
    // What a failed build had begun may still write its result.
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  });
  const path = (name: string): string => join(folder, name);
  const write = async (name: string, text: string | Uint8Array): Promise<void> => {
    await mkdir(dirname(path(name)), { recursive: true });
    await writeFile(path(name), text);
  };
  const copy = async (sample: string, name: string): Promise<void> => {
    await mkdir(dirname(path(name)), { recursive: true });
    await copyFile(join(samples, sample), path(name));
  };
  for (const [name, sample] of Object.entries(sources)) await copy(sample, name);
  await write('package.json', '{ "name": "site", "private": true, "type": "module" }');
  for (const [name, text] of Object.entries(files)) await write(name, text);
  return { folder, path, write, copy };
}

/** Lines of a build's log. */
export interface Log {
  readonly lines: string[];
  readonly logger: Logger;
}

export function makeLog(): Log {
  const lines: string[] = [];
  const add = (line: string): void => {
    lines.push(line);
  };
  const logger: Logger = {
    info: add,
    warn: add,
    warnOnce: add,
    error: add,
    clearScreen: () => undefined,
    hasErrorLogged: () => false,
    hasWarned: false,
  };
  return { lines, logger };
}

export interface BuildOptions extends UpresViteOptions {
  readonly vite?: Vite;
  readonly config?: InlineConfig;
  readonly plugins?: Plugin[];
  readonly log?: Log;
}

/** The configuration that all tests start from: nothing inlined, names as in a real build. */
export function configOf(site: Site, options: BuildOptions = {}): InlineConfig {
  const { vite = newest, config = {}, plugins = [], log, ...own } = options;
  const base: InlineConfig = {
    root: site.folder,
    configFile: false,
    logLevel: 'silent',
    ...(log ? { customLogger: log.logger } : {}),
    plugins: [upres({ cache: results, ...own }), ...plugins],
    build: { assetsInlineLimit: 0, minify: false, modulePreload: { polyfill: false }, emptyOutDir: true },
  };
  return vite.mergeConfig(base, config);
}

/** Options of the bundler, under the name that a Vite has for them. */
export function bundling(
  vite: Vite,
  options: Rolldown.InputOptions & { output?: Rolldown.OutputOptions },
): BuildEnvironmentOptions {
  return { [vite.version.startsWith('6') ? 'rollupOptions' : 'rolldownOptions']: options };
}

/** What a build wrote, by file name. */
export interface Built {
  /** In alphabetical order: bundlers list files in the order in which they were ready. */
  readonly files: ReadonlyMap<string, Rolldown.OutputAsset | Rolldown.OutputChunk>;
  /** The text of the only file whose name ends so. */
  readonly text: (ending: string) => string;
  /** The bytes behind a URL of the site. */
  readonly bytes: (url: string) => Uint8Array;
}

export async function build(site: Site, options: BuildOptions = {}): Promise<Built> {
  const { vite = newest } = options;
  const result = await vite.build(vite.mergeConfig(configOf(site, options), { build: { write: false } }));
  return builtOf([result].flat() as Rolldown.RolldownOutput[], options.config?.base ?? '/');
}

export function builtOf(outputs: readonly Rolldown.RolldownOutput[], base = '/'): Built {
  const written = outputs.flatMap(({ output }) => output.map((file) => [file.fileName, file] as const));
  const files = new Map(written.sort(([a], [b]) => (a < b ? -1 : 1)));
  const bytesOf = (name: string): Uint8Array => {
    const file = files.get(name);
    if (!file) throw new Error(`nothing is called ${name}: ${[...files.keys()].join(', ')}`);
    if (file.type === 'chunk') return Buffer.from(file.code);
    return typeof file.source === 'string' ? Buffer.from(file.source) : file.source;
  };
  return {
    files,
    text(ending) {
      const names = [...files.keys()].filter((name) => name.endsWith(ending));
      if (names.length !== 1) throw new Error(`not one file ends with ${ending}: ${[...files.keys()].join(', ')}`);
      return Buffer.from(bytesOf(names[0]!)).toString();
    },
    bytes: (url) => bytesOf(decodeURI(url.slice(base.length))),
  };
}

/** What the core makes of a source and a query: bytes of the variants, as a build has to have them. */
export async function coreBytes(site: Site, source: string, query: string): Promise<Map<string, Uint8Array>> {
  const pipeline = new AssetPipeline({ cache: reference }, { root: site.folder, warn: () => undefined });
  const plan = await pipeline.plan(site.path(source), parseQuery(query)!);
  const made = await Promise.all(
    plan.variants.map(async (variant) => [variant, await pipeline.render(plan, variant)] as const),
  );
  await pipeline.close();
  return new Map(made.map(([{ width, format }, { data }]) => [`${width} ${format}`, data]));
}

/** The default export of a module that needs nothing else. */
export async function evaluate(code: string): Promise<unknown> {
  const module = (await import(`data:text/javascript;base64,${Buffer.from(code).toString('base64')}`)) as {
    default: unknown;
  };
  return module.default;
}
