import { createHmac } from 'node:crypto';
import { digest } from '../../digest.js';
import { UpresError } from '../../errors.js';
import type { AssetCache, CacheEntry } from './asset-cache.js';
import type { RemoteCache } from './remote-cache.js';
import type { ResultCache, ResultFacts } from './result-cache.js';
import { packResult, saidToTake, unpackResult } from './result-blob.js';

export interface Pushed {
  readonly results: number;
  readonly uploaded: number;
  /** Results that came from a remote cache without this key's signature, and are not signed with it now. */
  readonly withheld: number;
  /** Whether the remote took what it was given. */
  readonly complete: boolean;
}

export interface Pulled {
  readonly results: number;
  readonly downloaded: number;
  /** Whether the remote gave all that it has. */
  readonly complete: boolean;
}

/** The cache of this machine before one that others share: what comes from there is checked, and kept here. */
export class SharedCache implements ResultCache {
  readonly folder: string;
  /** Noted with what comes from the remote: by whose word it is believed. */
  private readonly origin: string;

  /** @param secret of those who share it: only what was signed with it is taken */
  constructor(
    private readonly local: AssetCache<ResultFacts>,
    private readonly remote: RemoteCache,
    private readonly secret: string | undefined,
  ) {
    this.folder = local.folder;
    this.origin =
      secret === undefined ? 'unsigned' : `signed ${createHmac('sha256', secret).update('upres').digest('hex')}`;
  }

  async get(key: string): Promise<CacheEntry<ResultFacts> | undefined> {
    const found = await this.local.get(key);
    if (found && this.isBelieved(found)) return found;
    return this.fetch(key);
  }

  async put(key: string, data: Uint8Array, facts: ResultFacts): Promise<string | undefined> {
    const hash = await this.local.put(key, data, facts);
    this.remote.offer(key, () => this.packed(key));
    return hash;
  }

  /** Uploads what is on this machine and not there. */
  async push(): Promise<Pushed> {
    const keys = await this.local.keys();
    let withheld = 0;
    for (const key of keys) {
      if (await this.remote.has(key)) continue;
      this.remote.offer(key, async () => {
        const blob = await this.packed(key);
        if (!blob) withheld++;
        return blob;
      });
    }
    await this.settle();
    const { uploaded, takesResults } = this.remote;
    return { results: keys.length, uploaded, withheld, complete: takesResults };
  }

  /**
   * Downloads what is there and not on this machine.
   * @throws BAD_ARGUMENT where the remote has no list
   */
  async pull(): Promise<Pulled> {
    const entries = this.remote.list();
    if (!entries) {
      throw new UpresError(
        'BAD_ARGUMENT',
        `${this.remote.name} has no list of its results: only s3:// and redis:// can be pulled`,
      );
    }
    const here = new Set(await this.local.keys());
    let results = 0;
    let downloaded = 0;
    try {
      for await (const { key } of entries) {
        results++;
        if (here.has(key) && (await this.isBelievedHere(key))) continue;
        if (await this.fetch(key)) downloaded++;
        if (!this.remote.answers) break;
      }
    } finally {
      this.remote.close();
    }
    return { results, downloaded, complete: this.remote.answers };
  }

  async settle(): Promise<void> {
    await this.remote.settle();
    this.remote.close();
  }

  private async fetch(key: string): Promise<CacheEntry<ResultFacts> | undefined> {
    const result = await this.remote.get(key, {
      worth: saidToTake,
      read: (blob) => unpackResult(key, blob, this.secret),
    });
    if (!result) return undefined;
    await this.local.put(key, result.data, result.facts, this.origin);
    return { ...result, hash: await digest(result.data, 'sha512', 'base64') };
  }

  /** What others may take; read again when it is its turn: of thousands that wait none is in memory. */
  private async packed(key: string): Promise<Uint8Array | undefined> {
    const kept = await this.local.get(key);
    // A signature says that it was made by one of us: what came without one does not get one on the way.
    return kept && this.isBelieved(kept) ? packResult(key, kept, this.secret) : undefined;
  }

  private async isBelievedHere(key: string): Promise<boolean> {
    // Without a secret nothing has to be read to know it.
    if (this.secret === undefined) return true;
    const found = await this.local.get(key);
    return found !== undefined && this.isBelieved(found);
  }

  /** Whether it was made here, or came by the word of those who have the key. */
  private isBelieved({ origin }: CacheEntry<ResultFacts>): boolean {
    return this.secret === undefined || origin === undefined || origin === this.origin;
  }
}
