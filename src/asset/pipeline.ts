import { approximateOnly, type Approximate } from '../network/approximate.js';
import { resolved, type ModelChoice } from '../model/catalogue/colours.js';
import { relative, resolve } from 'node:path';
import { throwIfAborted } from '../abort.js';
import { withFile } from '../errors.js';
import { autoModel } from '../image/auto/auto-model.js';
import type { ImageInfo } from '../image/codec/header.js';
import type { Source } from '../image/image-source.js';
import type { ResizeOptions, UpscaleOptions, UpscaleResult } from '../image/upscale.js';
import type { Device } from '../network/device.js';
import { defined } from '../schema.js';
import { cacheFolder } from './cache/cache-folder.js';
import type { AssetPlan, planAsset, VariantPlan } from './asset-plan.js';
import type { CachedUpscaler } from './cached-upscaler.js';
import { cacheVariables } from './cache/cache-option.js';
import type { Directives } from './directives.js';
import { standIn, type OnError } from './on-error.js';
import { ownModelOf, type AssetOptions } from './options.js';
import { OwnOutputs } from './own-outputs.js';
import { AssetReport, type ReportEntry } from './report.js';
import type { Recall, RecalledAsset } from './recall.js';
import { asItIs, original, type AssetFile, type RenderedVariant } from './rendered.js';
import { DirectivesResolver } from './resolve.js';
import type { ResultCache } from './cache/result-cache.js';
import { UpscalerLease } from './shared-upscaler.js';
import type { SourceFacts } from './source-facts.js';

export type { RenderedVariant } from './rendered.js';

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

/** A variant, and what the report tells about it. */
interface Made {
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

interface Planner {
  readonly planAsset: typeof planAsset;
  readonly Source: typeof Source;
}

/** A plan, with what the assets' own words did not say. */
export interface PreparedAsset extends AssetPlan {
  readonly onError: OnError;
  readonly maxOutputPixels: number | undefined;
  /** What it came to before. */
  readonly recalled?: RecalledAsset;
}

/**
 * Turns sources and directives into files, for all build tools: plans them, makes them through the cache, and remembers what
 * it did for the report.
 */
export class AssetPipeline {
  readonly report = new AssetReport();
  private readonly lease: UpscalerLease;
  /** What upres has made in this project, by whichever tool. */
  readonly outputs: OwnOutputs;
  private readonly told = new Set<string>();
  /** What is under way: it writes into the cache to its end. */
  private readonly making = new Set<Promise<Made>>();
  private opened: Promise<CachedUpscaler> | undefined;
  private planner: Promise<Planner> | undefined;
  private facts: Promise<SourceFacts> | undefined;
  private recalling: Promise<Recall | undefined> | undefined;
  private ready: Recall | undefined;
  private readonly resolver: DirectivesResolver;
  private cache: ResultCache | undefined;

  /** @param options checked */
  constructor(
    private readonly options: AssetOptions,
    private readonly context: PipelineContext,
  ) {
    this.lease = new UpscalerLease(options.threads);
    this.outputs = OwnOutputs.of(context.root);
    this.resolver = new DirectivesResolver(options, context.root);
  }

  /**
   * Plans the files that an asset becomes.
   * @param file absolute path
   * @param contents read from the file where not given
   * @throws INPUT_*, UNSUPPORTED_FORMAT, BAD_ARGUMENT, naming the file
   */
  async plan(file: string, directives: Directives, contents?: Uint8Array): Promise<PreparedAsset> {
    const resolved = this.resolver.resolve(file, directives);
    const [{ planAsset, Source }, recall] = await Promise.all([
      (this.planner ??= loadPlanner()),
      (this.recalling ??= this.loadRecall()),
    ]);
    try {
      const image = new Source(contents ?? file);
      const recalled = await recall?.of(file, resolved, await image.hash());
      const { info } = recalled ?? {};
      const infoOf = async (source: Source): Promise<ImageInfo> =>
        source === image && info ? info : (await this.sourceFacts()).infoOf(source);
      const plan = await planAsset(file, image, resolved, this.outputs, { infoOf });
      const { onError, maxOutputPixels } = resolved;
      return { ...plan, onError, maxOutputPixels, ...defined({ recalled }) };
    } catch (error) {
      throw withFile(error, file);
    }
  }

  /**
   * Makes one file of a plan. Those that are asked for together are read, decoded and enlarged together.
   * @throws ABORTED always, and with `onError: 'fail'` whatever goes wrong, naming the file
   */
  async render(asset: PreparedAsset, variant: VariantPlan, options: RenderOptions = {}): Promise<RenderedVariant> {
    return (await this.renderFile(asset, variant, options)).rendered;
  }

