import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { hasImageExtension } from '#upres/asset/names.js';
import { moduleCode } from '#upres/asset/module-code.js';
import { isOurs, splitUrl } from '#upres/asset/urls.js';
import type { Plugin } from 'vite';
import { asExpression, deliver, deliveryTo } from './deliver.js';
import type { SessionOf } from './sessions.js';
import { suspects } from './suspects.js';

/** In ids; what is ours exactly is told by the grammar. */
export const directiveInId = /[?&]upscale(?:[=&]|$)/;

/** `import url from './photo.jpg?upscale=2'`, and what `import.meta.glob` makes of its query. */
export function importPlugin(session: SessionOf): Plugin {
  const name = 'upres:import';
  /** Modules that were loaded here, environment by environment. */
  const loaded = new Map<string, Set<string>>();
  return {
    name,
    enforce: 'pre',
    load: {
      // Before others that take images for theirs, such as vite-imagetools, wherever they stand in the list.
      order: 'pre',
      filter: { id: directiveInId },
      async handler(id) {
        if (id.startsWith('\0') || !isOurs(id)) return null;
        const { path, query } = splitUrl(id);
        const own = session(this.environment);
        if (own.isForImagetools(query)) return null;
        const file = fileOf(path, own.config.publicDir);
        // The development server asks for pages this way, too: `/gallery?upscale=2` may be one.
        if (!hasImageExtension(file) && !existsSync(file)) return null;
        loaded.set(this.environment.name, (loaded.get(this.environment.name) ?? new Set()).add(id));
        try {
          const asset = await own.plan(file, query);
          const places = await deliver(deliveryTo(this, own, id), own, asset);
          const code = moduleCode(asset.plan, (variant) => asExpression(places.get(variant)!, own));
          return { code, moduleType: 'js', map: null };
        } catch (error) {
          return this.error(own.readable(error, `${own.show(path)}?${query}`));
        }
      },
    },
    /** An image with directives that another plugin loaded is the small one. */
    transform: {
      order: 'pre',
      filter: { id: directiveInId },
      handler(_, id) {
        const { path, query } = splitUrl(id);
        if (id.startsWith('\0') || !isOurs(id) || !hasImageExtension(path)) return null;
        const own = session(this.environment);
        if (loaded.get(this.environment.name)?.has(id) || own.isForImagetools(query)) return null;
        const error = new Error(`another plugin loaded it first${suspects(own.config.plugins, ['load'], name)}`);
        return this.error(own.readable(error, `${own.show(path)}?${query}`));
      },
    },
  };
}

/** Files of `public/` keep the path of their URL as their id. */
function fileOf(path: string, publicDir: string): string {
  const inPublic = join(publicDir, path);
  if (publicDir === '' || path.startsWith(`${publicDir}/`)) return path;
  return existsSync(inPublic) ? inPublic : path;
}
