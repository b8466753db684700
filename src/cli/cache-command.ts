import type { Command } from 'commander';
import { defined, number, whole } from '../schema.js';
import { flagValue } from './flag-value.js';
import { print } from './streams.js';
import { suggestion } from '../suggest.js';
import { asUsage, UsageError } from './usage-error.js';
import { byteSize } from './words.js';
import { exitCodes, messageOf } from '../errors.js';
import type { SharedCacheOptions } from '../asset/cache/cache-option.js';
import type { RemoteStore } from '../asset/cache/remote-store.js';
import type { SharedCache } from '../asset/cache/shared-cache.js';

interface CacheOptions {
  cache?: string;
  json?: boolean;
  remoteCache?: string;
  maxSize?: string;
  maxAge?: string;
}

const actions = ['stats', 'verify', 'prune', 'clear', 'push', 'pull'] as const;
type Action = (typeof actions)[number];

/** `upres cache stats|verify|prune|clear|push|pull`: looks after the results that were kept. */
export function addCacheCommand(program: Command, act: (action: () => Promise<number>) => Promise<void>): void {
  program
    .command('cache')
    .description('look after the cached results: stats, verify, prune, clear, push or pull')
    .argument(
      '<action>',
      'stats, verify (read everything, remove what is damaged), prune (remove the oldest), clear, push (upload to a remote cache), pull (download from one)',
    )
    .option('--cache <folder>', "default: the project's node_modules/.cache/upres, or the user's cache folder")
    .option('--max-size <bytes>', 'for prune: keep this many bytes, such as 500M (default: 1G)')
    .option('--max-age <days>', 'for prune: keep results this long (default: 90)')
    .option('--remote-cache <url>', 'for push, pull and stats: the remote cache (default: UPRES_REMOTE_CACHE)')
    .option('--json', 'as JSON')
    .action(async (word: string, options: CacheOptions) => {
      await act(async () => {
        const action = actions.find((known) => known === word);
        if (!action)
          throw new UsageError(`cache takes ${actions.join(', ')}, not "${word}".${suggestion(word, actions)}`);
        if (action === 'push' || action === 'pull') return carry(action, options);
        return look(action, options);
      });
    });
}

async function carry(action: 'push' | 'pull', options: CacheOptions): Promise<number> {
  const { openForTransfer } = await import('../asset/cache/open-cache.js');
  let cache: SharedCache;
  try {
    cache = await openForTransfer(shared(options), process.cwd(), note);
  } catch (error) {
    asUsage(error);
  }
  if (action === 'push') {
    const { complete, ...facts } = await cache.push();
    const { results, uploaded, withheld } = facts;
    tell(options, facts, `${results} results, of which ${uploaded} were uploaded`);
    if (withheld > 0) note(`${withheld} came from a remote cache without this key, and are not signed with it`);
    return complete ? exitCodes.ok : exitCodes.someFailed;
  }
  const { complete, ...facts } = await cache.pull().catch(asUsage);
  tell(options, facts, `${facts.results} results there, of which ${facts.downloaded} were downloaded`);
  return complete ? exitCodes.ok : exitCodes.someFailed;
}

const shared = ({ cache, remoteCache }: CacheOptions): SharedCacheOptions =>
  defined({ folder: cache, remote: remoteCache });

function note(message: string): void {
  process.stderr.write(`note: ${message}\n`);
}

async function look(action: Exclude<Action, 'push' | 'pull'>, options: CacheOptions): Promise<number> {
  const limits = {
    maxBytes: flagValue('--max-size', number({ from: 0, of: 'bytes' }), options.maxSize ?? '1G'),
    maxAgeDays: flagValue('--max-age', whole({ from: 0, of: 'days' }), options.maxAge ?? '90'),
  };
  const { AssetCache } = await import('../asset/cache/asset-cache.js');
  const { resultsFolder } = await import('../asset/cache/cache-folder.js');
  const cache = new AssetCache(resultsFolder(options.cache));
  switch (action) {
    case 'stats': {
      const stats = await cache.stats();
      const remote = await remoteStats(options);
      const lines = [stats.folder, `${stats.entries} results, ${byteSize(stats.bytes)}`];
      if (remote) lines.push(remote.name, remote.inWords);
      tell(options, { ...stats, ...(remote && { remote: remote.facts }) }, lines.join('\n'));
      return remote?.failed ? exitCodes.someFailed : exitCodes.ok;
    }
    case 'verify': {
      const { kept, removed, bytes } = await cache.verify();
      tell(
        options,
        { kept, removed, bytes },
        `${kept} results are whole (${byteSize(bytes)}), ${removed} were removed`,
      );
      return exitCodes.ok;
    }
    case 'prune': {
      const { removed } = await cache.prune(limits);
      const { entries, bytes } = await cache.stats();
      tell(options, { removed, entries, bytes }, `${removed} results removed, ${entries} kept (${byteSize(bytes)})`);
      return exitCodes.ok;
    }
    case 'clear':
      await cache.clear();
      tell(options, { folder: cache.folder }, `${cache.folder} is empty`);
      return exitCodes.ok;
  }
}

interface RemoteStats {
  readonly name: string;
  readonly facts: { readonly name: string; readonly entries?: number; readonly bytes?: number };
  readonly inWords: string;
  readonly failed: boolean;
}

/** What the remote cache holds; undefined where none is named. */
async function remoteStats(options: CacheOptions): Promise<RemoteStats | undefined> {
  const { openRemoteAlone } = await import('../asset/cache/open-cache.js');
  let store: RemoteStore | undefined;
  try {
    store = await openRemoteAlone(shared(options));
  } catch (error) {
    asUsage(error);
  }
  if (!store) return undefined;
  const { name } = store;
  if (!store.list) return { name, facts: { name }, inWords: 'has no list of its results', failed: false };
  let [entries, bytes] = [0, 0];
  try {
    for await (const entry of store.list()) {
      entries++;
      bytes += entry.bytes;
    }
  } catch (error) {
    return { name, facts: { name }, inWords: `can’t be read: ${messageOf(error)}`, failed: true };
  } finally {
    store.close();
  }
  return { name, facts: { name, entries, bytes }, inWords: `${entries} results, ${byteSize(bytes)}`, failed: false };
}

function tell({ json }: CacheOptions, facts: object, words: string): void {
  print(json ? JSON.stringify(facts) : words);
}
