import valueParser from 'postcss-value-parser';
import { unescapeCss } from './urls.js';

/** An image that a style names, by where it stands. */
export interface CssUrl {
  readonly url: string;
  /** Whether it is one of several, in an `image-set()`. */
  readonly candidate: boolean;
  /** Whether it is a string, as `image-set()` allows. */
  readonly bare: boolean;
  /** Offsets of the whole `url()` or string. */
  readonly start: number;
  readonly end: number;
}

/** The same, where it can be changed. */
export interface ValueUrl extends Pick<CssUrl, 'url' | 'candidate' | 'bare'> {
  readonly replaceUrl: (url: string) => void;
  /** Puts another image in place of the whole `url()`. */
  readonly replaceImage: (image: string) => void;
}

/** The images of a value or of a whole style sheet: in `url()`, and as a string in `image-set()`. */
export function cssUrls(css: string): CssUrl[] {
  const found: CssUrl[] = [];
  const visit = (nodes: readonly valueParser.Node[], candidate: boolean): void => {
    for (const node of nodes) {
      const { sourceIndex: start, sourceEndIndex: end } = node;
      if (node.type === 'string' && candidate) {
        found.push({ url: unescapeCss(node.value), candidate: true, bare: true, start, end });
      }
      if (node.type !== 'function') continue;
      const name = node.value.toLowerCase();
      if (name !== 'url') visit(node.nodes, name === 'image-set' || name === '-webkit-image-set');
      else found.push({ url: unescapeCss(contentOf(node, css)), candidate, bare: false, start, end });
    }
  };
  visit(valueParser(css).nodes, false);
  return found;
}

/** Calls back for every URL of a value. Returns the value after changes. */
export async function rewriteValue(
  value: string,
  rewrite: (url: ValueUrl) => Promise<void> | undefined,
): Promise<string> {
  const images = new Map<CssUrl, string>();
  const found = cssUrls(value);
  await Promise.all(
    found.map((one) => {
      const replaceImage = (image: string): void => {
        images.set(one, image);
      };
      const replaceUrl = (url: string): void => {
        replaceImage(one.bare ? `"${url}"` : `url("${url}")`);
      };
      return Promise.resolve(rewrite({ ...one, replaceUrl, replaceImage }));
    }),
  );
  let at = 0;
  let text = '';
  for (const one of found) {
    text += value.slice(at, one.start) + (images.get(one) ?? value.slice(one.start, one.end));
    at = one.end;
  }
  return text + value.slice(at);
}

/** What is in a `url()`; the parser takes an unquoted one in capitals for arguments. */
function contentOf({ nodes: [first], sourceIndex, sourceEndIndex }: valueParser.FunctionNode, css: string): string {
  return first?.type === 'string'
    ? first.value
    : css
        .slice(sourceIndex + 4, sourceEndIndex)
        .replace(/\)$/, '')
        .trim();
}
