import { statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { decoded, splitUrl } from '#upres/asset/urls.js';
import { UpresError } from '#upres/errors.js';
import type { ResolvedConfig } from 'vite';
import { normalizePath } from './normalize-path.js';

/** Vite's resolution, for aliases and packages; a plugin's context is one. */
export interface Resolver {
  resolve(id: string, importer: string): Promise<{ readonly id: string } | null>;
}

/**
 * The file that a URL in CSS or HTML means: `/x` is in `public/` or the root, `x` and `./x` are next to the importer, and what is
 * not there may be an alias or a package.
 * @param importer absolute path, of which a query is ignored
 * @param options `served`: whether it is the URL of a page from Vite's development server, which puts its base before what the
 *   author wrote. Anywhere else a base stays: `./x` is no `/x` because the base is `./`
 * @throws INPUT_NOT_FOUND
 */
export async function findAsset(
  config: ResolvedConfig,
  url: string,
  importer: string,
  resolver?: Resolver,
  { served = false }: { served?: boolean } = {},
): Promise<string> {
  const { base } = config;
  const { path: written } = splitUrl(url);
  const path = decoded(served && written.startsWith(base) ? `/${written.slice(base.length)}` : written);
  const from = splitUrl(importer).path;
  const near = path.startsWith('/')
    ? [...(config.publicDir === '' ? [] : [join(config.publicDir, path)]), join(config.root, path)]
    : [join(dirname(from), path)];
  // What `auto` found is absolute already.
  if (isAbsolute(path)) near.push(path);
  for (const file of near) {
    if (isFile(file)) return normalizePath(file);
  }
  const resolved = await resolver?.resolve(path, from);
  const file = resolved ? splitUrl(resolved.id).path : undefined;
  if (file !== undefined && isFile(file)) return normalizePath(file);
  throw new UpresError('INPUT_NOT_FOUND', 'there is no such file');
}

/** Asked several times for each picture, and many times as dear in another thread; Vite itself looks for files like that. */
function isFile(file: string): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
  } catch {
    return false;
  }
}
