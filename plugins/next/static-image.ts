import { parseQuery, printQuery } from '#upres/asset/directives.js';
import { mimeType } from '#upres/asset/markup.js';
import type { AssetOptions } from '#upres/asset/options.js';
import type { AssetPipeline, RenderedVariant } from '#upres/asset/pipeline.js';
import type { LoaderContext } from 'webpack';
import { dependOn } from '../webpack/dependencies.js';
import { pipelineOf } from '../webpack/pipelines.js';
import { answerLoader } from '../webpack/loader-answer.js';

/** Images are bytes. */
export const raw = true;

/** What Next calls StaticImageData, but for its `src`. */
interface Facts {
  readonly width: number;
  readonly height: number;
  readonly blurDataURL?: string;
  readonly blurWidth?: number;
  readonly blurHeight?: number;
}

/** Makes of an image and the directives in its query a module for `next/image`; it imports the file. */
export default function upresStaticImage(this: LoaderContext<AssetOptions>, source: Buffer): void {
  answerLoader(this, load(this, source));
}

async function load(context: LoaderContext<AssetOptions>, source: Buffer): Promise<string> {
  const options = context.getOptions();
  const pipeline = pipelineOf(context._compiler!, options);
  const asset = await pipeline.plan(context.resourcePath, parseQuery(context.resourceQuery) ?? {}, source);
  await dependOn(context, asset, options);
  const variant = asset.variants[0]!;
  // What it fails at, or warns of, is said for the file that is imported.
  const rendered = await pipeline.render(asset, variant, { warn: () => undefined });
  if (rendered.status === 'original' || rendered.status === 'resized') context.cacheable(false);
  const { width, height } = rendered;
  const facts: Facts = {
    width,
    height,
    ...(await blurOf(pipeline, context.resourcePath, rendered, asset.info.frames)),
  };
  const file = context.utils.contextify(context.context, variant.source);
  const request = JSON.stringify(`${file}?${printQuery({ ...variant.directives, as: 'url' })}`);
  return `import src from ${request};\nexport default { src, ...${JSON.stringify(facts)} };\n`;
}

/** Formats that Next makes such pictures of. */
const blurred: readonly string[] = ['jpeg', 'png', 'webp', 'avif'];
/** Of the longer side, as Next has it. */
const blurPixels = 8;

/** What is shown while the picture comes; nothing for animations, and for what can't be read. */
async function blurOf(
  pipeline: AssetPipeline,
  file: string,
  { width, height, format }: RenderedVariant,
  frames: number,
): Promise<Omit<Facts, 'width' | 'height'>> {
  if (frames > 1 || !blurred.includes(format)) return {};
  const blurWidth = width >= height ? blurPixels : Math.max(1, Math.round((width / height) * blurPixels));
  try {
    const plan = await pipeline.plan(file, { width: blurWidth, format: [format], as: 'url' });
    const small = await pipeline.preview(plan, plan.variants[0]!);
    const blurDataURL = `data:${mimeType(format)};base64,${Buffer.from(small.data).toString('base64')}`;
    return { blurDataURL, blurWidth: small.width, blurHeight: small.height };
  } catch {
    return {};
  }
}
