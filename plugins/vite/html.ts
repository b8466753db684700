import { assetValue, srcsetOf, type ImgAttributes } from '#upres/asset/markup.js';
import type { VariantPlan } from '#upres/asset/asset-plan.js';
import { rewriteValue } from '#upres/asset/css-values.js';
import { hasCode, UpresError } from '#upres/errors.js';
import MagicString from 'magic-string';
import type { ResolvedConfig } from 'vite';
import { autoOf } from './auto.js';
import { markValue } from './css-marks.js';
import { asText, deliver, type DeliveryContext, type DeliveryOptions } from './deliver.js';
import { findAsset, type Resolver } from './find-asset.js';
import { holdingOf, replaceInList, urlsOfList } from '#upres/asset/html-attributes.js';
import { encodeAttribute, startTags, type HtmlAttribute, type HtmlTag } from '#upres/asset/html-tags.js';
import { isOurs, splitUrl } from '#upres/asset/urls.js';
import type { PlannedAsset, Session } from './session.js';
import { parseSrcset, printSrcset, type SrcsetCandidate } from '#upres/asset/srcset.js';

/** What rewriting a page needs from the hook that does it. */
export interface HtmlTools extends DeliveryContext, Resolver {
  readonly session: Session;
  /** Whether Vite's development server has put its base before the URLs already. */
  readonly served?: boolean;
}

/**
 * Replaces the URLs with directives in a page's attributes. Styles are not touched: Vite sends them through its CSS pipeline.
 * @param file absolute path of the page
 */
export async function rewriteHtml(html: string, file: string, tools: HtmlTools): Promise<string> {
  const text = new MagicString(html);
  const work: Promise<void>[] = [];
  for (const tag of startTags(html)) {
    for (const attribute of tag.attributes) {
      if (!attribute.value.includes('upscale')) continue;
      const rewrite = attribute.name === 'style' ? markStyle : rewriteAttribute;
      work.push(rewrite(text, tag, attribute, file, tools));
    }
    work.push(addCandidates(text, tag, file, tools));
  }
  await Promise.all(work);
  return text.toString();
}

async function rewriteAttribute(
  text: MagicString,
  tag: HtmlTag,
  attribute: HtmlAttribute,
  file: string,
  tools: HtmlTools,
): Promise<void> {
  const { name, value, start, end } = attribute;
  const holding = holdingOf(name, value);
  if (holding === 'text') return;
  if (holding !== 'url' && holding !== 'maybe') {
    const written = await several[holding](value, `<${tag.name} ${name}>`, file, tools);
    if (written !== value) text.update(start, end, `"${encodeAttribute(written)}"`);
    return;
  }
  const url = value.trim();
  if (!isOurs(url)) return;
  const check = (planned: PlannedAsset['plan']): void => {
    if (planned.shape === 'url' || (planned.shape === 'img' && tag.name === 'img' && name === 'src')) return;
    throw misplaced(planned.shape, `<${tag.name} ${name}>`);
  };
  const loaded = await load(url, file, tools, check, { icon: isIcon(tag), optional: holding === 'maybe' });
  if (!loaded) return;
  const { plan, urlOf } = loaded;
  if (plan.shape === 'img') {
    setAttributes(text, tag, assetValue(plan, urlOf) as ImgAttributes, { size: true });
  } else {
    text.update(start, end, `"${encodeAttribute(urlOf(plan.variants[0]!))}"`);
  }
}

/** What becomes of an attribute that holds more than one URL. */
const several: Readonly<
  Record<
    'srcset' | 'urls' | 'strings' | 'styles' | 'page',
    (value: string, where: string, file: string, tools: HtmlTools) => Promise<string>
  >
> = {
  async srcset(value, _, file, tools) {
    const candidates = parseSrcset(value);
    if (!candidates.some(({ url }) => isOurs(url))) return value;
    return printSrcset(await Promise.all(candidates.map((candidate) => rewriteCandidate(candidate, file, tools))));
  },
  urls: rewriteList,
  strings: rewriteList,
  // Of attributes whose name is not `style` Vite knows nothing.
  styles: (value, where, file, tools) =>
    rewriteValue(value, ({ url, bare, replaceImage }) => {
      if (!isOurs(url)) return undefined;
      return urlOfOne(url, where, file, tools).then((written) => {
        replaceImage(bare ? `'${written}'` : `url('${written}')`);
      });
    }),
  page: (value, _, file, tools) => rewriteHtml(value, file, tools),
};

async function rewriteList(value: string, where: string, file: string, tools: HtmlTools): Promise<string> {
  const found = urlsOfList(value).filter(isOurs);
  const written = await Promise.all(found.map((url) => urlOfOne(url, where, file, tools)));
  return replaceInList(value, new Map(found.map((url, index) => [url, written[index]!])));
}

async function urlOfOne(url: string, where: string, file: string, tools: HtmlTools): Promise<string> {
  const check = ({ shape }: PlannedAsset['plan']): void => {
    if (shape !== 'url') throw misplaced(shape, where);
  };
  const loaded = await load(url, file, tools, check, { candidate: true });
  return loaded ? loaded.urlOf(loaded.plan.variants[0]!) : url;
}

