import type { AssetCache } from '../../asset/cache/asset-cache.js';
import { messageOf } from '../../errors.js';

/** The cache is measured whenever this share of what it may hold was written, since measuring takes long. */
const shareBetween = 1 / 8;

/** Keeps a cache from growing without end: builds ask for what they ask for, and clients for anything. */
export class CacheBound {
  /** Bytes since the cache was last measured; what was written before this server began is not known. */
  private written = Infinity;
  private pruning: Promise<unknown> | undefined;

  /**
   * @param mostBytes of results; for a while there may be an eighth more
   * @param warn told when the cache can't be made smaller
   */
  constructor(
    private readonly cache: AssetCache<unknown>,
    private readonly mostBytes: number,
    private readonly warn: (message: string) => void,
  ) {}

  /** Notes that a result was cached; the oldest ones are removed in the background when it is time. */
  add(bytes: number): void {
    this.written += bytes;
    this.pruneWhenDue();
  }

  /** What is written while older results are being removed counts for the next time, which may be due at once. */
  private pruneWhenDue(): void {
    if (this.pruning || this.written < this.mostBytes * shareBetween) return;
    this.written = 0;
    this.pruning = this.cache
      .prune({ maxBytes: this.mostBytes })
      .catch((error: unknown) => {
        this.warn(`old results can't be removed: ${messageOf(error)}`);
      })
      .finally(() => {
        this.pruning = undefined;
        this.pruneWhenDue();
      });
  }

  /** Waits for what is being removed. */
  async settled(): Promise<void> {
    while (this.pruning) await this.pruning;
  }
}
