import { hasImageExtension } from '#upres/asset/names.js';
import { holdingOf, urlsOfList } from '#upres/asset/html-attributes.js';
import { startTags } from '#upres/asset/html-tags.js';
import { scriptReferences } from '#upres/asset/script-references.js';
import { parseSrcset } from '#upres/asset/srcset.js';
import { isOurs, splitUrl } from '#upres/asset/urls.js';
import { urlsOfStyles } from '#upres/asset/written-urls.js';
import type { Plugin, Rollup } from 'vite';
import { findAsset } from './find-asset.js';
import type { Sighting } from './net.js';
import type { Session } from './session.js';
import type { SessionOf } from './sessions.js';

type Found = Pick<Sighting, 'url' | 'by'>;

/** Writes down the directives of raw sources in builds, before any other plugin: `configResolved` puts it in front of them all. */
export function sightingsPlugin(session: SessionOf): Plugin {
  return {
    name: 'upres:sightings',
    enforce: 'pre',
    apply: 'build',
    transform: {
      order: 'pre',
      filter: { code: 'upscale' },
      async handler(code, id) {
        await sight(this, session(this.environment), id, directivesOf(code, id, this), { certain: false });
        return null;
      },
    },
  };
}

/**
 * Writes down the references of a script when all components are compiled: from there on no import goes away by itself.
 * @param parse gives the tree of the module
 */
export async function sightScript(
  context: Rollup.TransformPluginContext,
  session: Session,
  code: string,
  id: string,
): Promise<void> {
  const found = scriptReferences(code, (text) => context.parse(text));
  await sight(context, session, id, found, { certain: true });
}

async function sight(
  context: Rollup.TransformPluginContext,
  session: Session,
  id: string,
  found: readonly Found[],
  { certain }: { certain: boolean },
): Promise<void> {
  const place = splitUrl(id).path;
  const sightings = found.map(async ({ url, by }) => {
    if (!isOurs(url) || !hasImageExtension(splitUrl(url).path)) return [];
    // What leads to no file is none, or is said by whoever reads it.
    const image = await findAsset(session.config, url, place, context).catch(() => undefined);
    if (image === undefined) return [];
    return [{ place, url, image, query: splitUrl(url).query, by, certain: certain && by === 'import' }];
  });
  const source = `${certain ? 'compiled' : 'raw'} ${id}`;
  session.net.see(context.environment.name, source, (await Promise.all(sightings)).flat());
}

/** The directives of a source that is not compiled yet; of languages that can't be read here, none. */
function directivesOf(code: string, id: string, context: Rollup.TransformPluginContext): Found[] {
  const { path, query } = splitUrl(id);
  if (/(?:^|&)(?:raw|url)(?:[=&]|$)/.test(query)) return [];
  const kind = (/(?:^|[&.])lang\.(\w+)$/.exec(query) ??
    /\.(\w+)$/.exec(query === '' ? path : query) ??
    /\.(\w+)$/.exec(path))?.[1];
  const script = (text: string, lang = 'js'): Found[] =>
    // Rollup reads no TypeScript; with it, scripts wait until they are compiled.
    scriptReferences(text, (module) => context.parse(module, { lang } as Parameters<typeof context.parse>[1]));
  if (/^(?:css|s[ac]ss|less|styl|stylus|pcss|postcss)$/.test(kind ?? '')) {
    return urlsOfStyles(code).map((url) => ({ url, by: 'place' as const }));
  }
  if (/^[cm]?[jt]sx?$/.test(kind ?? '')) return script(code, kind!.replace(/^[cm]/, ''));
  if (query !== '' || !/^(?:html?|vue|svelte|astro)$/.test(kind ?? '')) return [];
  const by = kind!.startsWith('htm') ? 'place' : 'either';
  return [...startTags(code)].flatMap(({ name: tag, attributes, text }) => {
    // Vite gives the scripts and styles of pages to all plugins as modules of their own.
    if (tag === 'script' && by === 'either') return script(text, 'ts');
    return attributes.flatMap((attribute) =>
      urlsOf(attribute.name, attribute.value).map((url) => ({ url, by }) as const),
    );
  });
}

/** Of styles it is CSS that tells, where Vite takes them for such. */
function urlsOf(attribute: string, value: string): string[] {
  const holding = holdingOf(attribute, value);
  if (holding === 'srcset') return parseSrcset(value).map(({ url }) => url);
  if (holding === 'urls' || holding === 'strings') return urlsOfList(value);
  return holding === 'url' || holding === 'maybe' ? [value.trim()] : [];
}
