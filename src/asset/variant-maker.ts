import { withFile } from '../errors.js';
import { autoModel } from '../image/auto/auto-model.js';
import type { ResizeOptions, UpscaleOptions, UpscaleResult } from '../image/upscale.js';
import { resolved, type ModelChoice } from '../model/catalogue/colours.js';
import { approximateOnly, type Approximate } from '../network/approximate.js';
import type { Device } from '../network/device.js';
import { defined } from '../schema.js';
import type { VariantPlan } from './asset-plan.js';
import type { ResultCache } from './cache/result-cache.js';
import type { CachedUpscaler } from './cached-upscaler.js';
import { standIn, type OnError } from './on-error.js';
import { ownModelOf, type AssetOptions } from './options.js';
import type { OwnOutputs } from './own-outputs.js';
import { asItIs, original, type RenderedVariant } from './rendered.js';
import { UpscalerLease } from './shared-upscaler.js';

/** The project that files are made for. */
export interface PipelineContext {
  /** The project's root: globs, model paths and the cache are relative to it. */
  readonly root: string;
  readonly warn: (message: string) => void;
}

export interface RenderOptions {
  readonly signal?: AbortSignal;
  /** Higher goes first; 0 is usual. */
  readonly priority?: number;
  /** Told why a result was replaced, without the file's name, in place of the pipeline's `warn`: for tools that know whose it is. */
  readonly warn?: (message: string) => void;
}

/** What an asset's words say of how its files are made, besides the files themselves. */
export interface MakingRules {
  readonly onError: OnError;
  readonly maxOutputPixels: number | undefined;
}

/** A variant, and what the report tells about it. */
export interface MadeVariant {
  readonly rendered: RenderedVariant;
  readonly warning: string | undefined;
  /** What `auto` chose, and why. */
  readonly choice?: Pick<UpscaleResult, 'model' | 'modelReason'> | undefined;
  /** What computed it; only where something was computed, now or for the cache. */
  readonly device?: Device;
  /** How near tiles came to the whole. */
  readonly told?: Approximate;
  /** Whether nothing was to be said of it. */
  readonly isQuiet: boolean;
}

/** Makes single files of plans: as they are, through the cache, by a network, or what takes their place after an error. */
export class VariantMaker {
  private readonly lease: UpscalerLease;
  private readonly told = new Set<string>();
  /** What is under way: it writes into the cache to its end. */
  private readonly making = new Set<Promise<MadeVariant>>();
  private opened: Promise<CachedUpscaler> | undefined;
  private cache: ResultCache | undefined;

  /**
   * @param options checked
   * @param outputs learns of all that is made
   */
  constructor(
    private readonly options: AssetOptions,
    private readonly context: PipelineContext,
    private readonly outputs: OwnOutputs,
  ) {
    this.lease = new UpscalerLease(options.threads);
  }

  /**
   * Makes a file. Those that are asked for together are read, decoded and enlarged together.
   * @throws ABORTED always, and with `onError: 'fail'` whatever goes wrong, naming the file
   */
  make(rules: MakingRules, variant: VariantPlan, options: RenderOptions): Promise<MadeVariant> {
    const making = this.makeOrReplace(rules, variant, options);
    this.making.add(making);
    return making.finally(() => this.making.delete(making));
  }

  /** The file as far as nothing has to be computed for it; undefined otherwise. */
  async findCached(rules: MakingRules, variant: VariantPlan): Promise<RenderedVariant | undefined> {
    const settings = this.networkSettings(rules, variant, {});
    if (await this.staysAsItIs(variant, settings)) return asItIs(variant);
    const found = await (await this.upscaler()).findCached(variant.image, settings, variant.source);
    if (!found) return undefined;
    const { data, format, width, height } = found;
    return { data, format, width, height, status: variant.isOverride ? 'override' : 'cached' };
  }

  /** The file by centred bicubic interpolation, as a stand-in or a preview. */
  async resize(rules: MakingRules, variant: VariantPlan, options: RenderOptions): Promise<RenderedVariant> {
    try {
      const upscaler = await this.lease.get();
      const { data, format, width, height } = await upscaler.resize(
        variant.image,
        this.settings(rules, variant, options),
      );
      await this.outputs.add(data);
      return { data, format, width, height, status: 'resized' };
    } catch (error) {
      throw withFile(error, variant.source);
    }
  }

