import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import type { Directives } from '#upres/asset/directives.js';
import { hasQuality, nameOfResult } from '#upres/asset/names.js';
import type { AssetOptions } from '#upres/asset/options.js';
import { AssetPipeline } from '#upres/asset/pipeline.js';
import { splitUrl } from '#upres/asset/urls.js';
import { messageOf, UpresError } from '#upres/errors.js';
import { formatTraits, type OutputFormat } from '#upres/image/codec/formats.js';
import type { Plugin, ResolvedConfig, Rollup } from 'vite';
import { checkUpscalingOptions, type UpscalingOptions } from './options.js';
import { splitQuery } from './query.js';

export type { UpscalingOptions } from './options.js';

type Load = (this: Rollup.PluginContext, id: string, ...rest: unknown[]) => Promise<Rollup.LoadResult>;

/**
 * Has pictures enlarged before vite-imagetools changes them, as in `photo.jpg?upscale=2&w=800&format=avif;webp`.
 *
 * imagetools gets a larger file in place of the source: its limits on `w`, its formats and what enhanced-img reads of a picture are then
 * right by themselves, which a transform among its own would come too late for.
 * @param plugins what `imagetools()` of vite-imagetools or `enhancedImages()` of `@sveltejs/enhanced-img` gives; the same is given back
 * @throws UpresError BAD_ARGUMENT for options that don't exist or can't be, and where there is no imagetools among the plugins
 */
export function upscaling<T extends object>(plugins: T, options: UpscalingOptions = {}): T {
  checkUpscalingOptions(options);
  const imagetools = ([plugins].flat() as Plugin[]).find(({ name }) => name === 'imagetools');
  if (!imagetools?.load) {
    throw new UpresError('BAD_ARGUMENT', 'upscaling() takes imagetools() of vite-imagetools, or enhancedImages()');
  }
  const { load } = imagetools;
  const theirs = (typeof load === 'object' ? load.handler : load) as Load;
  // upres/vite finds this list, leaves such pictures alone, and waits to be told of each.
  const upscaled: ((environment: string, image: string, query: string) => void)[] = [];
  let enlarge: ((file: string, wanted: Directives) => Promise<string>) | undefined;
  const handler: Load = async function (id, ...rest) {
    const { path, query } = splitUrl(id);
    try {
      const wanted = splitQuery(query, options.keys);
      if (!wanted || !enlarge) return await theirs.call(this, id, ...rest);
      if (this.environment.mode === 'build') this.addWatchFile(path);
      const loaded = await theirs.call(this, `${await enlarge(path, wanted.directives)}?${wanted.rest}`, ...rest);
      if (loaded) {
        // enhanced-img puts its own keys behind those that its author wrote.
        const written = query.replace(/&(?:imgSizes=[^&]*|imgWidth=[^&]*|enhanced)(?=&|$)/g, '');
        for (const tell of upscaled) {
          for (const each of [query, written]) tell(this.environment.name, path, each);
        }
        return loaded;
      }
    } catch (error) {
      return this.error(
        Object.assign(new Error(`${id}: ${messageOf(error)}`, { cause: error }), { name: 'UpresError' }),
      );
    }
    return this.error(`${id}: imagetools takes no such file: see its options include and exclude`);
  };
  // enhanced-img calls the hook of this very object, so it is changed in place. imagetools' filter would hide from it what it refuses;
  // it asks that again itself.
  imagetools.load = handler;
  imagetools.api = { ...(imagetools.api as object | undefined), upscaled };
  wrapConfigResolved(imagetools, (config) => {
    enlarge = enlarger(config, options);
  });
  return plugins;
}

function wrapConfigResolved(plugin: Plugin, tell: (config: ResolvedConfig) => void): void {
  const { configResolved } = plugin;
  const theirs = typeof configResolved === 'object' ? configResolved.handler : configResolved;
  plugin.configResolved = function (config) {
    tell(config);
    return theirs?.call(this, config);
  };
}

/** @returns what makes an enlargement a file, in the source's format and with the least loss that it has; imagetools only reads files */
function enlarger(config: ResolvedConfig, assets: AssetOptions): (file: string, wanted: Directives) => Promise<string> {
  const warn = (message: string): void => {
    config.logger.warn(`upres: ${message}`);
  };
  const pipeline = new AssetPipeline(assets, { root: config.root, warn });
  return async (file, wanted) => {
    const { variants } = await pipeline.plan(file, wanted);
    const asset = await pipeline.plan(file, { ...wanted, ...leastLoss(variants[0]!.format) });
    const [variant] = asset.variants;
    const result = await pipeline.render(asset, variant!);
    pipeline.report.clear();
    const hash = createHash('sha256').update(result.data).digest('hex').slice(0, 16);
    const folder = join(config.cacheDir, 'upres', hash);
    const enlarged = join(folder, nameOfResult({ name: basename(file), format: variant!.format }, result));
    await mkdir(folder, { recursive: true });
    await writeFileAtomic(enlarged, Buffer.from(result.data));
    return enlarged.replaceAll('\\', '/');
  };
}

function leastLoss(format: OutputFormat): Directives {
  if (formatTraits[format].lossless === 'choice') return { lossless: true };
  return hasQuality(format) ? { quality: 100 } : {};
}
