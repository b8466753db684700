import type { Plugin } from 'vite';

type Hook = 'load' | 'resolveId' | 'transform' | 'transformIndexHtml';

/**
 * In words: other plugins that have one of these hooks, and may have taken a directive by it.
 * @param own the name of the plugin that they stand before; left out where they may stand anywhere
 */
export function suspects(plugins: readonly Plugin[], hooks: readonly Hook[], own?: string): string {
  const end = own === undefined ? plugins.length : plugins.findIndex(({ name }) => name === own);
  const others = plugins.slice(0, end).filter(({ name }) => !/^(?:vite|upres|native|builtin)\b|^alias$/.test(name));
  const names = [...new Set(others.filter((plugin) => hooks.some((hook) => plugin[hook])).map(({ name }) => name))];
  return names.length === 0 ? '' : `, maybe ${names.join(' or ')}: put upres() before it`;
}
