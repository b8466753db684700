import { withFile } from '../errors.js';
import { abortedBy, isAborted, onAbort, throwIfAborted } from '../abort.js';
import { deviceFor } from '../image/on-device.js';
import { defaultMaxFrames, defaultMaxInputPixels, defaultMaxOutputPixels } from '../image/limits.js';
import { Source } from '../image/image-source.js';
import type { UpscaleOptions, UpscaleResult } from '../image/upscale.js';
import { processors, type Device, type DeviceChoice } from '../network/device.js';
import { namedByEnvironment, workingDevice } from '../network/processor.js';
import { defined } from '../schema.js';
import { cacheKey } from './cache/cache-key.js';
import type { ResultCache, ResultFacts } from './cache/result-cache.js';

export type { ResultFacts } from './cache/result-cache.js';

/** A result, and whether it was there already. */
export interface CachedResult extends UpscaleResult {
  readonly cached: boolean;
  /** SHA-512 of the data in base64 digits, where the cache has it. */
  readonly hash?: string;
}

/** Whatever makes results: an `Upscaler`, or machines that are asked for them. */
export interface Enlarger {
  upscale(source: Source, options: UpscaleOptions): Promise<UpscaleResult>;
}

interface Work {
  readonly owner: CachedUpscaler;
  readonly result: Promise<CachedResult>;
  readonly stop: AbortController;
  /** Makes sure that no caller joins any more. */
  readonly forget: () => void;
  callers: number;
}

/** Sources under way by their hashes: build tools may read one file several times, and still it is decoded once. */
const sources = new Map<string, { readonly source: Source; users: number }>();

/** By cache folder: several bundlers and compilations of a process share their work. */
const inFlightByFolder = new Map<string, Map<string, Work>>();

/** Upscales through the cache: nothing is computed that was computed before, or that is being computed right now. */
export class CachedUpscaler {
  private readonly inFlight: Map<string, Work>;

  /**
   * @param upscaler gives the upscaler when something has to be computed: a warm build never asks
   * @param cache undefined: nothing is cached
   */
  constructor(
    private readonly upscaler: () => Enlarger | Promise<Enlarger>,
    private readonly cache: ResultCache | undefined,
  ) {
    const folder = cache?.folder ?? '';
    this.inFlight = inFlightByFolder.get(folder) ?? new Map<string, Work>();
    inFlightByFolder.set(folder, this.inFlight);
  }

  /**
   * Upscales one image. What is wanted of the same bytes at the same time, in other formats or sizes, shares what it can.
   * @param file the image's name, for errors
   * @throws what `Upscaler.upscale` throws, naming the file; ABORTED when the signal says so (the work goes on while others
   *   want it)
   */
  async upscale(given: Uint8Array | Source, options: UpscaleOptions, file?: string): Promise<CachedResult> {
    throwIfAborted(options.signal);
    const own = Source.of(given);
    const hash = await own.hash().catch((error: unknown) => {
      throw withFile(error, file);
    });
    const shared = sources.get(hash) ?? { source: own, users: 0 };
    sources.set(hash, shared);
    shared.users++;
    try {
      return await this.join(shared.source, options, file);
    } finally {
      if (--shared.users === 0) sources.delete(hash);
    }
  }

  private async join(source: Source, options: UpscaleOptions, file: string | undefined): Promise<CachedResult> {
    const { signal, onProgress, ...rest } = options;
    const key = await cacheKey(source, rest).catch((error: unknown) => {
      throw withFile(error, file);
    });
    throwIfAborted(signal);
    // Limits are no part of a result, but a caller who allows more must not get that error. Nor must one who names a device get what
    // another one computed, for a caller who names none.
    const slot = [key, rest.device, rest.maxInputPixels, rest.maxOutputPixels, rest.maxFrames].join(' ');
    let work = this.inFlight.get(slot);
    if (!work) {
      const stop = new AbortController();
      const shared = { ...rest, signal: stop.signal, ...(onProgress && { onProgress }) };
      const result = this.compute(key, source, shared);
      const forget = (): void => {
        if (this.inFlight.get(slot) === own) this.inFlight.delete(slot);
      };
      const own: Work = { owner: this, result, stop, forget, callers: 0 };
      this.inFlight.set(slot, own);
      result.then(forget, forget);
      work = own;
    }
    try {
      return await takePart(work, signal);
    } catch (error) {
      const gaveUp = isAborted(error) && !signal?.aborted;
      // Each caller has a file of its own, however equal their bytes.
      if (!gaveUp || work.owner === this) throw withFile(error, file);
      // Whoever did the work was closed, and we were not.
      work.forget();
      return this.join(source, options, file);
    }
  }

