import { rewriteValue } from '#upres/asset/css-values.js';
import { isOurs } from '#upres/asset/urls.js';
import type { BundlerOptions, StyleLoader } from './bundler.js';

/** Puts `url()` around the strings of an `image-set()` that have directives. */
export async function withImageSetUrls(css: string): Promise<string> {
  if (!/image-set\(/i.test(css) || !css.includes('upscale')) return css;
  return rewriteValue(css, ({ url, bare, replaceImage }) => {
    if (bare && isOurs(url)) replaceImage(`url(${JSON.stringify(url)})`);
    return undefined;
  });
}

/** What esbuild would take for a style sheet; undefined where the configuration makes something else of it. */
export function styleLoader(file: string, { loader = {} }: BundlerOptions): StyleLoader | undefined {
  const local = file.endsWith('.module.css');
  const configured = (local ? loader['.module.css'] : undefined) ?? loader['.css'] ?? (local ? 'local-css' : 'css');
  return (['css', 'local-css'] as const).find((known) => known === configured);
}
