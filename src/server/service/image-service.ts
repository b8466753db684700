import { AssetCache } from '../../asset/cache/asset-cache.js';
import { cacheKey } from '../../asset/cache/cache-key.js';
import { checkModel } from '../../asset/options.js';
import { CachedUpscaler, type CachedResult } from '../../asset/cached-upscaler.js';
import { openCache } from '../../asset/cache/open-cache.js';
import type { ResultCache } from '../../asset/cache/result-cache.js';
import { UpresError } from '../../errors.js';
import { autoModel } from '../../image/auto/auto-model.js';
import { formatTraits, type OutputFormat } from '../../image/codec/formats.js';
import type { Source } from '../../image/image-source.js';
import { unlimited } from '../../image/limits.js';
import type { UpscaleOptions } from '../../image/options.js';
import { pictureCost, planPicture } from '../../image/plan.js';
import { defined } from '../../schema.js';
import { sniff, sniffLength } from '../../image/codec/sniff.js';
import { Upscaler } from '../../image/upscale.js';
import { CacheBound } from './cache-bound.js';
import type { Client } from './client.js';
import type { ServerMetrics } from './metrics.js';
import type { ServerSettings } from './settings.js';
import { encodingOf, type Variant } from './variant.js';
import type { Progress } from '../../pixels.js';

/** How long a remote cache that did not do its part is left alone. */
const remoteRestMs = 60_000;

/** How one image is to be computed, besides what it shall become. */
export interface ComputeOptions {
  /** Whose turn it takes. */
  readonly client: Client;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /** Calls of a higher one go first in the network; default 0. */
  readonly priority?: number;
}

/** What an image's header says, and what will become of it. */
export interface ImagePlan {
  /** Pixels of the source, all frames counted. */
  readonly inputPixels: number;
  /** Pixels of all results, all frames counted. */
  readonly outputPixels: number;
}

function tooCostly(bytes: number, most: number, format: string): UpresError {
  const gigabytes = (amount: number): string => `${(amount / 1e9).toPrecision(2)} GB`;
  const message = `as ${format} it would take ${gigabytes(bytes)} of memory, and at most ${gigabytes(most)} are given to one image here: ask for less, or for PNG or JPEG`;
  return new UpresError('OUTPUT_TOO_LARGE', message);
}

const megapixels = (pixels: number): string => `${Number((pixels / 1e6).toPrecision(3))} megapixels`;

/** Images for all clients: one upscaler, one cache, the same limits for everybody. It knows nothing of HTTP. */
export class ImageService implements AsyncDisposable {
  private readonly upscaler: Upscaler;
  private readonly cached: CachedUpscaler;
  private readonly bound: CacheBound | undefined;

  private constructor(
    private readonly settings: ServerSettings,
    private readonly metrics: ServerMetrics,
    private readonly cache: ResultCache | undefined,
    warn: (message: string) => void,
  ) {
    this.upscaler = new Upscaler({ threads: settings.threads, device: settings.device });
    this.cached = new CachedUpscaler(() => this.upscaler, cache);
    this.bound = cache && new CacheBound(new AssetCache(cache.folder), settings.limits.cacheBytes, warn);
  }

  /**
   * @param warn called when results can't be cached, old ones not be removed, or a remote cache is left alone
   * @throws BAD_ARGUMENT for what the environment says of a remote cache
   */
  static async open(
    settings: ServerSettings,
    metrics: ServerMetrics,
    warn: (message: string) => void,
  ): Promise<ImageService> {
    const cache = await openCache(settings.cache, process.cwd(), warn, { retryAfter: remoteRestMs });
    return new ImageService(settings, metrics, cache, warn);
  }

  /**
   * The format of an image by its first bytes; nothing is decoded.
   * @throws UNSUPPORTED_FORMAT, INPUT_EMPTY
   */
  async formatOf(image: Source): Promise<OutputFormat> {
    const bytes = await image.bytes();
    if (bytes.length === 0) throw new UpresError('INPUT_EMPTY', 'there is no image: send its bytes as the body');
    const sniffed = sniff(bytes.subarray(0, sniffLength));
    if (sniffed.format !== undefined) return sniffed.format;
    const what = sniffed.what ?? 'not an image that is known here';
    throw new UpresError('UNSUPPORTED_FORMAT', `this is ${what}: send a PNG, JPEG, WebP, AVIF, GIF or TIFF`);
  }