  /** A result that is there already; undefined where it would have to be computed. Throws as `upscale`. */
  async findCached(
    given: Uint8Array | Source,
    options: UpscaleOptions,
    file?: string,
  ): Promise<CachedResult | undefined> {
    try {
      const source = Source.of(given);
      return await this.find(await cacheKey(source, options), source, options);
    } catch (error) {
      throw withFile(error, file);
    }
  }

  /** For `auto` also the processor's result, which may have stood in for a device that failed. */
  private async find(key: string, source: Source, options: UpscaleOptions): Promise<CachedResult | undefined> {
    const found = await this.findOne(key, options);
    if (found || (options.device ?? namedByEnvironment()) !== 'auto') return found;
    for (const device of processors) {
      const other = await cacheKey(source, { ...options, device });
      const standIn = other === key ? undefined : await this.findOne(other, options);
      if (standIn) return standIn;
    }
    return undefined;
  }

  private async findOne(key: string, options: UpscaleOptions): Promise<CachedResult | undefined> {
    const found = await this.cache?.get(key);
    return found && isAllowed(found.facts, options)
      ? { ...found.facts, data: found.data, cached: true, hash: found.hash }
      : undefined;
  }

  private async compute(key: string, source: Source, options: UpscaleOptions): Promise<CachedResult> {
    const found = await this.find(key, source, options);
    if (found) return found;
    if (options.device !== undefined) return this.make(key, source, { ...options, device: options.device });
    // What was expected may not work, and then results have another place.
    const named = { ...options, device: await workingDevice() };
    const place = await cacheKey(source, named);
    const elsewhere = place === key ? undefined : await this.find(place, source, named);
    return elsewhere ?? this.make(place, source, named);
  }

  private async make(
    key: string,
    source: Source,
    options: UpscaleOptions & { readonly device: DeviceChoice },
  ): Promise<CachedResult> {
    const keys = await keysByDevice(key, source, options);
    const upscaler = await this.upscaler();
    const { data, ...facts } = await upscaler.upscale(source, options);
    const { device } = facts;
    // A network of the user's own may have been replaced in the meantime, and it is unknown by which one this was made.
    const isSame = (await cacheKey(source, { ...options, device })) === keys.get(device);
    const hash = isSame ? await this.cache?.put(keys.get(device)!, data, facts) : undefined;
    return { ...facts, data, cached: false, ...defined({ hash }) };
  }
}

/** A result is cached under the device that really computed it: `auto` goes over to the CPU where another device fails. */
async function keysByDevice(
  key: string,
  source: Source,
  options: UpscaleOptions & { readonly device: DeviceChoice },
): Promise<Map<Device, string>> {
  const { device } = options;
  const keys = new Map<Device, string>([[await deviceFor(device), key]]);
  if (device === 'auto' && !keys.has('cpu')) keys.set('cpu', await cacheKey(source, { ...options, device: 'cpu' }));
  return keys;
}

/** One caller's part in shared work: it may leave, and the last one to leave stops it, so that no other caller joins. */
async function takePart(work: Work, signal: AbortSignal | undefined): Promise<CachedResult> {
  work.callers++;
  if (!signal) return work.result;
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      if (--work.callers === 0) {
        work.forget();
        work.stop.abort(signal.reason);
      }
      reject(abortedBy(signal));
    };
    const forget = onAbort(signal, leave);
    void work.result.then(resolve, reject).finally(forget);
  });
}

/** A result of a caller who allowed more is computed again, which says what is wrong with it. */
function isAllowed(facts: ResultFacts, { maxInputPixels, maxOutputPixels, maxFrames }: UpscaleOptions): boolean {
  const { width, height, sourceWidth, sourceHeight, frames } = facts;
  return (
    sourceWidth * sourceHeight * frames <= (maxInputPixels ?? defaultMaxInputPixels) &&
    width * height * frames <= (maxOutputPixels ?? defaultMaxOutputPixels) &&
    frames <= (maxFrames ?? defaultMaxFrames)
  );
}
