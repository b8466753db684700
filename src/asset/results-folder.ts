import { resolve, join } from 'node:path';
import { defaultCacheFolder } from '../network/weights/cache-folder.js';
import { projectCacheFolder } from './asset-cache.js';

/**
 * Where results are cached: the folder that was named; in a project the one that all its tools share; elsewhere, where no
 * `package.json` is found, the user's own.
 * @param root folder that a name is relative to, and around which a project is looked for
 */
export function resultsFolder(named: string | undefined, root: string = process.cwd()): string {
  if (named !== undefined) return resolve(root, named);
  return projectCacheFolder(root) ?? join(defaultCacheFolder(), 'results');
}
