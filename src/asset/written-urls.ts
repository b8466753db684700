import { choice } from '../schema.js';
import { hasDirectives } from './directives.js';
import { holdingOf, urlsOfList } from './html-attributes.js';
import { startTags, type HtmlAttribute } from './html-tags.js';
import { hasImageExtension } from './names.js';
import { parseSrcset } from './srcset.js';
import { decoded, isExternal, unescapeCss } from './urls.js';

/** What becomes of a build that emits a directive which nothing honoured. */
const leftoversChoices = ['error', 'warn', 'ignore'] as const;
export type LeftoversOption = (typeof leftoversChoices)[number];
export const leftoversChoice = choice(leftoversChoices);

/** Kinds of files that may have URLs: styles, pages and their kin, scripts, and data. */
const kinds = /\.(css|[xs]?html?|svg|xml|rss|atom|[cm]?js|webmanifest|json)$/i;

/** Whether URLs are looked for in files of that name. */
export const mayHaveUrls = (file: string): boolean => kinds.test(file);

type StringsOfScript = (code: string) => readonly string[] | undefined;

/** Longer than any URL of an image: how far is looked around a directive for the ends of its URL. */
const longestUrl = 2048;

/** Where a URL ends: in scripts, which hold it in a string, and in style sheets. */
const edgeOfString = /[\s"'`\\]/;
const edgeInStyles = /[\s"'(),<>=]/;
const edgeOfUrl = /[\s"'`\\(),<>]/;

/**
 * URLs of the site's own images that have directives, as they stand in an emitted style sheet, page or script; each once. In a
 * script only what is a URL from end to end counts, and in a page only what is in attributes and styles: sentences, comments,
 * class names and the sources that a source map quotes are no references.
 *
 * Emitted files can be megabytes on one line, so the search goes outwards from each directive, and no further than a URL can be
 * long; the time that it takes grows with the length of the text alone.
 *
 * @param name of the emitted file; a query in it counts, too
 * @param text called only where the kind of file can have URLs; bytes are decoded only where they have a directive
 * @param strings gives the strings of a script that stands in a page, without its comments; undefined where it can't be parsed
 */
export function writtenUrls(name: string, text: () => string | Buffer, strings?: StringsOfScript): string[] {
  const [file = '', query = ''] = name.split('?');
  const inName = hasDirectives(query) ? [name] : [];
  return [...new Set([...inName, ...candidates(file, text, strings)].filter(isOwnImage))];
}

/**
 * The same, in a string of a script as its parser gives it: a URL, a srcset, a style, or HTML with such in its attributes. What is
 * quoted in a text, as in a code sample, is none, and neither are the names of classes.
 */
export function urlsOfLiteral(text: string): string[] {
  if (!text.includes('upscale')) return [];
  return [...new Set(parseLiteral(text).filter(isOwnImage))];
}

/** The same, in a style sheet in any of its languages, before it is compiled. */
export const urlsOfStyles = (css: string): string[] => [...new Set(inStyles(css).filter(isOwnImage))];

/**
 * The names of files that a bundle emits whose URLs in a text have directives all the same: another plugin emitted the small image,
 * and kept the query.
 */
export function keptQueries(
  text: string,
  emitted: ReadonlySet<string>,
): { readonly url: string; readonly file: string }[] {
  if (!text.includes('upscale')) return [];
  return [...directivesIn(text, edgeOfUrl)].flatMap(({ url }) => {
    const [path = '', query = ''] = url.replaceAll('&amp;', '&').split(/[?#]/);
    const parts = decoded(path).split('/');
    const file = parts.map((_, index) => parts.slice(index).join('/')).find((tail) => emitted.has(tail));
    return file !== undefined && hasDirectives(query) ? [{ url, file }] : [];
  });
}

function parseLiteral(text: string): string[] {
  if (text.includes('<')) return inPage(text);
  if (/\burl\(/i.test(text)) return inStyles(text.replace(/\[url\([^()[\]]{0,2048}\)\]/g, ''));
  if (!/\s/.test(text.trim())) return [text.trim()];
  return parseSrcset(text)
    .filter(({ descriptor }) => /^\d+(?:\.\d+)?[xw]$/.test(descriptor))
    .map(({ url }) => url);
}

function candidates(file: string, text: () => string | Buffer, strings?: StringsOfScript): string[] {
  const kind = kinds.exec(file)?.[1]?.toLowerCase();
  if (kind === undefined) return [];
  const given = text();
  if (!given.includes('upscale')) return [];
  const whole = given.toString();
  if (kind === 'css') return inStyles(whole);
  if (kind === 'json' || kind === 'webmanifest') return inJson(whole);
  if (kind.endsWith('js')) return inScript(whole);
  return /^(?:xml|rss|atom)$/.test(kind) ? inFeed(whole) : inPage(whole, strings);
}

/** Feeds have URLs as texts of elements, too, and pages in `<![CDATA[…]]>`. */
function inFeed(xml: string): string[] {
  const text = xml.replace(/<!\[CDATA\[|\]\]>/g, '');
  const texts = [...text.matchAll(/>\s*([^<>\s]{1,2048})\s*<\//g)];
  return [...inPage(text), ...texts.map(([, url]) => url!.replaceAll('&amp;', '&'))];
}

function inStyles(css: string): string[] {
  const text = withoutComments(css);
  return [...directivesIn(text, edgeInStyles)].flatMap(({ url, start }) => {
    // What a style writes into the page is no reference, and neither is a selector: the quote or bracket of a class's name is escaped.
    const before = text.slice(Math.max(0, start - 30), start);
    return /\bcontent\s{0,9}:\s{0,9}["']$|\\["'(]$/i.test(before) ? [] : [unescapeCss(url)];
  });
}

function inPage(html: string, strings?: StringsOfScript): string[] {
  return [...startTags(html)].flatMap(({ name: tag, attributes, text }) => [
    ...(tag === 'style' ? inStyles(text) : tag === 'script' ? inScriptElement(text, attributes, strings) : []),
    ...attributes.flatMap(({ name, value }) => {
      const holding = holdingOf(name, value);
      if (holding === 'styles') return inStyles(value);
      if (holding === 'page') return inPage(value, strings);
      if (holding === 'strings') return inScript(value);
      if (holding === 'srcset') return parseSrcset(value).map(({ url }) => url);
      return holding === 'url' ? [value.trim()] : holding === 'urls' ? urlsOfList(value) : [];
    }),
  ]);
}

function inScriptElement(
  text: string,
  attributes: readonly HtmlAttribute[],
  strings: StringsOfScript = () => undefined,
): string[] {
  if (!text.includes('upscale')) return [];
  const type = attributes.find(({ name }) => name === 'type')?.value ?? '';
  if (/json|importmap/i.test(type)) return inJson(text);
  return strings(text)?.flatMap(parseLiteral) ?? inScript(text);
}

const inJson = (text: string): string[] => stringsOfJson(text)?.flatMap(parseLiteral) ?? inScript(text);

/**
 * Strings and keys with directives, each as a script's parser would give it: encoders write `\u0026` for `&`, and `\/`.
 * @returns undefined for what is no JSON
 */
export function stringsOfJson(text: string): string[] | undefined {
  const left: unknown[] = [];
  try {
    left.push(JSON.parse(text));
  } catch {
    return undefined;
  }
  const found: string[] = [];
  while (left.length > 0) {
    const value = left.pop();
    if (typeof value === 'string' && value.includes('upscale')) found.push(value);
    if (typeof value !== 'object' || value === null) continue;
    for (const [key, each] of Object.entries(value)) {
      // A source map quotes the sources.
      if (key !== 'sourcesContent') left.push(each);
      if (key.includes('upscale')) left.push(key);
    }
  }
  return found;
}

function inScript(script: string): string[] {
  // As JSON may have it.
  const code = script.replaceAll('\\/', '/');
  const quoted = quotedSources(code);
  return [...directivesIn(code, edgeOfString)].flatMap(({ url, start, end, at }) => {
    if (quoted.some((range) => range.start <= at && at < range.end)) return [];
    const before = code.slice(Math.max(0, start - 6), start);
    // A style that a script carries: the string is the whole style, or the URL has quotes of its own in it.
    const opened = url.lastIndexOf('url(', at - start);
    if (opened >= 0) return url[opened - 1] === '[' ? [] : [url.slice(opened + 4, endOfStyleUrl(url, at - start))];
    // Behind a bracket it is the name of a class, as of Tailwind: the style is what counts.
    if (/\burl\(\\?["']?$/.test(before))
      return before.includes('[url(') ? [] : [url.slice(0, endOfStyleUrl(url, at - start))];
    const after = code.slice(end, end + 12);
    if (/^\s+\d+(?:\.\d+)?[xw]\b/.test(after)) return [url];
    // An attribute of a template, whose quotes are escaped where the template is a string.
    if (/=\\["']$/.test(before) && /^\\["']/.test(after)) return [url];
    const quote = before.at(-1) ?? '';
    return /["'`]/.test(quote) && code[end] === quote && code[start - 2] !== '\\' ? [url] : [];
  });
}

function endOfStyleUrl(text: string, from: number): number | undefined {
  const end = text.indexOf(')', from);
  return end < 0 ? undefined : end;
}

interface Found {
  readonly url: string;
  /** Offsets of the URL, and of its directive. */
  readonly start: number;
  readonly end: number;
  readonly at: number;
}

function* directivesIn(text: string, edge: RegExp): Generator<Found> {
  let done = 0;
  for (const { index: at } of text.matchAll(/(?:[?&]|&amp;)upscale(?![\w-])/g)) {
    if (at < done) continue;
    let start = at;
    let end = at + 1;
    while (start > done && at - start < longestUrl && !edge.test(text[start - 1]!)) start--;
    // A style's `=` and `,` end the path of a URL, not its query.
    while (end < text.length && end - at < longestUrl && (!edge.test(text[end]!) || /[=,]/.test(text[end]!))) end++;
    done = end;
    yield { url: text.slice(start, end), start, end, at };
  }
}

function withoutComments(css: string): string {
  const parts: string[] = [];
  for (let at = 0; ;) {
    const open = css.indexOf('/*', at);
    if (open < 0) return parts.join('') + css.slice(at);
    parts.push(css.slice(at, open));
    const close = css.indexOf('*/', open + 2);
    if (close < 0) return parts.join('');
    at = close + 2;
  }
}

/** Where a script carries source maps, as those of css-loader's modules, the texts that these quote. */
function quotedSources(code: string): { start: number; end: number }[] {
  return [...code.matchAll(/sourcesContent["']?\s{0,9}:\s{0,9}\[/g)].map(({ index, 0: { length } }) => ({
    start: index,
    end: endOfStrings(code, index + length),
  }));
}

/** Behind a list of strings in JSON. */
function endOfStrings(code: string, from: number): number {
  const part = /[\s,]*(?:null|(["']))/y;
  for (let end = from; ;) {
    part.lastIndex = end;
    const [found, quote] = part.exec(code) ?? [];
    if (found === undefined) return end;
    const next = quote === undefined ? part.lastIndex : endOfString(code, part.lastIndex, quote);
    if (next === undefined) return end;
    end = next;
  }
}

/** Letter by letter: a source may be megabytes long, and an expression with alternatives would run out of stack. */
function endOfString(code: string, from: number, quote: string): number | undefined {
  for (let at = from; at < code.length; at++) {
    if (code[at] === '\\') at++;
    else if (code[at] === quote) return at + 1;
  }
  return undefined;
}

/** Other hosts may have a parameter of that name, and so may other services of this one, with values of their own. */
function isOwnImage(url: string): boolean {
  const at = url.indexOf('?');
  // No host is called like an image: a slash too many was put before one of the site's own.
  if (isExternal(url) && !/^\/\/[^/?#]+\?/.test(url)) return false;
  const query = url.slice(at + 1).replace(/#.*$/s, '');
  return (
    hasImageExtension(url.slice(0, at)) && hasDirectives(query) && /(?:^|[&;])upscale(?:=?(?:&|$)|=[\d.])/.test(query)
  );
}
