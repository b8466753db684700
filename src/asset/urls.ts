import { hasDirectives } from './directives.js';

/** A URL taken apart. */
export interface SplitUrl {
  readonly path: string;
  /** Without its `?`; empty where there is none. */
  readonly query: string;
  /** With its `#`, or empty: what of a picture is meant. It is the browser's, so it follows the result's URL. */
  readonly fragment: string;
}

/** Takes a URL, or a bundler's id, apart at its query and fragment (RFC 3986, 3: the fragment begins at the first `#`). */
export function splitUrl(url: string): SplitUrl {
  const [, path = '', query = '', fragment = ''] = /^([^?#]*)(?:\?([^#]*))?(#[^]*)?$/.exec(url) ?? [];
  return { path, query, fragment };
}

/** A path as its file is called; as it is where it can't be decoded. */
export function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** Whether it leads out of the site, so that its query is someone else's. */
export const isExternal = (url: string): boolean => /^(?:[a-z][a-z\d+.-]+:|\/\/)/i.test(url);

/** Whether a URL asks for something of ours. */
export function isOurs(url: string): boolean {
  return !isExternal(url) && hasDirectives(splitUrl(url).query);
}

/** After CSS Syntax 3, 4.3.7: the number of a character with one blank behind it, or the character itself; nothing at a line's end. */
export function unescapeCss(text: string): string {
  return text.replace(
    /\\(?:([\da-f]{1,6})(?:\r\n|\s)?|\r\n|([^]))/gi,
    (_, hex: string | undefined, sign: string | undefined) => {
      if (hex !== undefined) return parseInt(hex, 16) > 0x10ffff ? '\ufffd' : String.fromCodePoint(parseInt(hex, 16));
      return sign === undefined || /[\n\r\f]/.test(sign) ? '' : sign;
    },
  );
}