  /**
   * Makes all files of an asset, for tools that need nothing of it before they have them: what was made before of the same bytes, by the
   * same words, is not even planned.
   * @param file absolute path
   * @param source its contents
   * @throws what `plan` and `render` throw
   */
  async renderAll(
    file: string,
    directives: Directives,
    source: Uint8Array,
    options: RenderOptions = {},
  ): Promise<readonly AssetFile[]> {
    const started = performance.now();
    await this.getReady();
    const known = await this.ready?.find(file, this.resolver.resolve(file, directives), source);
    if (known) {
      for (const each of known.files) {
        const { data, hash } = each.rendered;
        if (hash !== undefined) await this.outputs.add(data, hash);
        this.note({ file, info: known.info }, source, each, started);
      }
      return known.files;
    }
    const asset = await this.plan(file, directives, source);
    return Promise.all(asset.variants.map((variant) => this.renderFile(asset, variant, options)));
  }

  /** Reads what is known of all assets, once. */
  async getReady(): Promise<void> {
    this.ready = await (this.recalling ??= this.loadRecall());
    await Promise.all([this.ready?.ready(), this.outputs.ready()]);
  }

  /**
   * What `renderAll` gives, at once, where it was made before. Hundreds of small files pass in the time that awaiting each would take.
   * @returns undefined where that is not so, where others would have to wait for it, and before `getReady` is over
   * @throws BAD_ARGUMENT naming the file
   */
  recallAll(file: string, directives: Directives, source: Uint8Array): readonly AssetFile[] | undefined {
    const started = performance.now();
    const known = this.ready?.findAtOnce(file, this.resolver.resolve(file, directives), source);
    // What is not in the record of outputs yet is waited for until it is.
    if (!known?.files.every(({ rendered: { hash } }) => hash === undefined || this.outputs.knows(hash)))
      return undefined;
    for (const each of known.files) this.note({ file, info: known.info }, source, each, started);
    return known.files;
  }

  private async renderFile(asset: PreparedAsset, variant: VariantPlan, options: RenderOptions): Promise<AssetFile> {
    const started = performance.now();
    throwIfAborted(options.signal);
    const known = await this.recall(asset, variant);
    if (known) {
      const { data, hash } = known.rendered;
      if (hash !== undefined) await this.outputs.add(data, hash);
      this.note(asset, await variant.image.bytes(), known, started);
      return known;
    }
    const making = this.make(asset, variant, options);
    this.making.add(making);
    const { rendered, warning, choice, device, told, isQuiet } = await making.finally(() => this.making.delete(making));
    const { name, target, density } = variant;
    const facts = { name, target, density, model: choice?.model ?? variant.model, ...told };
    const file = { ...facts, ...defined({ modelReason: choice?.modelReason, device }), rendered };
    this.note(asset, await variant.image.bytes(), file, started, warning);
    const index = asset.variants.indexOf(variant);
    if (isQuiet && index >= 0) await asset.recalled?.add(asset, index, file);
    return file;
  }

  /** A file that was made before of the same bytes, by the same words; a picture made by hand takes its place. */
  private async recall({ recalled, variants }: PreparedAsset, variant: VariantPlan): Promise<AssetFile | undefined> {
    return variant.isOverride ? undefined : recalled?.file(variants.indexOf(variant), () => variant.image.bytes());
  }

  /** Puts a file that is there into the report. */
  private note(
    { file, info }: Pick<AssetPlan, 'file' | 'info'>,
    source: Uint8Array,
    { name, model, modelReason, device, approximate, approximateBy, rendered }: AssetFile,
    started: number,
    warning?: string,
  ): void {
    const isShown = Boolean(this.options.report);
    const { format, width, height, data, status } = rendered;
    this.report.add({
      file,
      name,
      model,
      modelReason,
      device,
      ...approximateOnly({ approximate, approximateBy } as Approximate),
      before: { width: info.width, height: info.height, bytes: source.byteLength, data: isShown ? source : undefined },
      after: { width, height, bytes: data.byteLength, data: isShown ? data : undefined },
      beforeFormat: info.format,
      format,
      status,
      ms: performance.now() - started,
      warning,
    });
  }

  /** The file as far as nothing has to be computed for it; undefined otherwise. Not in the report. */
  async findCached(asset: PreparedAsset, variant: VariantPlan): Promise<RenderedVariant | undefined> {
    const known = await this.recall(asset, variant);
    if (known) return known.rendered;
    const settings = this.networkSettings(asset, variant, {});
    if (await this.staysAsItIs(variant, settings)) return asItIs(variant);
    const found = await (await this.upscaler()).findCached(variant.image, settings, variant.source);
    if (!found) return undefined;
    const { data, format, width, height } = found;
    return { data, format, width, height, status: variant.isOverride ? 'override' : 'cached' };
  }

  /** The same file by centred bicubic interpolation: quick, not cached, and not in the report. */
  async preview(asset: PreparedAsset, variant: VariantPlan, options: RenderOptions = {}): Promise<RenderedVariant> {
    if (variant.verbatim) return asItIs(variant);
    return this.resize(variant, this.settings(asset, variant, options));
  }

  /**
   * Says what was done, to be called when a build is complete: a short table line by line, and the page of the report where
   * the options ask for it. Nothing is said where nothing was done.
   * @param entries what the table is about; the page has all
   * @throws OUTPUT_UNWRITABLE
   */
  async finish(log: (line: string) => void, entries?: readonly ReportEntry[]): Promise<void> {
    await this.settle();
    for (const line of this.report.table(entries)) log(line);
    const page = await this.writeReport();
    if (page !== undefined) log(`before and after of each: ${relative(this.context.root, page) || page}`);
  }

