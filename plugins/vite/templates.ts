import { parseQuery, type Shape } from '#upres/asset/directives.js';
import { startTags } from '#upres/asset/html-tags.js';
import type { Plugin } from 'vite';
import { isOurs, splitUrl, type Session } from './session.js';

/** Shapes that are objects; compilers of templates make strings of what they find in attributes: `[object Object]`. */
const objects: readonly (Shape | undefined)[] = ['img', 'picture', 'metadata'];

const component = /\.(?:vue|svelte|astro)$/;

/** How the attributes of an object are put on an element. */
const spreads: Readonly<Record<string, string>> = {
  vue: '<img v-bind="photo">',
  svelte: '<img {...photo}>',
  astro: '<img {...photo}>',
};

/** Directives in the attributes of a component's template that no attribute can hold are errors that say what to write. */
export function templatesPlugin(session: () => Session): Plugin {
  return {
    name: 'upres:templates',
    enforce: 'pre',
    transform: {
      order: 'pre',
      filter: { id: component, code: /[?&;]as=/ },
      handler(code, id) {
        // Vite 6.0 knows no filters.
        if (!component.test(id) || !code.includes('as=')) return null;
        for (const { attributes } of startTags(code)) {
          for (const { name, value } of attributes) {
            if (!isOurs(value)) continue;
            const { path, query } = splitUrl(value);
            const shape = shapeOf(query);
            if (!objects.includes(shape)) continue;
            const kind = id.slice(id.lastIndexOf('.') + 1);
            const message =
              `the attribute ${name} of a template holds one URL, and as=${shape} is an object. ` +
              `Import it in the script, import photo from '${path}?${query}', and write ${spreads[kind]}`;
            this.error(session().readable(new Error(message), value, id));
          }
        }
        return null;
      },
    },
  };
}

/** Undefined where the query is wrong, which is said when its image is made. */
function shapeOf(query: string): Shape | undefined {
  try {
    return parseQuery(query)?.as;
  } catch {
    return undefined;
  }
}
