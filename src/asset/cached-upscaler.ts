import { UpresError } from '../errors.js';
import type { Upscaler, UpscaleOptions, UpscaleResult } from '../image/upscale.js';
import type { AssetCache } from './asset-cache.js';
import { cacheKey } from './cache-key.js';

/** What is kept beside a result's bytes. */
export type ResultFacts = Omit<UpscaleResult, 'data'>;

/** A result, and whether it was there already. */
export interface CachedResult extends UpscaleResult {
  readonly cached: boolean;
}

interface Work {
  readonly result: Promise<CachedResult>;
  readonly stop: AbortController;
  callers: number;
}

/** Upscales through the cache: nothing is computed that was computed before, or that somebody is computing right now. */
export class CachedUpscaler {
  private readonly inFlight = new Map<string, Work>();

  /**
   * @param upscaler gives the upscaler when something has to be computed: a warm build never asks
   * @param cache undefined: nothing is kept
   */
  constructor(
    private readonly upscaler: () => Upscaler | Promise<Upscaler>,
    private readonly cache: AssetCache<ResultFacts> | undefined,
  ) {}

  /**
   * Upscales the bytes of one image.
   * @param file the image's name, for errors
   * @throws what `Upscaler.upscale` throws, naming the file; ABORTED when the signal says so (the work goes on while others
   *   want it)
   */
  async upscale(source: Uint8Array, options: UpscaleOptions, file?: string): Promise<CachedResult> {
    const { signal, onProgress, ...rest } = options;
    signal?.throwIfAborted();
    const key = await cacheKey(source, rest).catch((error: unknown) => {
      throw naming(error, file);
    });
    let work = this.inFlight.get(key);
    if (!work) {
      const stop = new AbortController();
      const wishes = { ...rest, signal: stop.signal, ...(onProgress && { onProgress }) };
      const result = this.compute(key, source, wishes, file);
      work = { result, stop, callers: 0 };
      this.inFlight.set(key, work);
      const own = work;
      const forget = (): void => {
        if (this.inFlight.get(key) === own) this.inFlight.delete(key);
      };
      result.then(forget, forget);
    }
    return join(work, signal, () => this.inFlight.delete(key));
  }

  private async compute(
    key: string,
    source: Uint8Array,
    options: UpscaleOptions,
    file: string | undefined,
  ): Promise<CachedResult> {
    const kept = await this.cache?.get(key);
    if (kept) return { ...kept.facts, data: kept.data, cached: true };
    try {
      const upscaler = await this.upscaler();
      const { data, ...facts } = await upscaler.upscale(source, options);
      await this.cache?.put(key, data, facts);
      return { ...facts, data, cached: false };
    } catch (error) {
      throw naming(error, file);
    }
  }
}

/** One caller's part in shared work: it may leave, and the last one to leave stops it, so that nobody joins any more. */
async function join(work: Work, signal: AbortSignal | undefined, onStop: () => void): Promise<CachedResult> {
  work.callers++;
  if (!signal) return work.result;
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      if (--work.callers === 0) {
        onStop();
        work.stop.abort(signal.reason);
      }
      reject(new UpresError('ABORTED', 'upscaling was aborted', { cause: signal.reason }));
    };
    signal.addEventListener('abort', leave, { once: true });
    void work.result.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', leave);
    });
  });
}

function naming(error: unknown, file: string | undefined): unknown {
  if (!(error instanceof UpresError) || error.file !== undefined || file === undefined) return error;
  return new UpresError(error.code, error.message, { file, cause: error });
}