  /**
   * Writes the page of the report, whole or not at all.
   * @returns its path; undefined where the options do not ask for it, or nothing was done
   * @throws OUTPUT_UNWRITABLE
   */
  async writeReport(): Promise<string | undefined> {
    const { report } = this.options;
    if (report === undefined || report === false) return undefined;
    const entries = this.report.entries();
    if (entries.length === 0) return undefined;
    const file = resolve(this.context.root, report === true ? 'upres-report.html' : report);
    const { writeReportPage } = await import('./report-page.js');
    await writeReportPage(file, entries);
    return file;
  }

  /** Waits until what was computed is in the cache that others share, too; for two seconds at most. `finish` does it, too. */
  async settle(): Promise<void> {
    await this.cache?.settle?.();
  }

  /** Ends what is under way and releases the threads. */
  async close(): Promise<void> {
    await this.lease.release();
    await Promise.allSettled(this.making);
    await this.settle();
  }

  /** Loaded for the first picture of which nothing is known. */
  private sourceFacts(): Promise<SourceFacts> {
    return (this.facts ??= import('./source-facts.js').then(
      ({ SourceFacts }) => new SourceFacts(cacheFolder(this.options.cache, this.context.root)),
    ));
  }

  private async loadRecall(): Promise<Recall | undefined> {
    const { cache, device } = this.options;
    const folder = cacheFolder(cache, this.context.root);
    // By whose word a result is believed only the cache knows.
    const key = (typeof cache === 'object' ? cache.key : undefined) ?? process.env[cacheVariables.key];
    if (folder === undefined || key) return undefined;
    const { Recall } = await import('./recall.js');
    return new Recall(folder, device);
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

  private async make(asset: PreparedAsset, variant: VariantPlan, options: RenderOptions): Promise<Made> {
    const given = variant.isOverride ? 'override' : undefined;
    const settings = this.settings(asset, variant, options);
    // What is wrong with the environment is wrong for every picture: nothing stands in.
    if (!variant.verbatim) await this.upscaler();
    try {
      const forNetwork = this.networkSettings(asset, variant, options);
      if (await this.staysAsItIs(variant, forNetwork))
        return { rendered: await asItIs(variant), warning: undefined, isQuiet: true };
      const result = await (await this.upscaler()).upscale(variant.image, forNetwork, variant.source);
      const { data, format, width, height, cached, device, hash } = result;
      await this.outputs.add(data, hash);
      const status = given ?? (cached ? 'cached' : 'computed');
      const { warnings = [] } = result;
      for (const warning of warnings) this.tell(`${variant.source}: ${warning}`);
      const choice = variant.model === autoModel ? result : undefined;
      return {
        rendered: { data, format, width, height, status, ...defined({ hash }) },
        warning: undefined,
        isQuiet: warnings.length === 0,
        choice,
        device,
        told: approximateOnly(result),
      };
    } catch (error) {
      const { made: rendered, ...instead } = await standIn(error, asset.onError, {
        resize: () => this.resize(variant, settings),
        original: () => original(variant),
      });
      const warning = instead.error.message;
      if (options.warn) options.warn(warning);
      else this.context.warn(`${variant.source}: ${warning}`);
      return { rendered, warning, isQuiet: false };
    }
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

  private async resize(variant: VariantPlan, settings: ResizeOptions): Promise<RenderedVariant> {
    try {
      const upscaler = await this.lease.get();
      const { data, format, width, height } = await upscaler.resize(variant.image, settings);
      await this.outputs.add(data);
      return { data, format, width, height, status: 'resized' };
    } catch (error) {
      throw withFile(error, variant.source);
    }
  }

  private settings(asset: PreparedAsset, variant: VariantPlan, { signal, priority }: RenderOptions): ResizeOptions {
    return {
      ...variant.target,
      format: variant.format,
      ...defined({ ...variant.encoding, animation: variant.animation, device: this.options.device }),
      ...(asset.maxOutputPixels === undefined ? {} : { maxOutputPixels: asset.maxOutputPixels }),
      ...(signal ? { signal } : {}),
      ...(priority === undefined ? {} : { priority }),
    };
  }

  private networkSettings(asset: PreparedAsset, variant: VariantPlan, options: RenderOptions): UpscaleOptions {
    return { ...this.settings(asset, variant, options), model: this.modelOf(variant.model) };
  }

  /** The network behind a registered label, or the built-in's label. */
  private modelOf(label: string): ModelChoice {
    const own = ownModelOf(this.options, label);
    return own === undefined ? label : resolved(own, this.context.root);
  }
}

/** Loaded for the first picture. */
async function loadPlanner(): Promise<Planner> {
  const [{ planAsset }, { Source }] = await Promise.all([
    import('./asset-plan.js'),
    import('../image/image-source.js'),
  ]);
  return { planAsset, Source };
}
