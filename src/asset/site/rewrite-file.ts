import { existsSync } from 'node:fs';
import MagicString from 'magic-string';
import type { VariantPlan } from '../asset-plan.js';
import { cssUrls, type CssUrl } from '../css-values.js';
import { holdingOf, replaceInList, urlsOfList } from '../html-attributes.js';
import {
  decodeEntities,
  encodeAttribute,
  encodeText,
  startTags,
  type HtmlAttribute,
  type HtmlTag,
} from '../html-tags.js';
import {
  assetValue,
  imageSetOf,
  printDensity,
  srcsetOf,
  type ImgAttributes,
  type PictureAttributes,
} from '../markup.js';
import { parseDensityName } from '../names.js';
import { maxUpscale } from '../../image/target.js';
import { hasCode, UpresError } from '../../errors.js';
import type { PreparedAsset } from '../pipeline.js';
import { parseSrcset, printSrcset } from '../srcset.js';
import type { SitePictures } from './site-pictures.js';
import type { SiteReference, SiteUrls } from './site-urls.js';
import { textsOfXml } from './xml-texts.js';

/** Pictures that say nothing get what makes them as sharp as this. */
export interface SiteAuto {
  /** Pixels for each CSS pixel. */
  readonly density: number;
  /** Sources that have more pixels in a row are sharp enough already. */
  readonly maxWidth: number;
}

export interface RewriteTools {
  readonly urls: SiteUrls;
  readonly pictures: SitePictures;
  readonly auto: SiteAuto | undefined;
  /** Told of each reference that was changed, or could not be. */
  readonly tell: (url: string, error?: unknown) => void;
}

/** Rewrites a page, a style sheet, an SVG or a feed. What needs no change keeps its bytes. */
export async function rewriteFile(text: string, file: string, tools: RewriteTools): Promise<string> {
  const out = new MagicString(text);
  if (/\.css$/i.test(file)) await new Rewriter(out, tools.urls.documentBase(file), tools).styles(text, 0);
  else if (/\.(?:svg|xml|rss|atom)$/i.test(file)) await rewriteXml(out, file, { ...tools, auto: undefined });
  else await rewritePage(out, file, tools);
  return out.toString();
}

async function rewritePage(out: MagicString, file: string, tools: RewriteTools): Promise<void> {
  const tags = [...startTags(out.original)];
  const bases = tags.filter(({ name }) => name === 'base').flatMap(({ attributes }) => attributes);
  const href = bases.find(({ name }) => name === 'href')?.value;
  const rewriter = new Rewriter(out, tools.urls.documentBase(file, href), tools);
  // One after the other, so that names are given in the order of the page.
  for (const tag of tags) await rewriter.tag(tag);
}

async function rewriteXml(out: MagicString, file: string, tools: RewriteTools): Promise<void> {
  const xml = out.original;
  if (!xml.includes('upscale')) return;
  const base = tools.urls.documentBase(file);
  const rewriter = new Rewriter(out, base, tools);
  const tags = [...startTags(xml, true)];
  for (const tag of tags) await rewriter.tag(tag);
  if (/\.svg$/i.test(file)) return;
  for (const { start, end, isPlain } of textsOfXml(xml, tags)) {
    const text = xml.slice(start, end);
    if (!text.includes('upscale')) continue;
    const result = await rewriteText(isPlain ? text : decodeEntities(text), base, tools);
    if (result !== undefined) out.update(start, end, isPlain ? result : encodeText(result));
  }
}

/** @returns undefined for what stays as it is */
async function rewriteText(text: string, base: URL, tools: RewriteTools): Promise<string | undefined> {
  const out = new MagicString(text);
  const rewriter = new Rewriter(out, base, tools);
  if (/<[a-z]/i.test(text)) for (const tag of startTags(text)) await rewriter.tag(tag);
  else await rewriter.bareUrl(text);
  return out.hasChanged() ? out.toString() : undefined;
}

interface AutoPicture {
  readonly reference: SiteReference;
  readonly asset: PreparedAsset;
  /** Pixels for each CSS pixel, as it is. */
  readonly density: number;
}

