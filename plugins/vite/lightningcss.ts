import { resolve } from 'node:path';
import { isOurs } from '#upres/asset/urls.js';
import type { CSSOptions } from 'vite';
import { normalizePath } from './normalize-path.js';
import { printMark } from './css-marks.js';

type LightningOptions = NonNullable<CSSOptions['lightningcss']>;
type Visitor = NonNullable<Exclude<LightningOptions['visitor'], (...given: never) => unknown>>;

interface Place {
  readonly source_index: number;
}
interface Sheet {
  readonly sources: readonly string[];
}
interface Rule {
  readonly value?: { readonly loc?: Place };
}
interface Url {
  readonly url: string;
}
/** As far as it is read here: of values that Lightning CSS leaves as they are. */
interface Token {
  readonly type: string;
  readonly value: { readonly type?: string; readonly value?: unknown };
}
interface CssFunction {
  readonly name: string;
  readonly arguments: readonly Token[];
}
type Image =
  | { readonly type: 'url'; readonly value: Url }
  | { readonly type: 'image-set'; readonly value: { readonly options: readonly { readonly image: Image }[] } }
  | { readonly type: 'none' | 'gradient' };

/**
 * The first stage where Lightning CSS takes PostCSS's place: the same marks, put there by a visitor. Visitors can't wait for
 * anything, and see a URL without its file, so the visitor remembers which file the rule around it came from.
 * @param root the project's, which names of files may be relative to
 */
export function markingVisitor(root = '.'): Visitor {
  let sources: readonly string[] = [];
  let current: string | undefined;
  const marked = (url: Url, candidate: boolean): Url | undefined => {
    if (current === undefined || !isOurs(url.url)) return undefined;
    return { ...url, url: printMark({ url: url.url, importer: normalizePath(resolve(root, current)), candidate }) };
  };
  const markStrings = (set: CssFunction): { type: 'function'; value: CssFunction } | undefined => {
    const given = set.arguments.map((token) => {
      const { type, value: text } = token.value;
      const url = token.type === 'token' && type === 'string' ? marked({ url: String(text) }, true) : undefined;
      return url ? { ...token, value: { ...token.value, value: url.url } } : token;
    });
    if (given.every((token, index) => token === set.arguments[index])) return undefined;
    // Lightning CSS writes null where a variable has no file of its own, and does not read that (measured with 1.30).
    const readable = JSON.stringify(given, (_, value: unknown) => value ?? undefined);
    return { type: 'function', value: { ...set, arguments: JSON.parse(readable) as Token[] } };
  };
  const visitor = {
    StyleSheet(sheet: Sheet): void {
      ({ sources } = sheet);
      [current] = sources;
    },
    Rule(rule: Rule): void {
      const index = rule.value?.loc?.source_index;
      if (index !== undefined) current = sources[index] ?? current;
    },
    Url(url: Url): Url | undefined {
      return marked(url, false);
    },
    // Of the candidates of an `image-set()` the visitor of URLs hears nothing.
    Image(image: Image): Image | undefined {
      if (image.type !== 'image-set') return undefined;
      const options = image.value.options.map((option) => {
        const url = option.image.type === 'url' ? marked(option.image.value, true) : undefined;
        return url ? { ...option, image: { type: 'url' as const, value: url } } : option;
      });
      return { type: 'image-set', value: { ...image.value, options } };
    },
    // In custom properties and next to `var()`, a candidate's string is one of the tokens.
    Function: { 'image-set': markStrings, '-webkit-image-set': markStrings },
  };
  return visitor as unknown as Visitor;
}

/** Whether a project's own visitor can't live alongside ours: only one can be given, and joining them is Lightning CSS's matter. */
export const visits = (options: LightningOptions | undefined): boolean => options?.visitor !== undefined;
