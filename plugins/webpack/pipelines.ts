import type { AssetOptions } from '#upres/asset/options.js';
import { AssetPipeline } from '#upres/asset/pipeline.js';
import type { Compilation, Compiler } from 'webpack';
import { usedPipelines, type Shared } from './compiler-state.js';

/** Compilers with the same options share a pipeline, and with it what is under way: client and server want the same files. */
const shared = new Map<string, Shared>();

/**
 * The pipeline of a compiler for these options, made when it is first asked for. Loaders can't be handed one, since their
 * options are part of what webpack stores: they find it here.
 */
export function pipelineOf(compiler: Compiler, options: AssetOptions): AssetPipeline {
  return shareOf(compiler, options).pipeline;
}

/** What a compiler has built lately decides what the report is about: a watching one sees images come and go. */
export function forgetGone({ compiler, fileDependencies }: Compilation, options: AssetOptions): void {
  const { pipeline, users, assets } = shareOf(compiler, options);
  const files = pipeline.report.entries().map(({ file }) => file);
  assets.set(compiler, new Set(files.filter((file) => fileDependencies.has(file))));
  // Others have not built yet, and what is told may be theirs.
  if (assets.size < users) return;
  const kept = [...assets.values()];
  pipeline.report.retain((file) => kept.some((each) => each.has(file)));
}

function shareOf({ root }: Compiler, options: AssetOptions): Shared {
  const own = usedPipelines.get(root) ?? hold(root);
  const key = JSON.stringify([root.context, options]);
  let use = own.get(key);
  if (!use) {
    use = shared.get(key) ?? { pipeline: open(root, options), users: 0, assets: new Map() };
    use.users++;
    shared.set(key, use);
    own.set(key, use);
  }
  return use;
}

function open(compiler: Compiler, options: AssetOptions): AssetPipeline {
  const logger = compiler.getInfrastructureLogger('upres');
  const warn = (message: string): void => {
    logger.warn(message);
  };
  return new AssetPipeline(options, { root: compiler.context, warn });
}

/** Lets the threads go when the compiler ends. It may compile again after `watching.close()`, and then takes a new pipeline. */
function hold(compiler: Compiler): Map<string, Shared> {
  const own = new Map<string, Shared>();
  usedPipelines.set(compiler, own);
  const release = async (): Promise<void> => {
    const uses = [...own];
    own.clear();
    for (const [key, use] of uses) {
      use.assets.delete(compiler);
      if (--use.users > 0) continue;
      shared.delete(key);
      await use.pipeline.close();
    }
  };
  compiler.hooks.shutdown.tapPromise('upres', release);
  compiler.hooks.watchClose.tap('upres', () => {
    release().catch((error: unknown) => {
      compiler.getInfrastructureLogger('upres').error(error);
    });
  });
  return own;
}
