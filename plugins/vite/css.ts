import { imageSetOf } from '#upres/asset/markup.js';
import { splitUrl } from '#upres/asset/urls.js';
import { UpresError } from '#upres/errors.js';
import MagicString from 'magic-string';
import type { CSSOptions, Plugin, Rollup } from 'vite';
import { autoImageSet } from './auto.js';
import { markValue, marksInCss, readMark, type CssMark } from './css-marks.js';
import { asText, deliver, deliveryTo } from './deliver.js';
import { findAsset } from './find-asset.js';
import type { Session } from './session.js';
import type { Sessions } from './sessions.js';

type PostcssOptions = Extract<NonNullable<CSSOptions['postcss']>, object>;
export type PostcssPlugin = NonNullable<PostcssOptions['plugins']>[number];

/** The parts of PostCSS's own types that are needed here: PostCSS belongs to Vite. */
interface Declaration {
  readonly prop: string;
  value: string;
  readonly source?: { readonly input: { readonly file?: string } };
}
interface Root {
  readonly source?: Declaration['source'];
  walkDecls(visit: (declaration: Declaration) => void): void;
}

/**
 * The first stage, in Vite's own PostCSS pipeline: Sass is compiled and `@import`s are in place by then, and every declaration
 * still knows the file that it came from, which its relative URLs start at.
 */
export function markDirectives(sessions: Sessions): PostcssPlugin {
  const mark = async (root: Root): Promise<void> => {
    const work: Promise<void>[] = [];
    root.walkDecls((declaration) => {
      const { value, source } = declaration;
      // What a CSS module composes of others has lost its file, with some versions of Vite.
      const importer = source?.input.file ?? root.source?.input.file;
      if (importer === undefined || !/url\(|image-set\(/i.test(value)) return;
      const auto = sessions.latest && autoImageSet(sessions.latest, declaration.prop, importer);
      if (!auto && !value.includes('upscale')) return;
      work.push(
        markValue(value, importer, auto).then((marked) => {
          if (marked !== value) declaration.value = marked;
        }),
      );
    });
    await Promise.all(work);
  };
  // Vite's own rewriting came `Once` in its older versions, and comes in `OnceExit` now, when other plugins' declarations are
  // there too. Marks are left alone, so both is right.
  return { postcssPlugin: 'upres', Once: mark, OnceExit: mark };
}

type TransformHandler = Extract<Plugin['transform'], (...given: never) => unknown>;

/**
 * The second stage: marks become files as soon as `vite:css` has compiled a style sheet, and within its own hook. A hook behind it
 * would come too late where another plugin stands between, as in Astro's development server, and never where a plugin calls Vite's
 * itself, as UnoCSS does when it builds. To be called in `configResolved`. Configurations may share the plugin: then the first to come
 * does the work for all.
 */
export function finishStyles(plugins: readonly Plugin[], sessions: Sessions): void {
  const styles = plugins.find(({ name }) => name === 'vite:css');
  const { transform } = styles ?? {};
  if (!styles || !transform) return;
  const compile = typeof transform === 'function' ? transform : transform.handler;
  const handler: TransformHandler = async function (code, id, options) {
    const compiled = await compile.call(this, code, id, options);
    if (typeof compiled !== 'object' || typeof compiled?.code !== 'string') return compiled;
    return { ...compiled, code: await withImages(this, id, sessions.of(this.environment), compiled.code) };
  };
  styles.transform = typeof transform === 'function' ? handler : { ...transform, handler };
}

async function withImages(
  context: Rollup.TransformPluginContext,
  id: string,
  session: Session,
  css: string,
): Promise<string> {
  if (!css.includes('upres://')) return css;
  const text = new MagicString(css);
  const work = [...css.matchAll(marksInCss)].map(async ({ 0: whole, 2: inUrl, 4: bare, index }) => {
    const mark = readMark((inUrl ?? bare)!);
    try {
      text.update(index, index + whole.length, await imageOf(context, id, session, mark, inUrl === undefined));
    } catch (error) {
      context.error(session.readable(error, mark.url, mark.importer));
    }
  });
  await Promise.all(work);
  return text.toString();
}

async function imageOf(
  context: Rollup.TransformPluginContext,
  id: string,
  session: Session,
  mark: CssMark,
  bare: boolean,
): Promise<string> {
  const { url, importer, candidate, auto = false } = mark;
  const { query, fragment } = splitUrl(url);
  const file = await findAsset(session.config, url, importer, context);
  const asset = await session.plan(file, query);
  const { shape, variants } = asset.plan;
  if (shape !== 'url' && (shape !== 'srcset' || candidate)) {
    throw new UpresError(
      'BAD_ARGUMENT',
      candidate
        ? `an image-set() lists its candidates itself: leave out as=${shape}`
        : `as=${shape} has no meaning in CSS: use as=url for one image, or as=srcset for an image-set()`,
    );
  }
  const places = await deliver(deliveryTo(context, session, id), session, asset, {
    candidate,
    auto,
    place: splitUrl(importer).path,
  });
  if (shape === 'srcset') return imageSetOf(variants, (variant) => asText(places.get(variant)!) + fragment);
  const text = asText(places.get(variants[0]!)!) + fragment.replace(/["\\\s]/g, encodeURIComponent);
  return bare ? `"${text}"` : `url("${text}")`;
}