class Rewriter {
  constructor(
    private readonly out: MagicString,
    private readonly base: URL,
    private readonly tools: RewriteTools,
  ) {}

  async tag(tag: HtmlTag): Promise<void> {
    if (tag.name === 'style') await this.styles(tag.text, tag.textStart);
    for (const attribute of tag.attributes) {
      const holding = attribute.name === 'style' ? 'styles' : holdingOf(attribute.name, attribute.value);
      if (holding === 'styles') await this.styleAttribute(attribute);
      else if (holding === 'srcset') await this.srcset(attribute);
      else if (holding === 'urls' || holding === 'strings') await this.list(tag, attribute);
      else if (holding === 'page') await this.page(attribute);
      else if (holding !== 'text') await this.url(tag, attribute, holding);
    }
    await this.autoImage(tag);
  }

  /** @param at offset of the style in the file */
  async styles(css: string, at: number): Promise<void> {
    if (!this.mayChange(css)) return;
    for (const found of cssUrls(css)) {
      const image = await this.cssImage(found, css, `"`);
      if (image !== undefined) this.out.update(at + found.start, at + found.end, image);
    }
  }

  /** An attribute is decoded, so it is written as a whole. */
  private async styleAttribute({ value, start, end }: HtmlAttribute): Promise<void> {
    if (!this.mayChange(value)) return;
    const style = new MagicString(value);
    for (const found of cssUrls(value)) {
      const image = await this.cssImage(found, value, `'`);
      if (image !== undefined) style.update(found.start, found.end, image);
    }
    if (style.hasChanged()) this.out.update(start, end, `"${encodeAttribute(style.toString())}"`);
  }

