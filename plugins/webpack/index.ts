/**
 * The plugin for webpack 5 and Rspack.
 * @module upres/webpack
 */
import { bundlerOptions, checkAssetOptions, type AssetOptions } from '#upres/asset/options.js';
import { UpresError } from '#upres/errors.js';
import type { Compiler } from 'webpack';
import type { LeftoversOption } from '#upres/asset/written-urls.js';
import type { TypeOf } from '#upres/schema.js';
import { applied, usedPipelines } from './compiler-state.js';
import { reportUnresolved } from './unresolved.js';
import { restoreNames } from './name-asset.js';
import { keepOthersOff, refuseForeignContents } from './only-ours.js';
import { addRules, identOf, loader, upresRules, type UpresRule } from './rules.js';
import { checkVersion } from './version.js';

export type { AssetOptions } from '#upres/asset/options.js';
export type { ModuleKind, UpresRule } from './rules.js';

/** Options of `UpresPlugin`, for webpack and Rspack. */
export interface UpresPluginOptions extends TypeOf<typeof bundlerOptions> {}

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
    const { assets } = check(options);
    return upresRules(assets, identOf(assets));
  }

  private readonly options: AssetOptions;
  private readonly leftovers: LeftoversOption;

  /** @throws BAD_ARGUMENT for options that don't exist or can't be */
  constructor(options: UpresPluginOptions = {}) {
    ({ assets: this.options, leftovers: this.leftovers } = check(options));
  }

  /** Called by webpack. */
  apply(compiler: Compiler): void {
    checkVersion(compiler);
    refuseTwice(compiler);
    addRules(compiler, this.options);
    keepOthersOff(compiler, this.options);
    restoreNames(compiler);
    refuseForeignContents(compiler);
    reportUnresolved(compiler, this.leftovers);
    compiler.hooks.done.tapPromise('upres', async ({ compilation }) => {
      if (!usedPipelines.has(compilation.compiler.root)) return;
      const { saySummary } = await import('./summary.js');
      await saySummary(compilation, this.options);
    });
  }
}

export default UpresPlugin;

/**
 * What `require()` gives: the class itself, and what `import` finds by name.
 * @hidden
 */
const required = Object.assign(UpresPlugin, { UpresPlugin, default: UpresPlugin });
export { required as 'module.exports' };

/**
 * A configuration that is merged of several can have the plugin twice, and would enlarge what is enlarged already.
 * @throws BAD_ARGUMENT
 */
function refuseTwice(compiler: Compiler): void {
  if (applied.has(compiler)) {
    const message =
      'UpresPlugin is there twice in this configuration (is it merged from several?): keep one, since each would enlarge what the other made';
    throw new UpresError('BAD_ARGUMENT', message);
  }
  applied.add(compiler);
}

function check(given: UpresPluginOptions): { assets: AssetOptions; leftovers: LeftoversOption } {
  checkAssetOptions(given, bundlerOptions);
  const { leftovers = 'error', ...assets } = given;
  return { assets, leftovers };
}
