import { hasDirectives } from '#upres/asset/directives.js';
import { hasImageExtension } from '#upres/asset/names.js';
import { isOurs, splitUrl } from '#upres/asset/urls.js';

/** Attributes are URLs, and so may be what stands in styles; text and scripts of a page are not. */
const partsOfPages = /<style\b[^>]*>[^]*?<\/style>|<[a-z](?:[^>"']|"[^"]*"|'[^']*')*>/gi;
const comments = /\/\*[^]*?\*\/|<!--[^]*?-->/g;
const scripts = /(<script\b(?:[^>"']|"[^"]*"|'[^']*')*>)[^]*?<\/script>/gi;
const urls = /[^\s"'(),<>=]+\?[^\s"'()<>]*/g;
/** Strings that are a URL from end to end. */
const strings = /(["'`])([^\s"'`\\]+\?[^\s"'`\\]*)\1/g;
/** And styles that scripts carry. */
const stylesInStrings = /\burl\((\\?["']?)([^\s"'()\\]+\?[^\s"'()\\]*)/g;

/** URLs of images of the site itself that have directives, in an emitted style sheet, page or script; each once. */
export function urlsWithDirectives(name: string, text: () => string): string[] {
  const { path: file, query } = splitUrl(name);
  const inName = hasDirectives(query) ? [name] : [];
  return [...new Set([...inName, ...candidates(file, text).filter(isOfImage)])];
}

function candidates(file: string, text: () => string): readonly string[] {
  switch (/\.(css|html?|[cm]?js)$/i.exec(file)?.[1]?.toLowerCase()) {
    case undefined:
      return [];
    case 'css':
      return text().replace(comments, '').match(urls) ?? [];
    case 'htm':
    case 'html':
      return (text().replace(comments, '').replace(scripts, '$1').match(partsOfPages) ?? []).flatMap(
        (part) => part.match(urls) ?? [],
      );
    default:
      return [strings, stylesInStrings].flatMap((form) => [...text().matchAll(form)].map(([, , url = '']) => url));
  }
}

/** Other hosts may have a parameter of that name. */
const isOfImage = (url: string): boolean => isOurs(url) && hasImageExtension(splitUrl(url).path);