  private mayChange(css: string): boolean {
    return css.includes('upscale') || (this.tools.auto !== undefined && /url\(/i.test(css));
  }

  private async cssImage(found: CssUrl, css: string, quote: string): Promise<string | undefined> {
    const { url, candidate, bare } = found;
    const reference = this.tools.urls.followDirectives(url, this.base);
    if (!reference) return this.autoBackground(found, css);
    return this.attempt(url, async () => {
      const { asset, urlOf } = await this.deliver(reference, reference.query, ({ shape }) => {
        if (shape !== 'url' && (shape !== 'srcset' || candidate)) throw misplaced(shape, 'CSS');
      });
      if (asset.shape === 'srcset') return imageSetOf(asset.variants, urlOf);
      const text = `${quote}${urlOf(asset.variants[0]!)}${quote}`;
      return bare ? text : `url(${text})`;
    });
  }

  /** `background: url(a.png)` → `background: image-set(url("a.png") 1x, url("a@2x.png") 2x)` */
  private async autoBackground({ url, candidate, start }: CssUrl, css: string): Promise<string | undefined> {
    const declaration = /(?:^|[;{\s])background(?:-image)?\s*:[^;{}]*$/i.test(
      css.slice(Math.max(0, start - 300), start),
    );
    if (candidate || !declaration) return undefined;
    const found = await this.planAuto(url);
    if (!found) return undefined;
    return this.attempt(url, async () => {
      const urlOf = await this.urlsOf(found.reference, found.asset);
      return imageSetOf(found.asset.variants, urlOf);
    });
  }

  private async srcset({ value, start, end }: HtmlAttribute): Promise<void> {
    let changed = false;
    const candidates = [];
    for (const candidate of parseSrcset(value)) {
      const { url, descriptor } = candidate;
      const reference = this.tools.urls.followDirectives(url, this.base);
      const text =
        reference &&
        (await this.attempt(url, async () => {
          const { asset, urlOf } = await this.deliver(reference, reference.query, ({ shape }) => {
            if (shape !== 'url' && (shape !== 'srcset' || descriptor !== '')) throw misplaced(shape, 'a srcset');
          });
          return asset.shape === 'srcset' ? srcsetOf(asset.variants, urlOf) : urlOf(asset.variants[0]!);
        }));
      candidates.push(text === undefined ? candidate : { url: text, descriptor });
      changed ||= text !== undefined;
    }
    if (changed) this.out.update(start, end, `"${encodeAttribute(printSrcset(candidates))}"`);
  }

  /** Several URLs that are no srcset, or strings. */
  private async list(tag: HtmlTag, { name, value, start, end }: HtmlAttribute): Promise<void> {
    const urls = new Map<string, string>();
    for (const url of urlsOfList(value)) {
      const reference = this.tools.urls.followDirectives(url, this.base);
      const text =
        reference &&
        (await this.attempt(url, async () => {
          const { asset, urlOf } = await this.deliver(reference, reference.query, ({ shape }) => {
            if (shape !== 'url') throw misplaced(shape, `<${tag.name} ${name}>`);
          });
          return urlOf(asset.variants[0]!);
        }));
      if (text !== undefined) urls.set(url, text);
    }
    if (urls.size > 0) this.out.update(start, end, `"${encodeAttribute(replaceInList(value, urls))}"`);
  }

  /** A page in a page, as in `srcdoc`, which has the base of the one around it. */
  private async page({ value, start, end }: HtmlAttribute): Promise<void> {
    const out = new MagicString(value);
    const rewriter = new Rewriter(out, this.base, this.tools);
    for (const tag of startTags(value)) await rewriter.tag(tag);
    if (out.hasChanged()) this.out.update(start, end, `"${encodeAttribute(out.toString())}"`);
  }

  private async url(tag: HtmlTag, { name, value, start, end }: HtmlAttribute, holding: 'url' | 'maybe'): Promise<void> {
    const url = value.trim();
    const reference = this.tools.urls.followDirectives(url, this.base);
    // A sentence, or a template that a script keeps there.
    const isDoubtful = holding === 'maybe' || /["'<>{}[\]]/.test(url);
    if (!reference || (isDoubtful && !existsSync(reference.file))) return;
    await this.attempt(url, async () => {
      const { asset, urlOf } = await this.deliver(reference, reference.query, ({ shape }) => {
        if (shape === 'url') return;
        if (tag.name === 'img' && name === 'src' && (shape === 'img' || shape === 'picture')) return;
        throw misplaced(shape, `<${tag.name} ${name}>`);
      });
      if (asset.shape === 'img') this.setImg(tag, assetValue(asset, urlOf) as ImgAttributes);
      else if (asset.shape === 'picture') this.setPicture(tag, assetValue(asset, urlOf) as PictureAttributes);
      else this.out.update(start, end, `"${encodeAttribute(urlOf(asset.variants[0]!))}"`);
    });
  }

  /** The text of an element that is a URL from end to end. */
  async bareUrl(text: string): Promise<void> {
    const url = text.trim();
    const reference = /[\s"'<>{}[\]]/.test(url) ? undefined : this.tools.urls.followDirectives(url, this.base);
    if (!reference) return;
    await this.attempt(url, async () => {
      const { asset, urlOf } = await this.deliver(reference, reference.query, ({ shape }) => {
        if (shape !== 'url') throw misplaced(shape, 'a text');
      });
      const start = text.indexOf(url);
      this.out.update(start, start + url.length, urlOf(asset.variants[0]!));
    });
  }

  /** A picture that says nothing, with its candidates; undefined where it is sharp enough, or none of the site's. */
  private async planAuto(url: string, shown?: number): Promise<AutoPicture | undefined> {
    const { auto, pictures, urls } = this.tools;
    const reference = auto && !url.includes('?') ? urls.follow(url, this.base) : undefined;
    if (!auto || !reference) return undefined;
    try {
      const { info } = await pictures.plan(reference.file, 'upscale=1&as=srcset');
      // Without a width, one that was drawn for a higher density is shown at another size than its own.
      if (info.frames > 1 || info.width > auto.maxWidth) return undefined;
      if (shown === undefined && parseDensityName(reference.file).density !== 1) return undefined;
      const density = info.width / (shown ?? info.width);
      const factor = Number(Math.min(maxUpscale, auto.density / density).toFixed(3));
      if (factor <= 1) return undefined;
      const asset = await pictures.plan(reference.file, `upscale=1;${factor}&as=srcset`);
      return { reference, asset, density };
    } catch (error) {
      // A page may name what is not there.
      if (!hasCode(error, 'INPUT_NOT_FOUND')) this.tools.tell(url, error);
      return undefined;
    }
  }

  private async deliver(
    reference: SiteReference,
    query: string,
    check: (asset: PreparedAsset) => void,
  ): Promise<{ asset: PreparedAsset; urlOf: (variant: VariantPlan) => string }> {
    const asset = await this.tools.pictures.plan(reference.file, query);
    check(asset);
    return { asset, urlOf: await this.urlsOf(reference, asset) };
  }

  private async urlsOf(reference: SiteReference, asset: PreparedAsset): Promise<(variant: VariantPlan) => string> {
    const nameOf = await this.tools.pictures.deliver(asset);
    return (variant) => reference.urlOf(nameOf(variant));
  }

  /** What fails leaves its reference as it was. */
  private async attempt<T>(url: string, change: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await change();
      this.tools.tell(url);
      return result;
    } catch (error) {
      this.tools.tell(url, error);
      return undefined;
    }
  }

  /** `<img src="a.png">` → `<img src="a.png" srcset="a.png 1x, a@2x.png 2x">` */
  private async autoImage(tag: HtmlTag): Promise<void> {
    const { attributes } = tag;
    const valueOf = (name: string): string | undefined => attributes.find((each) => each.name === name)?.value;
    const src = valueOf('src');
    if (tag.name !== 'img' || src === undefined || valueOf('srcset') !== undefined) return;
    const shown = Number(valueOf('width'));
    const found = await this.planAuto(src, shown > 0 ? shown : undefined);
    if (!found) return;
    await this.attempt(src, async () => {
      const urlOf = await this.urlsOf(found.reference, found.asset);
      const { asset, density } = found;
      const candidates = asset.variants.map(
        (variant) => `${urlOf(variant)} ${printDensity((density * variant.width) / asset.info.width)}x`,
      );
      this.out.appendLeft(tag.nameEnd, ` srcset="${encodeAttribute(candidates.join(', '))}"`);
    });
  }

  private setImg(tag: HtmlTag, { src, srcset, width, height }: ImgAttributes): void {
    const set = (name: string, content: string): void => {
      const attribute = tag.attributes.find((each) => each.name === name);
      if (attribute) this.out.update(attribute.start, attribute.end, `"${encodeAttribute(content)}"`);
      else this.out.appendLeft(tag.nameEnd, ` ${name}="${encodeAttribute(content)}"`);
    };
    set('src', src);
    set('srcset', srcset);
    // One of the two is an author's wish for a size: the other follows from the picture.
    if (tag.attributes.some(({ name }) => name === 'width' || name === 'height')) return;
    this.out.appendLeft(tag.nameEnd, ` width="${width}" height="${height}"`);
  }

  /** `<img src="a.png?…&as=picture">` → `<picture><source … /><img src="a.png"></picture>` */
  private setPicture(tag: HtmlTag, { sources, img }: PictureAttributes): void {
    this.setImg(tag, img);
    const html = this.out.original;
    const before = html.slice(0, tag.start).toLowerCase();
    const isInPicture = before.lastIndexOf('<picture') > before.lastIndexOf('</picture');
    const elements = sources.map(
      ({ srcset, type }) => `<source srcset="${encodeAttribute(srcset)}" type="${encodeAttribute(type)}" />`,
    );
    this.out.appendLeft(tag.start, `${isInPicture ? '' : '<picture>'}${elements.join('')}`);
    if (isInPicture) return;
    // Only in XML has it an end.
    const end = /^\s*<\/img\s*>/i.exec(html.slice(tag.end))?.[0].length ?? 0;
    this.out.appendRight(tag.end + end, '</picture>');
  }
}

function misplaced(shape: string, where: string): UpresError {
  return new UpresError(
    'BAD_ARGUMENT',
    `as=${shape} has no meaning in ${where}: use as=url, as=img or as=picture in an <img src>, or as=srcset in a srcset or in CSS`,
  );
}
