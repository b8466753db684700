import type { Plugin } from 'vite';
import { deliveryTo } from './deliver.js';
import { rewriteHtml } from './html.js';
import type { Session } from './session.js';

/** Pages: as entries of the build, and as the development server sends them. */
export function htmlPlugin(session: () => Session): Plugin {
  return {
    name: 'upres:html',
    enforce: 'pre',
    transform: {
      filter: { id: /\.html$/ },
      async handler(html, id) {
        if (!id.endsWith('.html') || this.environment.mode === 'dev') return null;
        const resolve = async (path: string, from: string): Promise<string | undefined> =>
          (await this.resolve(path, from))?.id;
        const tools = { ...deliveryTo(this, session(), id), session: session(), resolve };
        const code = await rewriteHtml(html, id, tools);
        return code === html ? null : { code, map: null };
      },
    },
    transformIndexHtml: {
      // Vite has put its base before URLs by then.
      order: 'post',
      async handler(html, { filename, server }) {
        if (!server) return undefined;
        const { client } = server.environments;
        return rewriteHtml(html, filename, {
          environment: client,
          rebuilds: false,
          emitFile: () => {
            throw new Error('nothing is emitted in development');
          },
          addWatchFile: (file) => {
            session().dependents.addToPages(file);
          },
          session: session(),
          served: true,
          resolve: async (path, from) => (await client.pluginContainer.resolveId(path, from))?.id,
        });
      },
    },
  };
}
