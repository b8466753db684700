import { join, relative, sep } from 'node:path';
import { hasDirectives } from '../directives.js';
import { hasImageExtension } from '../names.js';
import { splitUrl } from '../urls.js';

/** A reference that leads to a file of the site. */
export interface SiteReference {
  /** Absolute. */
  readonly file: string;
  /** Directives, or whatever else its query says. */
  readonly query: string;
  /** The URL as the author wrote it, for another file of the same folder. */
  readonly urlOf: (name: string) => string;
}

/** Stands for the host where no one says which one the site has. */
const anyHost = 'http://site.invalid/';

/**
 * Follows the references of a finished site as a browser does: relative ones, those that begin at the host, `<base href>`, and
 * full URLs of the site itself.
 */
export class SiteUrls {
  private readonly base: URL;

  /**
   * @param root folder of the site, absolute
   * @param base URL under which the folder is served: `https://example.com/blog/`, or `/blog/`; default the root of any host
   * @throws TypeError for what is no URL
   */
  constructor(
    private readonly root: string,
    base = '/',
  ) {
    this.base = new URL(base.endsWith('/') ? base : `${base}/`, anyHost);
  }

  /**
   * What references in a file are relative to.
   * @param file relative to the root, with `/`
   * @param href of the page's `<base>`
   */
  documentBase(file: string, href?: string): URL {
    const own = new URL(file.split('/').map(encodeURIComponent).join('/'), this.base);
    return href === undefined ? own : (parsed(href.trim(), own) ?? own);
  }

  /** @returns undefined for what leads elsewhere, and for what is no image's name */
  follow(written: string, base: URL): SiteReference | undefined {
    const url = parsed(written.trim(), base);
    if (url?.host !== this.base.host || !/^https?:$/.test(url.protocol)) return undefined;
    const path = decoded(url.pathname);
    if (path === undefined || !path.startsWith(this.base.pathname) || !hasImageExtension(path)) return undefined;
    const { path: before, fragment } = splitUrl(written.trim());
    return {
      file: join(this.root, path.slice(this.base.pathname.length)),
      query: url.search.slice(1),
      // Browsers take \ for /.
      urlOf: (name) => before.replace(/[^/\\]*$/, '') + encoded(name) + fragment,
    };
  }

  /** The same, where directives are asked for. */
  followDirectives(written: string, base: URL): SiteReference | undefined {
    if (!written.includes('upscale') || !hasDirectives(splitUrl(written.trim()).query)) return undefined;
    return this.follow(written, base);
  }

  /** A text in which the site's own full URLs begin at its host, as others do. */
  withoutHost(text: string): string {
    return this.base.host === new URL(anyHost).host ? text : text.replaceAll(`${this.base.origin}/`, '/');
  }

  /** A file as people know it. */
  show(file: string): string {
    return relative(this.root, file).split(sep).join('/');
  }
}

function parsed(url: string, base: URL): URL | undefined {
  return URL.canParse(url, base.href) ? new URL(url, base) : undefined;
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

/** A file's name as a part of a URL, with the `@` of densities. Blanks, commas and quotes have a meaning around URLs. */
const encoded = (name: string): string =>
  encodeURIComponent(name)
    .replace(/%40/g, '@')
    .replace(/['()]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`);
