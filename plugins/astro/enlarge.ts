import { Source } from '#upres/image/image-source.js';
import type { Directives } from '#upres/asset/directives.js';
import { AssetPipeline } from '#upres/asset/pipeline.js';
import { UpresError } from '#upres/errors.js';
import type { Transform } from './astro.js';
import { enlargementFor } from './factor.js';
import type { ServiceConfig } from './options.js';

const pipelines = new Map<string, AssetPipeline>();

/** One for all calls of a process with the same options. */
function pipelineFor({ assets }: ServiceConfig): AssetPipeline {
  const key = JSON.stringify(assets);
  const known = pipelines.get(key);
  if (known) return known;
  const warn = (message: string): void => {
    console.warn(`upres: ${message}`);
  };
  const pipeline = new AssetPipeline(assets, { root: process.cwd(), warn });
  pipelines.set(key, pipeline);
  return pipeline;
}

/**
 * The bytes of a picture that is large enough for what is wanted of it: its own, or those of an enlargement without loss.
 * @param input an encoded image
 * @throws what `Upscaler.upscale` throws, naming the picture
 */
export async function enlarge(
  input: Uint8Array,
  wanted: Transform & { src: string },
  config: ServiceConfig,
): Promise<Uint8Array> {
  const name = wanted.src.replace(/[?#].*$/, '');
  const pipeline = pipelineFor(config);
  const header = await new Source(input).header().catch((error: unknown) => {
    // An SVG, or what only Astro can read or refuse.
    if (error instanceof UpresError && error.code === 'UNSUPPORTED_FORMAT') return undefined;
    throw error;
  });
  const upscale = header ? enlargementFor(wanted, header) : 1;
  if (!header || upscale === 1) return input;
  // Animations only live in formats that lose something; at its best, WebP loses least.
  const encoding: Directives = header.frames > 1 ? { format: ['webp'], quality: 100 } : { format: ['png'] };
  const asset = await pipeline.plan(name, { upscale: [upscale], ...encoding }, input);
  const { data } = await pipeline.render(asset, asset.variants[0]!);
  pipeline.report.clear();
  return data;
}
