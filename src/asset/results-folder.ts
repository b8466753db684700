import { join, resolve } from 'node:path';
import { defaultCacheFolder } from '../network/weights/weights-store.js';
import { projectCacheFolder } from './asset-cache.js';

/**
 * Where the command and the server keep results: the folder that was named; in a project the one that its build tools use, so
 * that they share; elsewhere the user's own.
 */
export function resultsFolder(named: string | undefined): string {
  if (named !== undefined) return resolve(named);
  return projectCacheFolder(process.cwd()) ?? join(defaultCacheFolder(), 'results');
}
