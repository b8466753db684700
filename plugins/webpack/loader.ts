import { basename } from 'node:path';
import { parseQuery } from '#upres/asset/directives.js';
import { checkAssetOptions, type AssetOptions } from '#upres/asset/options.js';
import type { RenderedVariant } from '#upres/asset/pipeline.js';
import type { LoaderContext } from 'webpack';
import { dependOn } from './dependencies.js';
import { markupModule } from './markup-module.js';
import { inPitch, takeFromPitch, type Made } from './in-pitch.js';
import { nameAsset } from './name-asset.js';
import { pipelineOf } from './pipelines.js';
import { answerLoader, readableError } from './loader-answer.js';
import { checkContext } from './version.js';

/** Images are bytes. */
export const raw = true;

/** Makes of an image and the directives in its query the bytes of one file, or a module that imports several. */
export default function upresLoader(this: LoaderContext<AssetOptions>, source: Buffer): void {
  answerLoader(this, load(this, source));
}

/** In Rspack, files are made here. */
export function pitch(this: LoaderContext<AssetOptions>): void {
  const { _compiler: compiler, _module: module } = this;
  if (compiler && 'rspack' in compiler && module?.type.startsWith('asset')) inPitch(this, make);
}

async function load(context: LoaderContext<AssetOptions>, source: Buffer): Promise<Buffer | string> {
  const made = takeFromPitch(context, source);
  if (made) return (await made).content;
  const { content, name } = await make(context, source);
  if (name !== undefined) nameAsset(context, name);
  return content;
}

async function make(context: LoaderContext<AssetOptions>, source: Buffer): Promise<Made> {
  checkContext(context);
  const options = context.getOptions();
  checkAssetOptions(options);
  const directives = parseQuery(context.resourceQuery);
  if (!directives) throw new Error(`the loader of upres is for queries with "upscale", as in ?upscale=2`);
  // Loaders that run others in processes of their own, as thread-loader does, have none to show.
  const compiler = context._compiler;
  if (!compiler || !context._module) {
    throw new Error(
      'upres computes on all cores by itself and can’t run inside thread-loader or the like: leave images with ?upscale out of its rule',
    );
  }
  const pipeline = pipelineOf(compiler, options);
  const asset = await pipeline.plan(context.resourcePath, directives, source);
  await dependOn(context, asset, options);
  const isFile = context._module.type.startsWith('asset');
  if (!isFile && context._module.type.startsWith('javascript')) return { content: markupModule(context, asset) };
  if (asset.shape !== 'url') throw new Error(`as=${asset.shape} is for imports in JavaScript; here one file is wanted`);
  const variant = asset.variants[0]!;
  const warn = (message: string): void => {
    context.emitWarning(readableError(message, context));
  };
  const rendered = await pipeline.render(asset, variant, { warn });
  // What took a failed result's place must not be found in webpack's own cache the next time.
  if (isMakeshift(rendered)) context.cacheable(false);
  const content = Buffer.from(rendered.data.buffer, rendered.data.byteOffset, rendered.data.byteLength);
  if (!isFile) return { content };
  return { content, name: rendered.status === 'original' ? basename(variant.source) : variant.name };
}

const isMakeshift = ({ status }: RenderedVariant): boolean => status === 'original' || status === 'resized';
