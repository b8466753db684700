import { UpresError } from '../../errors.js';
import { check, defined } from '../../schema.js';
import { AssetCache } from './asset-cache.js';
import { resultsFolder } from './cache-folder.js';
import {
  cacheVariables,
  sharedCacheOptions,
  sharedFields,
  type CacheOption,
  type SharedCacheOptions,
} from './cache-option.js';
import type { RemoteStore } from './remote-store.js';
import type { ResultCache, ResultFacts } from './result-cache.js';
import type { SharedCache } from './shared-cache.js';

/**
 * Opens the cache of a run.
 * @param option `false`: nothing is cached, whatever the environment says
 * @param root folder that a name is relative to, and around which a project is looked for
 * @param warn told once when nothing can be written, and why a remote cache is left alone
 * @param retryAfter milliseconds after which a remote cache that was left alone is tried again; never where it is not given
 * @throws BAD_ARGUMENT
 */
export async function openCache(
  option: CacheOption | undefined,
  root: string,
  warn: (message: string) => void,
  { retryAfter }: { readonly retryAfter?: number } = {},
): Promise<ResultCache | undefined> {
  if (option === false) return undefined;
  const { folder, ...given } = typeof option === 'object' ? option : { folder: option };
  const local = new AssetCache<ResultFacts>(resultsFolder(folder, root), warn);
  const { remote, mode = 'read', token, key } = check(sharedCacheOptions, named(given), 'cache');
  if (remote === undefined) return local;
  const { RemoteCache, SharedCache, Patience, openRemote, patienceWith } = await loadShared();
  const mayWrite = mode === 'read-write';
  const patience = retryAfter === undefined ? patienceWith(remote) : new Patience({ retryAfter });
  const cache = new RemoteCache(openRemote(remote, token), warn, { mayWrite, patience });
  return new SharedCache(local, cache, key);
}

/** Few builds have a remote cache. */
async function loadShared() {
  const [{ RemoteCache }, { SharedCache }, { openRemote }, { Patience, patienceWith }] = await Promise.all([
    import('./remote-cache.js'),
    import('./shared-cache.js'),
    import('./open-remote.js'),
    import('./patience.js'),
  ]);
  return { RemoteCache, SharedCache, Patience, openRemote, patienceWith };
}

/** The remote cache that is meant, by itself; undefined where there is none. */
export async function openRemoteAlone(given: SharedCacheOptions): Promise<RemoteStore | undefined> {
  const { remote, token } = check(sharedCacheOptions, named(given), 'cache');
  if (remote === undefined) return undefined;
  const { openRemote } = await import('./open-remote.js');
  return openRemote(remote, token);
}

/**
 * Opens a cache whose remote may take as long as it takes, to upload to it or to download from it.
 * @throws BAD_ARGUMENT; also where there is no remote cache
 */
export async function openForTransfer(
  given: SharedCacheOptions,
  root: string,
  warn: (message: string) => void,
): Promise<SharedCache> {
  const { folder, remote, token, key } = check(sharedCacheOptions, named(given), 'cache');
  if (remote === undefined) {
    throw new UpresError(
      'BAD_ARGUMENT',
      'there is no remote cache: name one with --remote-cache or UPRES_REMOTE_CACHE',
    );
  }
  const local = new AssetCache<ResultFacts>(resultsFolder(folder, root), warn);
  const { RemoteCache, SharedCache, Patience, openRemote } = await loadShared();
  const patience = new Patience({ budgetMs: Infinity });
  const cache = new RemoteCache(openRemote(remote, token), warn, { mayWrite: true, patience });
  return new SharedCache(local, cache, key);
}

/** What is given comes before what the environment says. */
function named(given: SharedCacheOptions): SharedCacheOptions {
  const said = (Object.keys(cacheVariables) as (keyof typeof cacheVariables)[]).flatMap((name) => {
    const value = process.env[cacheVariables[name]];
    if (!value || given[name] !== undefined) return [];
    return [[name, check<string>(sharedFields[name], value, cacheVariables[name])]];
  });
  return { ...(Object.fromEntries(said) as SharedCacheOptions), ...defined(given) };
}
