import { digest } from '../digest.js';
import type { AssetCache, CacheEntry } from './asset-cache.js';
import type { RemoteCache } from './remote-cache.js';
import type { ResultCache, ResultFacts } from './result-cache.js';
import { packResult, unpackResult } from './result-blob.js';

/** The cache of this machine before one that others share: what comes from there is checked, and kept here. */
export class SharedCache implements ResultCache {
  readonly folder: string;

  /** @param secret of those who share it: only what was signed with it is taken */
  constructor(
    private readonly local: AssetCache<ResultFacts>,
    private readonly remote: RemoteCache,
    private readonly secret: string | undefined,
  ) {
    this.folder = local.folder;
  }

  async get(key: string): Promise<CacheEntry<ResultFacts> | undefined> {
    const found = await this.local.get(key);
    if (found) return found;
    const blob = await this.remote.get(key);
    if (!blob) return undefined;
    const result = await unpackResult(key, blob, this.secret);
    if ('refused' in result) {
      this.remote.refuse(key, result.refused);
      return undefined;
    }
    await this.local.put(key, result.data, result.facts);
    return { ...result, hash: await digest(result.data, 'sha512', 'base64') };
  }

  async put(key: string, data: Uint8Array, facts: ResultFacts): Promise<void> {
    await this.local.put(key, data, facts);
    this.offer(key);
  }

  /**
   * Uploads what is on this machine and not there.
   * @returns how many there are, how many of them were uploaded, and whether the remote took what it was given
   */
  async push(): Promise<{ readonly results: number; readonly uploaded: number; readonly complete: boolean }> {
    const keys = await this.local.keys();
    for (const key of keys) {
      if (!(await this.remote.has(key))) this.offer(key);
    }
    await this.settle();
    const { uploaded, takesResults } = this.remote;
    return { results: keys.length, uploaded, complete: takesResults };
  }

  private offer(key: string): void {
    // Read again when it is uploaded: of thousands that wait none is in memory.
    this.remote.offer(key, async () => {
      const kept = await this.local.get(key);
      return kept && packResult(key, kept, this.secret);
    });
  }

  settle(): Promise<void> {
    return this.remote.settle();
  }
}
