import { basename, posix } from 'node:path';
import { parseQuery, printQuery, type Shape } from '#upres/asset/directives.js';
import type { VariantPlan } from '#upres/asset/asset-plan.js';
import { startTags, encodeAttribute, type HtmlAttribute, type HtmlTag } from '#upres/asset/html-tags.js';
import { assetValue, srcsetOf, type ImgAttributes } from '#upres/asset/markup.js';
import { isOurs, splitUrl } from '#upres/asset/urls.js';
import MagicString from 'magic-string';
import type { Plugin, Rollup } from 'vite';
import { findAsset } from './find-asset.js';
import { setAttributes } from './html.js';
import type { Session } from './session.js';
import type { SessionOf } from './sessions.js';

/** Shapes that are more than one URL. */
const shapes: readonly (Shape | undefined)[] = ['srcset', 'img', 'picture', 'metadata'];

/** Components, and templates that those of Vue have in files of their own. */
const component = /\.(?:vue|svelte|astro)$|\?vue&type=template(?:&|$)/;
const kindOf = (id: string): string => /\.(svelte|astro)$/.exec(id)?.[1] ?? 'vue';

/** How what a script has imported is put on an element. */
const ways: Readonly<Record<string, Readonly<Record<'srcset' | 'img' | 'picture', string>>>> = {
  vue: {
    srcset: '<img :srcset="photo">',
    img: '<img v-bind="photo">',
    picture: '<picture><source v-for="each in photo.sources" v-bind="each"><img v-bind="photo.img"></picture>',
  },
  svelte: {
    srcset: '<img srcset={photo}>',
    img: '<img {...photo}>',
    picture: '<picture>{#each photo.sources as each}<source {...each}>{/each}<img {...photo.img}></picture>',
  },
  astro: {
    srcset: '<img srcset={photo}>',
    img: '<img {...photo}>',
    picture: '<picture>{photo.sources.map((each) => <source {...each} />)}<img {...photo.img}></picture>',
  },
};

/**
 * Directives in the attributes of a component's template that ask for more than one URL. Vue makes imports of attributes in builds and
 * plain URLs in development, of one image each, so there `as=img` in a `src` and `as=srcset` in a `srcset` become the attributes that
 * they stand for, with one directive for each candidate. All else is an error that says what to write: `[object Object]` is no image.
 */
export function templatesPlugin(session: SessionOf): Plugin {
  return {
    name: 'upres:templates',
    enforce: 'pre',
    transform: {
      order: 'pre',
      filter: { id: component, code: /[?&;]as=/ },
      async handler(code, id) {
        // Vite 6.0 knows no filters.
        if (!component.test(id) || !code.includes('as=')) return null;
        const own = session(this.environment);
        const text = new MagicString(code);
        const attributes = [...startTags(code)].flatMap((tag) => tag.attributes.map((each) => [tag, each] as const));
        for (const [tag, attribute] of attributes) {
          const url = attribute.value.trim();
          const shape = isOurs(url) ? shapeOf(splitUrl(url).query) : undefined;
          if (!shapes.includes(shape)) continue;
          try {
            await spellOut(this, own, id, text, tag, attribute, shape!);
          } catch (error) {
            this.error(own.readable(error, url, id));
          }
        }
        return text.hasChanged()
          ? { code: text.toString(), map: text.generateMap({ source: id, hires: 'boundary' }) }
          : null;
      },
    },
  };
}

async function spellOut(
  context: Rollup.TransformPluginContext,
  session: Session,
  id: string,
  text: MagicString,
  tag: HtmlTag,
  { name, value, start, end }: HtmlAttribute,
  shape: Shape,
): Promise<void> {
  const url = value.trim();
  const kind = kindOf(id);
  const isImg = shape === 'img' && tag.name === 'img' && name === 'src';
  const isSrcset = shape === 'srcset' && name === 'srcset' && /^(?:img|source)$/.test(tag.name);
  if (kind !== 'vue' || (!isImg && !isSrcset)) throw new Error(wayOut(url, name, kind, shape));
  const { path, query, fragment } = splitUrl(url);
  const { plan } = await session.plan(await findAsset(session.config, url, id, context), query);
  // The candidates in its place are seen for themselves.
  session.net.deliver(context.environment.name, plan.file, query, splitUrl(id).path);
  // A picture made by hand lies next to the source.
  const urlOf = ({ source, directives }: VariantPlan): string =>
    `${posix.join(posix.dirname(path), basename(source))}?${printQuery(directives)}${fragment}`.replace(
      /^(?=[^./@~])/,
      './',
    );
  if (isImg) setAttributes(text, tag, assetValue(plan, urlOf) as ImgAttributes, { size: true });
  else text.update(start, end, `"${encodeAttribute(srcsetOf(plan.variants, urlOf))}"`);
}

/**
 * What else becomes of a template, as one of Pug's: Vue imports the URLs of attributes, whoever wrote them.
 * @param code of a compiled module
 * @returns what is to be said of the first import that is no URL, with that
 */
export function objectInTemplate(code: string): { url: string; error: Error } | undefined {
  for (const [, name, url] of code.matchAll(/\bimport (_imports_\d+) from ["']([^"']+)["']/g)) {
    const shape = isOurs(url!) ? shapeOf(splitUrl(url!).query) : undefined;
    if (!shapes.includes(shape)) continue;
    const attribute = new RegExp(`(\\w+)["']?\\s*[:,]\\s*${name!}\\b`).exec(code)?.[1];
    // Vue gives the value of a srcset a name of its own.
    if (shape === 'srcset' && (attribute ?? 'srcset') === 'srcset') continue;
    return { url: url!, error: new Error(wayOut(url!, attribute ?? 'src', 'vue', shape!)) };
  }
  return undefined;
}

function wayOut(url: string, attribute: string, kind: string, shape: Shape): string {
  const { path, query } = splitUrl(url);
  const holds = shape === 'srcset' ? 'a list of URLs, which belongs into a srcset' : 'an object';
  return (
    `the attribute ${attribute} of a template can’t hold what as=${shape} is: ${holds}. Import it in the script, ` +
    `import photo from '${path}?${query}', and write ${ways[kind]![shape === 'metadata' || shape === 'url' ? 'img' : shape]}`
  );
}

/** Undefined where the query is wrong, which is said when its image is made. */
function shapeOf(query: string): Shape | undefined {
  try {
    return parseQuery(query)?.as;
  } catch {
    return undefined;
  }
}
