import { dirname, relative, sep } from 'node:path';
import { parseQuery, printQuery } from '#upres/asset/directives.js';
import { inputsOf } from '#upres/asset/inputs.js';
import { moduleCode } from '#upres/asset/module-code.js';
import { AssetPipeline, type PreparedAsset } from '#upres/asset/pipeline.js';
import { readableMessage } from '#upres/asset/readable-message.js';
import type { Answer, Question } from './protocol.js';

const pipelines = new Map<string, AssetPipeline>();

/** What Turbopack is to have for an image with directives. Never fails: what goes wrong is told by the answer. */
export async function answer({ options, root, file, query }: Question): Promise<Answer> {
  let inputs: readonly string[] = [file];
  try {
    const pipeline = pipelineFor({ options, root });
    const directives = parseQuery(query);
    if (!directives) throw new Error('the loader of upres is for queries with "upscale", as in ?upscale=2');
    const plan = await pipeline.plan(file, directives);
    inputs = inputsOf(plan, options, root);
    if (plan.shape !== 'url') return { inputs, body: Buffer.from(codeOf(plan)), failed: false };
    const { data } = await pipeline.render(plan, plan.variants[0]!);
    return { inputs, body: Buffer.from(data.buffer, data.byteOffset, data.byteLength), failed: false };
  } catch (error) {
    const message = readableMessage(error, file, query.replace(/^\?/, ''), root);
    return { inputs, body: Buffer.from(message), failed: true };
  }
}

/** Says what was done since it was last said. */
export async function finishAll(): Promise<void> {
  for (const pipeline of pipelines.values()) {
    await pipeline.finish((line) => {
      console.log(line);
    });
    pipeline.report.clear();
  }
}

function pipelineFor({ options, root }: Pick<Question, 'options' | 'root'>): AssetPipeline {
  const key = JSON.stringify([root, options]);
  const warn = (message: string): void => {
    console.warn(`upres: ${message}`);
  };
  const pipeline = pipelines.get(key) ?? new AssetPipeline(options, { root, warn });
  pipelines.set(key, pipeline);
  return pipeline;
}

/** A module that imports its files, so that names and public paths are Turbopack's. */
function codeOf(plan: PreparedAsset): string {
  const names = new Map<string, string>();
  const code = moduleCode(plan, ({ source, directives }) => {
    const file = relative(dirname(plan.file), source).split(sep).join('/');
    const request = `./${file}?${printQuery(directives)}&as=url`;
    const name = names.get(request) ?? `url${names.size}`;
    names.set(request, name);
    return name;
  });
  return [...names].map(([request, name]) => `import ${name} from ${JSON.stringify(request)};\n`).join('') + code;
}