/** Vite sends styles through its CSS pipeline, where PostCSS marks them; with Lightning CSS it leaves out visitors. */
async function markStyle(
  text: MagicString,
  _: HtmlTag,
  { value, start, end }: HtmlAttribute,
  file: string,
  { session, environment }: HtmlTools,
): Promise<void> {
  const marks = session.config.css.transformer === 'lightningcss' && environment.mode !== 'dev';
  // What Vite puts there has blanks, which would end a value without quotes.
  if (!marks && /["']/.test(text.original[start]!)) return;
  text.update(start, end, `"${encodeAttribute(marks ? await markValue(value, file) : value)}"`);
}

async function rewriteCandidate(candidate: SrcsetCandidate, file: string, tools: HtmlTools): Promise<SrcsetCandidate> {
  if (!isOurs(candidate.url)) return candidate;
  const check = ({ shape }: PlannedAsset['plan']): void => {
    if (shape === 'url') return;
    if (shape !== 'srcset') throw misplaced(shape, 'a srcset');
    if (candidate.descriptor === '') return;
    throw new UpresError('BAD_ARGUMENT', `as=srcset brings its own descriptors: leave out "${candidate.descriptor}"`);
  };
  const loaded = await load(candidate.url, file, tools, check, { candidate: true });
  if (!loaded) return candidate;
  const { plan, urlOf } = loaded;
  if (plan.shape === 'srcset') return { url: srcsetOf(plan.variants, urlOf), descriptor: '' };
  return { url: urlOf(plan.variants[0]!), descriptor: candidate.descriptor };
}

/** `auto`: an `<img>` that has nothing but a `src` gets candidates. */
async function addCandidates(text: MagicString, tag: HtmlTag, file: string, tools: HtmlTools): Promise<void> {
  const { session } = tools;
  const src = tag.attributes.find(({ name }) => name === 'src');
  if (tag.name !== 'img' || !src || tag.attributes.some(({ name }) => name === 'srcset' || name === 'vite-ignore'))
    return;
  const asset = await autoOf(session, withVariables(src.value.trim(), session.config), file, tools);
  if (!asset) return;
  const places = await deliver(tools, session, asset, { auto: true });
  const value = assetValue({ ...asset.plan, shape: 'img' }, (variant) => asText(places.get(variant)!)) as ImgAttributes;
  const { auto } = session.options;
  setAttributes(text, tag, value, { size: auto !== undefined && auto !== false && auto.size !== false });
}

/** Puts `src` and `srcset` in place, and the size where the author says none. */
export function setAttributes(
  text: MagicString,
  tag: HtmlTag,
  value: ImgAttributes,
  { size }: { size: boolean },
): void {
  const set = (name: 'src' | 'srcset', content: string): void => {
    const attribute = tag.attributes.find((other) => other.name === name);
    if (attribute) text.update(attribute.start, attribute.end, `"${encodeAttribute(content)}"`);
    else text.appendLeft(tag.nameEnd, ` ${name}="${encodeAttribute(content)}"`);
  };
  set('src', value.src);
  set('srcset', value.srcset);
  // One of the two is a size that the author set: the other follows from the picture.
  if (!size || tag.attributes.some(({ name }) => /^(?::|v-bind:)?(?:width|height)$/.test(name))) return;
  text.appendLeft(tag.nameEnd, ` width="${value.width}" height="${value.height}"`);
}

/** Links that Vite never makes a `data:` URI of. */
const isIcon = ({ name, attributes }: HtmlTag): boolean =>
  name === 'link' &&
  attributes.some(
    (attribute) => attribute.name === 'rel' && /(?:^|[\s-])(?:icon|startup-image)\b/i.test(attribute.value),
  );

/**
 * With what Vite is going to put in place of `%NAME%`. The base is the root here, where the file is, whatever it is called in the
 * finished page.
 */
function withVariables(url: string, { env, define = {} }: ResolvedConfig): string {
  return url.replace(/^%BASE_URL%\/?/, '/').replace(/%([^\s%]+)%/g, (whole, name: string) => {
    const defined: unknown = define[`import.meta.env.${name}`];
    const value: unknown = typeof defined === 'string' ? unquoted(defined) : env[name];
    return typeof value === 'string' ? value : whole;
  });
}

const unquoted = (text: string): string => text.replace(/^(["'])(.*)\1$/s, '$2');

/**
 * @param options `optional`: whether it is no URL where it names no file
 * @returns undefined for what is no URL, or leads elsewhere once its variables have their values
 */
async function load(
  written: string,
  file: string,
  tools: HtmlTools,
  check: (plan: PlannedAsset['plan']) => void,
  { optional = false, ...options }: DeliveryOptions & { readonly optional?: boolean } = {},
): Promise<{ plan: PlannedAsset['plan']; urlOf: (variant: VariantPlan) => string } | undefined> {
  const { session } = tools;
  const url = withVariables(written, session.config);
  if (!isOurs(url)) return undefined;
  const { query, fragment } = splitUrl(url);
  try {
    const path = await findAsset(session.config, url, file, tools, tools);
    const asset = await session.plan(path, query);
    check(asset.plan);
    const places = await deliver(tools, session, asset, { ...options, place: file });
    return { plan: asset.plan, urlOf: (variant) => asText(places.get(variant)!) + fragment };
  } catch (error) {
    if (optional && hasCode(error, 'INPUT_NOT_FOUND')) return undefined;
    throw session.readable(error, url, file);
  }
}

function misplaced(shape: string, where: string): UpresError {
  return new UpresError(
    'BAD_ARGUMENT',
    `as=${shape} has no meaning in ${where}: in HTML use as=url, as=img in an <img src>, or as=srcset in a srcset`,
  );
}
