import MagicString from 'magic-string';
import { globsWithDirectives, newUrlsIn } from '#upres/asset/script-references.js';
import { splitUrl } from '#upres/asset/urls.js';
import { UpresError } from '#upres/errors.js';
import type { Plugin, Rollup } from 'vite';
import { asExpression, deliver, deliveryTo } from './deliver.js';
import { findAsset } from './find-asset.js';
import type { Session } from './session.js';
import type { SessionOf } from './sessions.js';
import { sightScript } from './sightings.js';
import { objectInTemplate } from './templates.js';

/**
 * `new URL('./photo.jpg?upscale=2', import.meta.url)` in builds. In development the browser asks the server for that very URL.
 *
 * Components are compiled to JavaScript by plugins that stand anywhere in the list, and Vite's own reading of these URLs, which would
 * take the small image, comes right behind them all: `configResolved` puts it between.
 */
export function newUrlPlugin(sessionOf: SessionOf): Plugin {
  return {
    name: 'upres:new-url',
    apply: 'build',
    transform: {
      filter: { code: 'upscale' },
      async handler(code, id) {
        const session = sessionOf(this.environment);
        await sightScript(this, session, code, id);
        const object = objectInTemplate(code);
        if (object) this.error(session.readable(object.error, object.url, id));
        for (const glob of globsWithDirectives(code, (text) => this.parse(text))) {
          const message = `no file is called so: a glob has its directives in an option, as in { query: '?${splitUrl(glob).query}' }`;
          this.error(session.readable(new Error(message), glob, id));
        }
        const literals = newUrlsIn(code, (text) => this.parse(text));
        if (literals.length === 0) return null;
        const text = new MagicString(code);
        await Promise.all(
          literals.map(async ({ value, start, end }) => {
            text.update(start, end, await expressionOf(this, session, value, id));
          }),
        );
        return { code: text.toString(), map: text.generateMap({ source: id, hires: 'boundary' }) };
      },
    },
  };
}

async function expressionOf(
  context: Rollup.TransformPluginContext,
  session: Session,
  url: string,
  id: string,
): Promise<string> {
  try {
    const file = await findAsset(session.config, url, id, context);
    const { query, fragment } = splitUrl(url);
    const asset = await session.plan(file, query);
    const { shape, variants } = asset.plan;
    if (shape !== 'url') throw new UpresError('BAD_ARGUMENT', `a URL is one file: use an import for as=${shape}`);
    const places = await deliver(deliveryTo(context, session, id), session, asset, { place: splitUrl(id).path });
    // In parentheses, so that Vite does not take it for a URL that it has to look for.
    const place = asExpression(places.get(variants[0]!)!, session);
    return fragment === '' ? `(${place})` : `(${place} + ${JSON.stringify(fragment)})`;
  } catch (error) {
    return context.error(session.readable(error, url, id));
  }
}
