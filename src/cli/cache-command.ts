import type { Command } from 'commander';
import { number, whole } from '../schema.js';
import { flagValue } from './flag-value.js';
import { print } from './streams.js';
import { UsageError } from './usage-error.js';
import { byteSize } from './words.js';
import { exitCodes } from '../errors.js';

interface CacheOptions {
  cache?: string;
  json?: boolean;
  maxSize?: string;
  maxAge?: string;
}

const actions = ['stats', 'verify', 'prune', 'clear'] as const;
type Action = (typeof actions)[number];

/** `upres cache stats|verify|prune|clear`: looks after the results that were kept. */
export function addCacheCommand(program: Command, act: (action: () => Promise<number>) => Promise<void>): void {
  program
    .command('cache')
    .description('look after the cached results: stats, verify, prune or clear')
    .argument('<action>', 'stats, verify (read everything, remove what is damaged), prune (remove the oldest), clear')
    .option('--cache <folder>', "default: the project's node_modules/.cache/upres, or the user's cache folder")
    .option('--max-size <bytes>', 'for prune: keep this many bytes, such as 500M (default: 1G)')
    .option('--max-age <days>', 'for prune: keep results this long (default: 90)')
    .option('--json', 'as JSON')
    .action(async (word: string, options: CacheOptions) => {
      await act(async () => {
        const action = actions.find((known) => known === word);
        if (!action) throw new UsageError(`cache takes ${actions.join(', ')}, not "${word}"`);
        await look(action, options);
        return exitCodes.ok;
      });
    });
}

async function look(action: Action, options: CacheOptions): Promise<void> {
  const limits = {
    maxBytes: flagValue('--max-size', number({ from: 0, of: 'bytes' }), options.maxSize ?? '1G'),
    maxAgeDays: flagValue('--max-age', whole({ from: 0, of: 'days' }), options.maxAge ?? '90'),
  };
  const { AssetCache, resultsFolder } = await import('../asset/asset-cache.js');
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