  /** Waits until what was computed is in the cache that others share, too; for two seconds at most. */
  async settle(): Promise<void> {
    await this.cache?.settle?.();
  }

  /** Ends what is under way and releases the threads. */
  async close(): Promise<void> {
    await this.lease.release();
    await Promise.allSettled(this.making);
    await this.settle();
  }

  /** Loaded for the first picture: most runs of a build tool's configuration have none. */
  private upscaler(): Promise<CachedUpscaler> {
    return (this.opened ??= Promise.all([
      import('./cached-upscaler.js'),
      import('./cache/open-cache.js'),
      import('../network/processor.js'),
    ]).then(async ([{ CachedUpscaler }, { openCache }, { namedByEnvironment }]) => {
      const { options, context } = this;
      if (options.device === undefined) namedByEnvironment();
      this.cache = await openCache(options.cache, context.root, context.warn);
      return new CachedUpscaler(() => this.lease.get(), this.cache);
    }));
  }

  private async makeOrReplace(rules: MakingRules, variant: VariantPlan, options: RenderOptions): Promise<MadeVariant> {
    // What is wrong with the environment is wrong for every picture: nothing stands in.
    if (!variant.verbatim) await this.upscaler();
    try {
      return await this.makeItself(variant, this.networkSettings(rules, variant, options));
    } catch (error) {
      const { made: rendered, ...instead } = await standIn(error, rules.onError, {
        resize: () => this.resize(rules, variant, options),
        original: () => original(variant),
      });
      const warning = instead.error.message;
      if (options.warn) options.warn(warning);
      else this.context.warn(`${variant.source}: ${warning}`);
      return { rendered, warning, isQuiet: false };
    }
  }

  private async makeItself(variant: VariantPlan, settings: UpscaleOptions): Promise<MadeVariant> {
    if (await this.staysAsItIs(variant, settings))
      return { rendered: await asItIs(variant), warning: undefined, isQuiet: true };
    const result = await (await this.upscaler()).upscale(variant.image, settings, variant.source);
    const { data, format, width, height, cached, device, hash, warnings = [] } = result;
    await this.outputs.add(data, hash);
    const status = variant.isOverride ? 'override' : cached ? 'cached' : 'computed';
    for (const warning of warnings) this.tell(`${variant.source}: ${warning}`);
    return {
      rendered: { data, format, width, height, status, ...defined({ hash }) },
      warning: undefined,
      isQuiet: warnings.length === 0,
      choice: variant.model === autoModel ? result : undefined,
      device,
      told: approximateOnly(result),
    };
  }

  /** Whether nothing changes the file: a network of the user's own may, which does not enlarge. */
  private async staysAsItIs(variant: VariantPlan, settings: UpscaleOptions): Promise<boolean> {
    const own = this.options.models?.[variant.model] !== undefined;
    if (!variant.verbatim || !variant.alone || variant.isOverride || !own) return variant.verbatim;
    // A network is prepared for that, unless what it makes is there already.
    if (await (await this.upscaler()).findCached(variant.image, settings, variant.source)) return false;
    return !(await (await this.lease.get()).restores(this.modelOf(variant.model), this.options.device));
  }

  /** Says once what is true of all results of a picture. */
  private tell(warning: string): void {
    if (this.told.has(warning)) return;
    this.told.add(warning);
    this.context.warn(warning);
  }

  private settings(rules: MakingRules, variant: VariantPlan, { signal, priority }: RenderOptions): ResizeOptions {
    return {
      ...variant.target,
      format: variant.format,
      ...defined({ ...variant.encoding, animation: variant.animation, device: this.options.device }),
      ...(rules.maxOutputPixels === undefined ? {} : { maxOutputPixels: rules.maxOutputPixels }),
      ...(signal ? { signal } : {}),
      ...(priority === undefined ? {} : { priority }),
    };
  }

  private networkSettings(rules: MakingRules, variant: VariantPlan, options: RenderOptions): UpscaleOptions {
    return { ...this.settings(rules, variant, options), model: this.modelOf(variant.model) };
  }

  /** The network behind a registered label, or the built-in's label. */
  private modelOf(label: string): ModelChoice {
    const own = ownModelOf(this.options, label);
    return own === undefined ? label : resolved(own, this.context.root);
  }
}
