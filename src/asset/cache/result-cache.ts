import type { UpscaleResult } from '../../image/upscale.js';
import type { CacheEntry } from './asset-cache.js';

/** What is stored with a result's bytes. */
export type ResultFacts = Omit<UpscaleResult, 'data'>;

/** Where results are looked for before they are computed, and kept afterwards. */
export interface ResultCache {
  /** Of the results on this machine. */
  readonly folder: string;
  get(key: string): Promise<CacheEntry<ResultFacts> | undefined>;
  /** @returns SHA-512 of the data in base64 digits, where it is kept on this machine */
  put(key: string, data: Uint8Array, facts: ResultFacts): Promise<string | undefined>;
  /** Waits until what was put is where it belongs. */
  settle?(): Promise<void>;
}
