import { relative, resolve } from 'node:path';
import { throwIfAborted } from '../abort.js';
import { withFile } from '../errors.js';
import type { ImageInfo } from '../image/codec/header.js';
import type { Source } from '../image/image-source.js';
import { approximateOnly, type Approximate } from '../network/approximate.js';
import { defined } from '../schema.js';
import type { AssetPlan, planAsset, VariantPlan } from './asset-plan.js';
import { cacheFolder } from './cache/cache-folder.js';
import { cacheVariables } from './cache/cache-option.js';
import type { Directives } from './directives.js';
import type { AssetOptions } from './options.js';
import { OwnOutputs } from './own-outputs.js';
import type { Recall, RecalledAsset } from './recall.js';
import { asItIs, type AssetFile, type RenderedVariant } from './rendered.js';
import { AssetReport, type ReportEntry } from './report.js';
import { DirectivesResolver } from './resolve.js';
import type { SourceFacts } from './source-facts.js';
import type { MakingRules, PipelineContext, RenderOptions, VariantMaker } from './variant-maker.js';

export type { RenderedVariant } from './rendered.js';

interface Planner {
  readonly planAsset: typeof planAsset;
  readonly Source: typeof Source;
}

/** A plan, with what the assets' own words did not say. */
export interface PreparedAsset extends AssetPlan, MakingRules {
  /** What it came to before. */
  readonly recalled?: RecalledAsset;
}

/**
 * Turns sources and directives into files, for all build tools: plans them, makes them through the cache, and remembers what
 * it did for the report.
 */
export class AssetPipeline {
  readonly report = new AssetReport();
  /** What upres has made in this project, by whichever tool. */
  readonly outputs: OwnOutputs;
  private makerOpened: Promise<VariantMaker> | undefined;
  private planner: Promise<Planner> | undefined;
  private facts: Promise<SourceFacts> | undefined;
  private recalling: Promise<Recall | undefined> | undefined;
  private ready: Recall | undefined;
  private readonly resolver: DirectivesResolver;

  /** @param options checked */
  constructor(
    private readonly options: AssetOptions,
    private readonly context: PipelineContext,
  ) {
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
    const maker = await this.maker();
    const { rendered, warning, choice, device, told, isQuiet } = await maker.make(asset, variant, options);
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
    return known ? known.rendered : (await this.maker()).findCached(asset, variant);
  }

  /** The same file by centred bicubic interpolation: quick, not cached, and not in the report. */
  async preview(asset: PreparedAsset, variant: VariantPlan, options: RenderOptions = {}): Promise<RenderedVariant> {
    return variant.verbatim ? asItIs(variant) : (await this.maker()).resize(asset, variant, options);
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
    await (await this.makerOpened)?.settle();
  }

  /** Ends what is under way and releases the threads. */
  async close(): Promise<void> {
    await (await this.makerOpened)?.close();
  }

  /** Loaded for the first file that was not made before. */
  private maker(): Promise<VariantMaker> {
    return (this.makerOpened ??= import('./variant-maker.js').then(
      ({ VariantMaker }) => new VariantMaker(this.options, this.context, this.outputs),
    ));
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
}

/** Loaded for the first picture. */
async function loadPlanner(): Promise<Planner> {
  const [{ planAsset }, { Source }] = await Promise.all([
    import('./asset-plan.js'),
    import('../image/image-source.js'),
  ]);
  return { planAsset, Source };
}
