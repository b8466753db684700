import path from 'node:path';
import { projectCacheFolder } from '../asset/asset-cache.js';
import { defaultCacheFolder } from '../network/weights-store.js';

/**
 * Where the command keeps results: the folder that was named; in a project the one that its build tools use, so that they
 * share; elsewhere the user's own.
 */
export function resultsFolder(named: string | undefined): string {
  if (named !== undefined) return path.resolve(named);
  return projectCacheFolder(process.cwd()) ?? path.join(defaultCacheFolder(), 'results');
}
