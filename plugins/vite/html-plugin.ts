import type { Plugin, Rollup } from 'vite';
import { deliveryTo } from './deliver.js';
import { rewriteHtml } from './html.js';
import type { SessionOf } from './sessions.js';

/**
 * Pages in builds. Partials and templates become HTML in `transformIndexHtml` hooks, and Vite takes the images of what these made, so
 * ours is the last of them: `enforce: 'post'` puts it behind those of the same `order`. Such hooks can't emit files; what can is the
 * page's own `transform`, which Vite calls them from.
 */
export function htmlPlugin(session: SessionOf): Plugin {
  const contexts = new Map<string, Rollup.TransformPluginContext>();
  return {
    name: 'upres:html',
    enforce: 'post',
    apply: 'build',
    transform: {
      order: 'pre',
      filter: { id: /\.html$/ },
      handler(_, id) {
        contexts.set(id, this);
        return null;
      },
    },
    transformIndexHtml: {
      order: 'pre',
      async handler(html, { filename }) {
        const context = contexts.get(filename);
        if (!context) return undefined;
        const own = session(context.environment);
        return rewriteHtml(html, filename, {
          ...deliveryTo(context, own, filename),
          session: own,
          resolve: (path, from) => context.resolve(path, from),
        });
      },
    },
  };
}

/** Pages as the development server sends them: Vite has put its base before URLs by then. */
export function servedHtmlPlugin(session: SessionOf): Plugin {
  return {
    name: 'upres:html-served',
    enforce: 'post',
    apply: 'serve',
    transformIndexHtml: {
      order: 'post',
      async handler(html, { filename, server }) {
        if (!server) return undefined;
        const { client } = server.environments;
        const own = session(client);
        return rewriteHtml(html, filename, {
          environment: client,
          rebuilds: false,
          emitFile: () => {
            throw new Error('nothing is emitted in development');
          },
          addWatchFile: (file) => {
            own.dependents.addToPages(file);
          },
          session: own,
          served: true,
          resolve: (path, from) => client.pluginContainer.resolveId(path, from),
        });
      },
    },
  };
}
