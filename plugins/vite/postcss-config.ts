import { resolve } from 'node:path';
import type { CSSOptions, UserConfig } from 'vite';
import type { PostcssPlugin } from './css.js';

type PostcssOptions = Extract<NonNullable<CSSOptions['postcss']>, object>;

/**
 * Vite's PostCSS options with one more plugin at the end. Options in Vite's configuration would make it ignore the project's own
 * configuration file, so what Vite would have loaded is loaded here, in the way in which Vite does it.
 * @throws what the file throws, as Vite would
 */
export async function withPostcssPlugin(config: UserConfig, plugin: PostcssPlugin): Promise<PostcssOptions> {
  const given = config.css?.postcss;
  // Vite joins this with what was given.
  if (typeof given === 'object') return { plugins: [plugin] };
  const root = resolve(config.root ?? '.');
  const { default: postcssrc } = await import('postcss-load-config');
  // Where there is none, it is one that is too old, and `configResolved` says so.
  const vite = await import('vite').catch(() => undefined);
  try {
    const found = await postcssrc({}, given === undefined ? root : resolve(given), {
      stopDir: vite?.searchForWorkspaceRoot(root) ?? root,
    });
    return { ...found.options, plugins: [...found.plugins, plugin] };
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('No PostCSS Config found')) return { plugins: [plugin] };
    throw error;
  }
}
