import { UpresError } from '../errors.js';
import { onAbort } from '../on-abort.js';
import { deviceFor } from '../image/on-device.js';
import { defaultMaxFrames, defaultMaxInputPixels, defaultMaxOutputPixels } from '../image/limits.js';
import type { Upscaler, UpscaleOptions, UpscaleResult } from '../image/upscale.js';
import type { Device } from '../network/device.js';
import type { AssetCache } from './asset-cache.js';
import { keyOf } from './cache-key.js';
import { SourceImage } from './source-image.js';

/** What is kept beside a result's bytes. */
export type ResultFacts = Omit<UpscaleResult, 'data'>;

/** A result, and whether it was there already. */
export interface CachedResult extends UpscaleResult {
  readonly cached: boolean;
}

interface Work {
  readonly owner: CachedUpscaler;
  readonly result: Promise<CachedResult>;
  readonly stop: AbortController;
  /** Makes sure that nobody joins any more. */
  readonly forget: () => void;
  callers: number;
}

/** By cache folder: several bundlers and compilations of a process share their work. */
const inFlightByFolder = new Map<string, Map<string, Work>>();

/** Upscales through the cache: nothing is computed that was computed before, or that somebody is computing right now. */
export class CachedUpscaler {
  private readonly inFlight: Map<string, Work>;

  /**
   * @param upscaler gives the upscaler when something has to be computed: a warm build never asks
   * @param cache undefined: nothing is kept
   */
  constructor(
    private readonly upscaler: () => Upscaler | Promise<Upscaler>,
    private readonly cache: AssetCache<ResultFacts> | undefined,
  ) {
    const folder = cache?.folder ?? '';
    this.inFlight = inFlightByFolder.get(folder) ?? new Map<string, Work>();
    inFlightByFolder.set(folder, this.inFlight);
  }

  /**
   * Upscales the bytes of one image.
   * @param file the image's name, for errors
   * @throws what `Upscaler.upscale` throws, naming the file; ABORTED when the signal says so (the work goes on while others
   *   want it)
   */
  async upscale(source: Uint8Array | SourceImage, options: UpscaleOptions, file?: string): Promise<CachedResult> {
    const { signal, onProgress, ...rest } = options;
    if (signal?.aborted) throw abortedError(signal);
    const image = source instanceof SourceImage ? source : new SourceImage(source);
    const key = await keyOf(image, rest).catch((error: unknown) => {
      throw naming(error, file);
    });
    if (signal?.aborted) throw abortedError(signal);
    // Limits are no part of a result, but whoever allows more must not be told that it is too much.
    const slot = [key, rest.maxInputPixels, rest.maxOutputPixels, rest.maxFrames].join(' ');
    let work = this.inFlight.get(slot);
    if (!work) {
      const stop = new AbortController();
      const wishes = { ...rest, signal: stop.signal, ...(onProgress && { onProgress }) };
      const result = this.compute(key, image, wishes);
      const forget = (): void => {
        if (this.inFlight.get(slot) === own) this.inFlight.delete(slot);
      };
      const own: Work = { owner: this, result, stop, forget, callers: 0 };
      this.inFlight.set(slot, own);
      result.then(forget, forget);
      work = own;
    }
    try {
      return await join(work, signal);
    } catch (error) {
      const gaveUp = error instanceof UpresError && error.code === 'ABORTED' && !signal?.aborted;
      // Each caller has a file of its own, however equal their bytes.
      if (!gaveUp || work.owner === this) throw naming(error, file);
      // Whoever did the work was closed, and we were not.
      work.forget();
      return this.upscale(image, options, file);
    }
  }

  /** A result that is there already; undefined where it would have to be computed. Throws as `upscale`. */
  async kept(source: Uint8Array, options: UpscaleOptions, file?: string): Promise<CachedResult | undefined> {
    try {
      const image = new SourceImage(source);
      return await this.find(await keyOf(image, options), image, options);
    } catch (error) {
      throw naming(error, file);
    }
  }

  /** For `auto` also the CPU's result, which may have stood in for a device that failed. */
  private async find(key: string, image: SourceImage, options: UpscaleOptions): Promise<CachedResult | undefined> {
    const kept = await this.findOne(key, options);
    if (kept || options.device !== 'auto') return kept;
    const cpuKey = await keyOf(image, { ...options, device: 'cpu' });
    return cpuKey === key ? undefined : this.findOne(cpuKey, options);
  }

  private async findOne(key: string, options: UpscaleOptions): Promise<CachedResult | undefined> {
    const kept = await this.cache?.get(key);
    return kept && isAllowed(kept.facts, options) ? { ...kept.facts, data: kept.data, cached: true } : undefined;
  }

  private async compute(key: string, image: SourceImage, options: UpscaleOptions): Promise<CachedResult> {
    const kept = await this.find(key, image, options);
    if (kept) return kept;
    const keys = await keysByDevice(key, image, options);
    const upscaler = await this.upscaler();
    const { data, ...facts } = await upscaler.upscale(image, options);
    const { device } = facts;
    // A network of the user's own may have been replaced in the meantime, and nobody knows by which one this was made.
    if (this.cache && (await keyOf(image, { ...options, device })) === keys.get(device)) {
      await this.cache.put(keys.get(device)!, data, facts);
    }
    return { ...facts, data, cached: false };
  }
}

/** A result is kept under the device that really computed it: `auto` goes over to the CPU where another device fails. */
async function keysByDevice(key: string, image: SourceImage, options: UpscaleOptions): Promise<Map<Device, string>> {
  const { device = 'cpu' } = options;
  const keys = new Map<Device, string>([[await deviceFor(device), key]]);
  if (device === 'auto' && !keys.has('cpu')) keys.set('cpu', await keyOf(image, { ...options, device: 'cpu' }));
  return keys;
}

/** One caller's part in shared work: it may leave, and the last one to leave stops it, so that nobody joins any more. */
async function join(work: Work, signal: AbortSignal | undefined): Promise<CachedResult> {
  work.callers++;
  if (!signal) return work.result;
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      if (--work.callers === 0) {
        work.forget();
        work.stop.abort(signal.reason);
      }
      reject(abortedError(signal));
    };
    const forget = onAbort(signal, leave);
    void work.result.then(resolve, reject).finally(forget);
  });
}

/** A result that somebody kept who allowed more is computed again, which says what is wrong with it. */
function isAllowed(facts: ResultFacts, { maxInputPixels, maxOutputPixels, maxFrames }: UpscaleOptions): boolean {
  const { width, height, sourceWidth, sourceHeight, frames } = facts;
  return (
    sourceWidth * sourceHeight * frames <= (maxInputPixels ?? defaultMaxInputPixels) &&
    width * height * frames <= (maxOutputPixels ?? defaultMaxOutputPixels) &&
    frames <= (maxFrames ?? defaultMaxFrames)
  );
}

function abortedError(signal: AbortSignal): UpresError {
  return new UpresError('ABORTED', 'upscaling was aborted', { cause: signal.reason });
}

function naming(error: unknown, file: string | undefined): unknown {
  if (!(error instanceof UpresError) || error.file !== undefined || file === undefined) return error;
  return new UpresError(error.code, error.message, { file, cause: error });
}