  /**
   * Reads the header and checks the limits for all files of an image, before anything is decoded.
   * @throws INPUT_*, OUTPUT_TOO_LARGE, UNSUPPORTED_FORMAT, BAD_ARGUMENT
   */
  async probe(image: Source, variants: readonly Variant[]): Promise<ImagePlan> {
    await this.formatOf(image);
    const { inputPixels: most, outputPixels: mostResult, frames: mostFrames } = this.settings.limits;
    const { codecBytes: mostCodecBytes } = this.settings.limits;
    const header = await image.header();
    if (header.frames > mostFrames) {
      const message = `the animation has ${header.frames} frames, and at most ${mostFrames} are taken here`;
      throw new UpresError('INPUT_TOO_LARGE', message);
    }
    // All frames count: decoders read them even where one is used.
    const inputPixels = header.width * header.height * header.frames;
    if (inputPixels > most) {
      const message = `the image has ${megapixels(inputPixels)}, and at most ${megapixels(most)} are taken here`;
      throw new UpresError('INPUT_TOO_LARGE', message);
    }
    const each = variants.map((variant) => {
      const options = { ...this.optionsOf(variant, variant.format), ...unlimited };
      const plan = planPicture(header, options, undefined);
      const { target, frames, format } = plan;
      const { codecBytes } = pictureCost(plan, 1);
      if (codecBytes > mostCodecBytes) throw tooCostly(codecBytes, mostCodecBytes, formatTraits[format].display);
      return target.width * target.height * frames;
    });
    const largest = Math.max(...each);
    if (largest > mostResult) {
      const message = `the result would have ${megapixels(largest)}, and at most ${megapixels(mostResult)} are made here: ask for less`;
      throw new UpresError('OUTPUT_TOO_LARGE', message);
    }
    return { inputPixels, outputPixels: each.reduce((sum, pixels) => sum + pixels, 0) };
  }

  /**
   * The strong entity tag of a result, quotes included: its name in the cache. Nothing is decoded for it.
   * @throws as `formatOf`; DEVICE_UNAVAILABLE
   */
  async etag(image: Source, variant: Variant): Promise<string> {
    const options = this.optionsOf(variant, variant.format ?? (await this.formatOf(image)));
    return `"${await cacheKey(image, options)}"`;
  }

  /**
   * Upscales one image through the cache.
   * @throws as `probe` (which says more about limits, and is to be asked first); ABORTED, DEVICE_*, DISPOSED, INFERENCE_FAILED,
   *   MODEL_*
   */
  async upscale(image: Source, variant: Variant, compute: ComputeOptions): Promise<CachedResult> {
    const result = await this.cached.upscale(image, {
      // Said even where it is the source's own, as builds do, so that they share results.
      ...this.optionsOf(variant, variant.format ?? (await this.formatOf(image))),
      ...compute,
    });
    this.metrics.imageDone(result);
    if (!result.cached) this.bound?.add(result.data.length);
    // The floors below know a network of the owner's own by its path, which clients must not see.
    return variant.model === autoModel ? result : { ...result, model: variant.model };
  }

  /** Waits for what is under way (with `cancel`, gives it up) and releases the networks. */
  async dispose(options: { readonly cancel?: boolean } = {}): Promise<void> {
    await this.upscaler.dispose(options);
    await this.cache?.settle?.();
    await this.bound?.settled();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  private optionsOf(variant: Variant, format: OutputFormat | undefined): UpscaleOptions {
    const { limits, models, device } = this.settings;
    const { upscale, width, height, minWidth, model, animation, colour, alpha } = variant;
    // A record may name what is known elsewhere.
    checkModel(model, models);
    return {
      ...defined({ upscale, width, height, minWidth, format, animation, colour, alpha }),
      ...(format && defined(encodingOf(variant, format))),
      model: Object.hasOwn(models, model) ? models[model]! : model,
      device: variant.device ?? device,
      maxInputPixels: variant.maxInputPixels ?? limits.inputPixels,
      maxOutputPixels: variant.maxOutputPixels ?? limits.outputPixels,
      maxFrames: variant.maxFrames ?? limits.frames,
    };
  }
}
