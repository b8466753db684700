import { readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type Cacache from 'cacache';
import { digest } from '../../digest.js';
import { hasCode, isMissing, messageOf } from '../../errors.js';
import { defined } from '../../schema.js';
import { addEntry, findEntry, readContent } from './cacache-folder.js';

export interface CacheStats {
  readonly folder: string;
  readonly entries: number;
  /** Bytes of the results, without the index. */
  readonly bytes: number;
}

export interface CacheLimits {
  /** Bytes of results to keep, newest first. */
  readonly maxBytes?: number;
  /** Days since a result was computed. */
  readonly maxAgeDays?: number;
}

/** A cached result, with the facts that were stored with it. */
export interface CacheEntry<Facts> {
  readonly data: Uint8Array;
  readonly facts: Facts;
  /** SHA-512 of the data in base64 digits. */
  readonly hash: string;
  /** From where it came, where it was not made on this machine. */
  readonly origin?: string;
}

const prefix = 'upres ';
/** Beside a result's facts; none of them is called so. */
const originField = 'origin';
/** What cacache makes in its folder, and what is known of sources and of what they came to. */
const ownNames = /^(?:(?:content|index)-v\d+|tmp|_lastverified|(?:sources|assets)\.txt)$/;
const msPerDay = 24 * 60 * 60 * 1000;

/** Loaded when the folder is looked after: with all that it brings it takes as long as the rest of a plugin. */
const loadCacache = async (): Promise<typeof Cacache> => (await import('cacache')).default;

/**
 * Results by what they were made of, in a folder that all tools and processes may use at once (cacache: content-addressed,
 * written whole or not at all, checked on reading).
 */
export class AssetCache<Facts> {
  private warned = false;

  /** @param warn told once when nothing can be written */
  constructor(
    readonly folder: string,
    private readonly warn: (message: string) => void = () => undefined,
  ) {}

  /** @returns undefined where there is nothing, or where what is there is damaged; that is removed */
  async get(key: string): Promise<CacheEntry<Facts> | undefined> {
    try {
      const entry = await findEntry(this.folder, prefix + key);
      if (!entry) return undefined;
      const hash = entry.integrity.replace(/^sha512-/, '');
      const { [originField]: origin, ...facts } = entry.metadata as { readonly [originField]?: string };
      return { data: await readContent(this.folder, entry), facts: facts as Facts, hash, ...defined({ origin }) };
    } catch (error) {
      // Missing is usual, and what can't be read is as good as missing; what is damaged is in the way of what is right.
      if (hasCode(error, 'EINTEGRITY')) await this.forget(key);
      return undefined;
    }
  }

  /**
   * Keeps a result. Where the folder can't be written the result is merely not cached, and that is said once.
   * @param origin from where it came, where it was not made on this machine
   * @returns SHA-512 of the data in base64 digits, where it is kept
   */
  async put(key: string, data: Uint8Array, facts: Facts, origin?: string): Promise<string | undefined> {
    try {
      const hash = await digest(data, 'sha512', 'base64');
      const metadata = { ...facts, ...defined({ [originField]: origin }) };
      await addEntry(this.folder, prefix + key, data, `sha512-${hash}`, metadata);
      return hash;
    } catch (error) {
      if (!this.warned)
        this.warn(`results are not cached, because ${this.folder} can't be written: ${messageOf(error)}`);
      this.warned = true;
      return undefined;
    }
  }

  /** The names of all results. */
  async keys(): Promise<string[]> {
    return (await this.entries()).map(({ key }) => key.slice(prefix.length));
  }

  async stats(): Promise<CacheStats> {
    const entries = await this.entries();
    return { folder: this.folder, entries: entries.length, bytes: entries.reduce((sum, { size }) => sum + size, 0) };
  }

  /** Reads every result and removes what is damaged or belongs to nothing. */
  async verify(): Promise<{ readonly kept: number; readonly removed: number; readonly bytes: number }> {
    const cacache = await loadCacache();
    const report: unknown = await cacache.verify(this.folder);
    const { totalEntries = 0, reclaimedCount = 0, keptSize = 0 } = report as Record<string, number>;
    return { kept: totalEntries, removed: reclaimedCount, bytes: keptSize };
  }

  /** Removes the oldest results until the limits hold. */
  async prune({ maxBytes = Infinity, maxAgeDays = Infinity }: CacheLimits): Promise<{ readonly removed: number }> {
    const cacache = await loadCacache();
    const newestFirst = (await this.entries()).sort((a, b) => b.time - a.time);
    const oldest = Date.now() - maxAgeDays * msPerDay;
    let bytes = 0;
    let removed = 0;
    for (const { key, size, time } of newestFirst) {
      bytes += size;
      if (bytes <= maxBytes && time >= oldest) continue;
      await cacache.rm.entry(this.folder, key);
      removed++;
    }
    if (removed > 0) await cacache.verify(this.folder);
    return { removed };
  }

  /** Removes all results, and the folder if nothing else is in it: a user may have named a folder of their own. */
  async clear(): Promise<void> {
    const names = await readdir(this.folder).catch(unlessMissing([]));
    const own = names.filter((name) => ownNames.test(name));
    await Promise.all(own.map((name) => rm(join(this.folder, name), { recursive: true, force: true })));
    if (own.length > 0 && own.length === names.length) await rmdir(this.folder);
  }

  private async entries(): Promise<{ key: string; size: number; time: number }[]> {
    const cacache = await loadCacache();
    const all = await cacache.ls(this.folder).catch(unlessMissing({}));
    return Object.values(all)
      .filter(({ key }) => key.startsWith(prefix))
      .map(({ key, size, time }) => ({ key, size, time }));
  }

  private async forget(key: string): Promise<void> {
    const cacache = await loadCacache();
    try {
      const info = await cacache.get.info(this.folder, prefix + key);
      await cacache.rm.entry(this.folder, prefix + key);
      if (info) await cacache.rm.content(this.folder, info.integrity);
    } catch {
      // A cache that can't be mended is a cache that is not used.
    }
  }
}

/** For `catch`: a folder that is not there holds nothing. */
function unlessMissing<T>(nothing: T): (error: unknown) => T {
  return (error) => {
    if (isMissing(error)) return nothing;
    throw error;
  };
}
