import type { Command } from 'commander';
import { defined, number, whole } from '../schema.js';
import { flagValue } from './flag-value.js';
import { print } from './streams.js';
import { asUsage, UsageError } from './usage-error.js';
import { byteSize } from './words.js';
import { exitCodes } from '../errors.js';
import type { SharedCache } from '../asset/shared-cache.js';

interface CacheOptions {
  cache?: string;
  json?: boolean;
  remoteCache?: string;
  maxSize?: string;
  maxAge?: string;
}

const actions = ['stats', 'verify', 'prune', 'clear', 'push'] as const;
type Action = (typeof actions)[number];

/** `upres cache stats|verify|prune|clear|push`: looks after the results that were kept. */
export function addCacheCommand(program: Command, act: (action: () => Promise<number>) => Promise<void>): void {
  program
    .command('cache')
    .description('look after the cached results: stats, verify, prune, clear or push')
    .argument(
      '<action>',
      'stats, verify (read everything, remove what is damaged), prune (remove the oldest), clear, push (upload to a remote cache)',
    )
    .option('--cache <folder>', "default: the project's node_modules/.cache/upres, or the user's cache folder")
    .option('--max-size <bytes>', 'for prune: keep this many bytes, such as 500M (default: 1G)')
    .option('--max-age <days>', 'for prune: keep results this long (default: 90)')
    .option('--remote-cache <url>', 'for push: where to (default: UPRES_REMOTE_CACHE)')
    .option('--json', 'as JSON')
    .action(async (word: string, options: CacheOptions) => {
      await act(async () => {
        const action = actions.find((known) => known === word);
        if (!action) throw new UsageError(`cache takes ${actions.join(', ')}, not "${word}"`);
        if (action === 'push') return push(options);
        await look(action, options);
        return exitCodes.ok;
      });
    });
}

async function push(options: CacheOptions): Promise<number> {
  const { openForPush } = await import('../asset/open-cache.js');
  const given = defined({ folder: options.cache, remote: options.remoteCache });
  const say = (message: string): void => {
    process.stderr.write(`note: ${message}\n`);
  };
  let cache: SharedCache;
  try {
    cache = await openForPush(given, process.cwd(), say);
  } catch (error) {
    asUsage(error);
  }
  const { results, uploaded, complete } = await cache.push();
  tell(options, { results, uploaded }, `${results} results, of which ${uploaded} were uploaded`);
  return complete ? exitCodes.ok : exitCodes.someFailed;
}

async function look(action: Exclude<Action, 'push'>, options: CacheOptions): Promise<void> {
  const limits = {
    maxBytes: flagValue('--max-size', number({ from: 0, of: 'bytes' }), options.maxSize ?? '1G'),
    maxAgeDays: flagValue('--max-age', whole({ from: 0, of: 'days' }), options.maxAge ?? '90'),
  };
  const { AssetCache } = await import('../asset/asset-cache.js');
  const { resultsFolder } = await import('../asset/cache-folder.js');
  const cache = new AssetCache(resultsFolder(options.cache));
  switch (action) {
    case 'stats': {
      const stats = await cache.stats();
      tell(options, stats, `${stats.folder}\n${stats.entries} results, ${byteSize(stats.bytes)}`);
      return;
    }
    case 'verify': {
      const { kept, removed, bytes } = await cache.verify();
      tell(
        options,
        { kept, removed, bytes },
        `${kept} results are whole (${byteSize(bytes)}), ${removed} were removed`,
      );
      return;
    }
    case 'prune': {
      const { removed } = await cache.prune(limits);
      const { entries, bytes } = await cache.stats();
      tell(options, { removed, entries, bytes }, `${removed} results removed, ${entries} kept (${byteSize(bytes)})`);
      return;
    }
    case 'clear':
      await cache.clear();
      tell(options, { folder: cache.folder }, `${cache.folder} is empty`);
  }
}

function tell({ json }: CacheOptions, facts: object, words: string): void {
  print(json ? JSON.stringify(facts) : words);
}
