/**
 * The plugin for Rollup and Rolldown.
 * @module upres/rollup
 */
import { dirname, resolve } from 'node:path';
import { MissingFiles } from '#upres/asset/missing-files.js';
import { parseQuery } from '#upres/asset/directives.js';
import { inputsOf } from '#upres/asset/inputs.js';
import { moduleCode } from '#upres/asset/module-code.js';
import { nameOfResult } from '#upres/asset/names.js';
import { assembledUrlsIn, newUrlsIn } from '#upres/asset/script-references.js';
import { bundlerOptions, checkAssetOptions } from '#upres/asset/options.js';
import { AssetPipeline, type PreparedAsset } from '#upres/asset/pipeline.js';
import { readableMessage } from '#upres/asset/readable-message.js';
import { decoded, isOurs, splitUrl } from '#upres/asset/urls.js';
import type { TypeOf } from '#upres/schema.js';
import type { VariantPlan } from '#upres/asset/asset-plan.js';
import MagicString from 'magic-string';
import { scriptKinds, type BundlerContext, type UpresRollupPlugin } from './bundler.js';
import { reportAssembled, reportUnresolved } from './unresolved.js';

export type { AssetOptions } from '#upres/asset/options.js';
export type { UpresRollupPlugin } from './bundler.js';

/** Options of `upres()` of `upres/rollup`. */
export interface UpresRollupOptions extends TypeOf<typeof bundlerOptions> {}

/**
 * Upscales images whose URL says so, as in `photo.jpg?upscale=2`, in imports and in `new URL()`: for Rollup and Rolldown.
 * @throws UpresError BAD_ARGUMENT for options that don't exist or can't be
 */
export function upres(options: UpresRollupOptions = {}): UpresRollupPlugin {
  checkAssetOptions(options, bundlerOptions);
  const { leftovers = 'error', ...assetOptions } = options;
  const root = process.cwd();
  const missingFiles = new MissingFiles();
  let warn = (message: string): void => {
    console.warn(message);
  };
  const pipeline = new AssetPipeline(assetOptions, {
    root,
    warn: (message) => {
      warn(message);
    },
  });

  /** Makes the files of an asset, and gives an expression for the URL of each. */
  const deliver = async (
    context: BundlerContext,
    file: string,
    query: string,
    check: (plan: PreparedAsset) => void = () => undefined,
  ): Promise<{ plan: PreparedAsset; urlOf: (variant: VariantPlan) => string }> => {
    warn = (message) => {
      context.warn(message);
    };
    // First of all: a damaged image is to be read again when it is mended.
    context.addWatchFile(file);
    try {
      const plan = await pipeline.plan(file, parseQuery(query)!);
      check(plan);
      for (const input of inputsOf(plan, assetOptions, root)) context.addWatchFile(input);
      // Rolldown does not watch for what is not there yet.
      const waits = context.meta.watchMode && context.meta.rolldownVersion !== undefined && plan.missing.length > 0;
      if (waits) context.addWatchFile(missingFiles.stampFor(plan.missing));
      const emitted = plan.variants.map(async (variant) => {
        const rendered = await pipeline.render(plan, variant);
        const { data } = rendered;
        const source = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
        const reference = context.emitFile({ type: 'asset', name: nameOfResult(variant, rendered), source });
        return [variant, `import.meta.ROLLUP_FILE_URL_${reference}`] as const;
      });
      const places = new Map(await Promise.all(emitted));
      return { plan, urlOf: (variant) => places.get(variant)! };
    } catch (error) {
      return context.error(readableMessage(error, file, query, root));
    }
  };

  return {
    name: 'upres',
    resolveId: {
      order: 'pre',
      async handler(source, importer) {
        // Names that plugins make up are theirs, as those of @rollup/plugin-commonjs for what `require()` gives.
        if (source.startsWith('\0') || !isOurs(source)) return null;
        const { path, query } = splitUrl(source);
        const found = await this.resolve(path, importer, { skipSelf: true });
        if (found?.external) return null;
        // What is not found is reported by `load`, with its name; a bundler would leave it to the browser.
        const file = found?.id ?? (importer === undefined ? resolve(path) : resolve(dirname(importer), path));
        return { id: `${splitUrl(file).path}?${query}`, moduleSideEffects: false };
      },
    },
    load: {
      order: 'pre',
      async handler(id) {
        if (id.startsWith('\0') || !isOurs(id)) return null;
        const { path, query } = splitUrl(id);
        const { plan, urlOf } = await deliver(this, path, query);
        return { code: moduleCode(plan, urlOf), map: null, moduleType: 'js' };
      },
    },
    async transform(code, id, facts) {
      const lang = scriptKinds.find((kind) => kind === facts?.moduleType) ?? 'js';
      const parse = (text: string): unknown => this.parse(text, { jsx: true, lang });
      reportAssembled(this, assembledUrlsIn(code, parse), splitUrl(id).path, leftovers, root);
      const literals = newUrlsIn(code, parse);
      if (literals.length === 0) return null;
      const text = new MagicString(code);
      const importer = splitUrl(id).path;
      const oneFile = ({ shape }: PreparedAsset): void => {
        if (shape !== 'url') throw new Error(`a URL is one file: use an import for as=${shape}`);
      };
      await Promise.all(
        literals.map(async ({ value, start, end }) => {
          const { path, query, fragment } = splitUrl(value);
          const file = resolve(dirname(importer), decoded(path));
          const { plan, urlOf } = await deliver(this, file, query, oneFile);
          const place = urlOf(plan.variants[0]!);
          text.update(start, end, fragment === '' ? place : `${place} + ${JSON.stringify(fragment)}`);
        }),
      );
      return { code: text.toString(), map: text.generateMap({ source: id, hires: 'boundary' }).toString() };
    },
    generateBundle: {
      order: 'post',
      async handler(_, bundle) {
        reportUnresolved(this, bundle, leftovers, root);
        const lines: string[] = [];
        await pipeline.finish((line) => lines.push(line));
        if (lines.length > 0) this.info(`\n${lines.join('\n')}`);
        // Another output of the same build has nothing new to say.
        pipeline.report.clear();
      },
    },
    async closeBundle() {
      // A watching build will soon want the threads again; idle, they keep no process from ending.
      if (!this.meta.watchMode) await pipeline.close();
    },
    async closeWatcher() {
      missingFiles.close();
      await pipeline.close();
    },
  };
}

export default upres;

/**
 * What `require()` gives: the function itself, and what `import` finds by name.
 * @hidden
 */
const required = Object.assign(upres, { upres, default: upres });
export { required as 'module.exports' };
