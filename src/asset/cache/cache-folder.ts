import { join, resolve } from 'node:path';
import findCacheDirectory from 'find-cache-directory';
import { defaultCacheFolder } from '../../network/weights/cache-folder.js';
import type { CacheOption } from './cache-option.js';

/** `node_modules/.cache/upres` of the project around a folder; undefined outside of projects. */
export function projectCacheFolder(root: string): string | undefined {
  return findCacheDirectory({ name: 'upres', cwd: root });
}

/**
 * Where results are cached: the folder that was named; in a project the one that all its tools share; elsewhere, where no
 * `package.json` is found, the user's own.
 * @param root folder that a name is relative to, and around which a project is looked for
 */
export function resultsFolder(named: string | undefined, root: string = process.cwd()): string {
  if (named !== undefined) return resolve(root, named);
  return projectCacheFolder(root) ?? join(defaultCacheFolder(), 'results');
}

/** The folder of an option's cache; undefined where nothing is cached. */
export function cacheFolder(option: CacheOption | undefined, root: string): string | undefined {
  if (option === false) return undefined;
  return resultsFolder(typeof option === 'object' ? option.folder : option, root);
}
