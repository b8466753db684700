import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { directivesQuery, parseQuery } from '#upres/asset/directives.js';
import { presetOf, type AssetOptions } from '#upres/asset/options.js';
import type { LeftoversOption } from '#upres/asset/written-urls.js';
import type { Compiler, RuleSetRule } from 'webpack';
import { UpresPlugin } from '../webpack/index.js';

/** What is read and changed of webpack's configuration. */
export interface WebpackConfig {
  plugins: unknown[];
}

/** What Next tells about a compiler. */
export interface WebpackContext {
  readonly dev: boolean;
  readonly isServer: boolean;
  readonly nextRuntime?: string;
}

const staticImage = fileURLToPath(new URL('./static-image.js', import.meta.url));

/** For `next build --webpack` and `next dev --webpack`: the plugin, and what Next wants of images besides. */
export function addToWebpack(
  config: WebpackConfig,
  context: WebpackContext,
  options: AssetOptions,
  leftovers: LeftoversOption,
): void {
  config.plugins.push(new UpresPlugin({ ...options, leftovers }), {
    apply(compiler: Compiler) {
      // Behind those of the plugin, which it adds at the same time.
      compiler.hooks.afterPlugins.tap('upres', () => {
        compiler.options.module.rules.push(...rules(context, options));
      });
    },
  });
}

function rules({ dev, isServer, nextRuntime }: WebpackContext, options: AssetOptions): RuleSetRule[] {
  // Where the server's compilers have to put what browsers ask for, as Next's own loader of images does.
  const outputPath = join('..', dev || nextRuntime === 'edge' ? '' : '..', '/');
  return [
    ...(isServer ? [{ resourceQuery: directivesQuery, generator: { outputPath } }] : []),
    {
      resourceQuery: { and: [directivesQuery, (query) => !saysShape(query, options)] },
      dependency: { not: ['url'] },
      issuer: { not: /\.(?:css|scss|sass)$/ },
      type: 'javascript/auto',
      use: [{ loader: staticImage, options }],
    },
  ];
}

/** Whether an import says by itself, or by its preset, what it gives. What can't be read is the loader's to complain about. */
function saysShape(query: string, options: AssetOptions): boolean {
  try {
    const { as, preset } = parseQuery(query) ?? {};
    return (as ?? (preset === undefined ? undefined : presetOf(options, preset).as)) !== undefined;
  } catch {
    return false;
  }
}
