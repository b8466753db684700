import { checkAssetOptions, type AssetOptions } from '#upres/asset/options.js';
import { UpresError } from '#upres/errors.js';
import type { ReportEntry } from '#upres/asset/report.js';
import { validate } from 'schema-utils';
import type { Compiler } from 'webpack';
import { refuseLeftovers } from './leftovers.js';
import { restoreNames } from './name-asset.js';
import { optionsSchema } from './options-schema.js';
import { pipelineOf } from './pipelines.js';
import { addRules, loader, upresRules, type UpresRule } from './rules.js';

export type UpresPluginOptions = AssetOptions;

/**
 * Upscales images whose requests have the key `upscale`, wherever webpack resolves them: `import`, `new URL()`, CSS and HTML.
 *
 * ```js
 * plugins: [new UpresPlugin({ quality: 80 })]
 * ```
 */
export class UpresPlugin {
  /** Absolute path of the loader, for rules of your own. */
  static readonly loader: string = loader;

  /**
   * The rules that the plugin adds, for those who want them in a certain place.
   * @throws BAD_ARGUMENT
   */
  static rules(options: UpresPluginOptions = {}): UpresRule[] {
    return upresRules(check(options));
  }

  private readonly options: UpresPluginOptions;

  /** @throws ValidationError, BAD_ARGUMENT for options that don't exist or can't be */
  constructor(options: UpresPluginOptions = {}) {
    this.options = check(options);
  }

  apply(compiler: Compiler): void {
    addRules(compiler, this.options);
    restoreNames(compiler);
    refuseLeftovers(compiler);
    compiler.hooks.done.tapPromise('upres', () => this.finish(compiler));
  }

  /** Says what was done, if anything was done since it was last said. */
  private async finish(compiler: Compiler): Promise<void> {
    const pipeline = pipelineOf(compiler, this.options);
    const entries = pipeline.report.entries();
    if (entries.every((entry) => told.has(entry))) return;
    for (const entry of entries) told.add(entry);
    const logger = compiler.getInfrastructureLogger('upres');
    const say = (line: string): void => {
      logger.info(line);
    };
    await pipeline.finish(say).catch((error: unknown) => {
      throw error instanceof UpresError
        ? new Error(`${error.file ?? 'upres'}: ${error.message}`, { cause: error })
        : error;
    });
  }
}

export default UpresPlugin;

/** What a summary has said already: compilers may share a pipeline, and a watching one ends many builds. */
const told = new WeakSet<ReportEntry>();

function check(options: UpresPluginOptions): UpresPluginOptions {
  validate(optionsSchema, options, { name: 'upres', baseDataPath: 'options' });
  checkAssetOptions(options);
  return options;
}
