import type { Plugin, Rollup } from 'vite';
import { startTags } from '#upres/asset/html-tags.js';
import { leftMark } from './css-marks.js';
import { isExternal, isOurs, type Session } from './session.js';
import { parseSrcset } from '#upres/asset/srcset.js';

/**
 * A directive that is still there when everything is built was seen by nobody, and the page would show the small image: that is an
 * error, never a surprise.
 */
export function leftoversPlugin(session: () => Session): Plugin {
  return {
    name: 'upres:leftovers',
    apply: 'build',
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        const { base } = session().config;
        for (const output of Object.values(bundle)) {
          const mark = leftMark(textIn(output));
          if (mark) {
            const about = 'another plugin took this CSS before its image could be put in place';
            this.error(session().readable(new Error(`${about}, into ${output.fileName}`), mark.url, mark.importer));
          }
          const found = leftoversIn(output, base);
          if (!found) continue;
          this.error(
            `"${found}" is still in ${output.fileName}${sourceOf(output, found)}: its image was not upscaled. ` +
              'Directives work in imports, in new URL("…", import.meta.url), in CSS url() and image-set(), and in the attributes of HTML; ' +
              'a URL that is put together at run time can’t carry one.',
          );
        }
      },
    },
  };
}

type Output = Rollup.OutputAsset | Rollup.OutputChunk;

/** Empty for files that have no URLs of images in them. */
function textIn(output: Output): string {
  if (!/\.(?:[cm]?js|css|html?|svg|webmanifest)$/i.test(output.fileName)) return '';
  return output.type === 'chunk' ? output.code : textOf(output.source);
}

function leftoversIn(output: Output, base: string): string | undefined {
  const { fileName } = output;
  const text = textIn(output);
  if (!text.includes('upscale')) return undefined;
  const page = /\.html?$/i.test(fileName);
  const urls = page ? urlsInPage(text) : urlsInText(text);
  return urls.find((url) => isLeftover(url, base));
}

/** With a base on another host, the site's own URLs look like those of others. */
function isLeftover(url: string, base: string): boolean {
  const own = isExternal(base) && url.startsWith(base) ? url.slice(base.length) : url;
  return isOurs(own) && /\.\w+\?/.test(own);
}

/** In attributes, scripts and styles; what is said in the text is nobody's image. */
function urlsInPage(html: string): string[] {
  return [...startTags(html)].flatMap(({ name: tag, attributes, text }) => [
    ...(tag === 'script' || tag === 'style' ? urlsInText(text) : []),
    ...attributes.flatMap(({ name, value }) => {
      if (name === 'style') return urlsInText(value);
      if (name.endsWith('srcset')) return parseSrcset(value).map(({ url }) => url);
      return [value.trim()].filter((url) => !/\s/.test(url));
    }),
  ]);
}

const longestUrl = 2048;
const edge = /[\s"'`()<>\\,]/;

/**
 * What is written as a URL: a whole string, a `url()`, or a candidate of a srcset; not a word in a sentence, nor in a comment that
 * has a line to itself. Files can be megabytes on one line, so the search goes outwards from each directive.
 */
function urlsInText(whole: string): string[] {
  const text = whole.replace(/\/\*[^]*?\*\/|<!--[^]*?-->/g, '');
  return [...text.matchAll(/[?&;]upscale(?![\w-])/g)].flatMap(({ index }) => {
    let start = index;
    let end = index + 1;
    while (start > 0 && index - start < longestUrl && !edge.test(text[start - 1]!)) start--;
    while (end < text.length && end - index < longestUrl && !edge.test(text[end]!)) end++;
    const before = text.slice(Math.max(0, start - 4), start);
    const after = text.slice(end, end + 12);
    const written =
      (/["'`]$/.test(before) && /^\\?["'`]/.test(after)) ||
      (/url\($/i.test(before) && after.startsWith(')')) ||
      /^\s+\d+(?:\.\d+)?[xw]\b/.test(after);
    const line = text.slice(Math.max(0, text.lastIndexOf('\n', start - 1) + 1, start - longestUrl), start);
    return written && !/^\s*\/\//.test(line) ? [text.slice(start, end).replace(/&amp;/g, '&')] : [];
  });
}

const textOf = (source: string | Uint8Array): string =>
  typeof source === 'string' ? source : Buffer.from(source.buffer, source.byteOffset, source.byteLength).toString();

/** The modules that it came from, as far as that can be told. */
function sourceOf(output: Output, found: string): string {
  const names =
    output.type === 'asset'
      ? output.originalFileNames
      : Object.entries(output.modules).flatMap(([id, { code }]) => (code?.includes(found) ? [id] : []));
  return names.length > 0 ? ` (from ${names.join(', ')})` : '';
}
