import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, extname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadConfigFromFile, searchForWorkspaceRoot, type ConfigEnv, type CSSOptions, type UserConfig } from 'vite';
import type { PostcssPlugin } from './css.js';

type PostcssOptions = Extract<NonNullable<CSSOptions['postcss']>, object>;
type Loaded = Record<string, unknown>;

const scriptEndings = ['ts', 'cts', 'mts', 'js', 'cjs', 'mjs'];
/** In the order in which Vite looks (postcss-load-config 6). */
const names = [
  'package.json',
  '.postcssrc',
  ...['json', 'yaml', 'yml', ...scriptEndings].map((ending) => `.postcssrc.${ending}`),
  ...scriptEndings.map((ending) => `postcss.config.${ending}`),
];

/**
 * Vite's PostCSS options with one more plugin at the end. Options in Vite's configuration would make it ignore the project's own
 * configuration file, so what Vite would have loaded is loaded here.
 * @returns undefined where that file can't be read here (YAML)
 */
export async function withPostcssPlugin(
  config: UserConfig,
  env: ConfigEnv,
  plugin: PostcssPlugin,
): Promise<PostcssOptions | undefined> {
  const given = config.css?.postcss;
  // Vite joins this with what was given.
  if (typeof given === 'object') return { plugins: [plugin] };
  const root = resolve(config.root ?? '.');
  const found = await find(given === undefined ? root : resolve(given), searchForWorkspaceRoot(root));
  if (!found) return { plugins: [plugin] };
  const loaded = await load(found.file, found.text, env);
  if (!loaded) return undefined;
  const { plugins = [], ...options } = loaded;
  for (const name of ['parser', 'syntax', 'stringifier']) {
    if (typeof options[name] === 'string') options[name] = await importFrom(found.file, options[name]);
  }
  return { ...options, plugins: [...(await pluginsOf(plugins as object, found.file)), plugin] };
}

async function find(start: string, stop: string): Promise<{ file: string; text: string } | undefined> {
  for (let folder = start; ; folder = dirname(folder)) {
    for (const name of names) {
      const file = join(folder, name);
      const text = await readFile(file, 'utf8').catch(() => undefined);
      if (text === undefined || (name === 'package.json' && !hasPostcss(text))) continue;
      return { file, text };
    }
    if (folder === stop || folder === dirname(folder)) return undefined;
  }
}

const hasPostcss = (text: string): boolean =>
  /"postcss"\s*:\s*\{/.test(text) && 'postcss' in (JSON.parse(text) as object);

async function load(file: string, text: string, env: ConfigEnv): Promise<Loaded | undefined> {
  const ending = extname(file).slice(1);
  if (scriptEndings.includes(ending)) {
    const context = { cwd: process.cwd(), env: process.env.NODE_ENV ?? 'development', ...env };
    if (ending.endsWith('ts'))
      return (await loadConfigFromFile(context, file, dirname(file), 'silent'))?.config as Loaded;
    const { default: exported } = (await import(`${pathToFileURL(file).href}?t=${Date.now()}`)) as { default: unknown };
    return {
      ...((typeof exported === 'function' ? (exported as (c: object) => unknown)(context) : exported) as Loaded),
    };
  }
  if (/ya?ml$/.test(ending)) return undefined;
  try {
    const parsed = JSON.parse(text) as Loaded;
    return file.endsWith('package.json') ? { ...(parsed.postcss as Loaded) } : parsed;
  } catch {
    return undefined;
  }
}

async function pluginsOf(plugins: object, file: string): Promise<PostcssPlugin[]> {
  if (Array.isArray(plugins)) return plugins.filter(Boolean) as PostcssPlugin[];
  const wanted = Object.entries(plugins).filter(([, options]) => options !== false) as [string, object | null][];
  return Promise.all(
    wanted.map(async ([name, options]) => {
      const create = (await importFrom(file, name)) as PostcssPlugin & ((options: object) => PostcssPlugin);
      return options && Object.keys(options).length > 0 ? create(options) : create;
    }),
  );
}

async function importFrom(file: string, name: string): Promise<unknown> {
  const path = createRequire(file).resolve(name);
  return ((await import(pathToFileURL(path).href)) as { default: unknown }).default;
}
