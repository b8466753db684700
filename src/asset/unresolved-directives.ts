import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { decoded, isExternal } from './urls.js';
import { urlsOfLiteral, writtenUrls } from './written-urls.js';

/** A file of a bundle, in words that Rollup, Rolldown and Vite share. */
export type BundleFile =
  | {
      readonly type: 'asset';
      readonly fileName: string;
      readonly originalFileNames?: readonly string[];
      readonly source: string | Uint8Array;
    }
  | {
      readonly type: 'chunk';
      readonly fileName: string;
      readonly code: string;
      readonly modules: Readonly<Record<string, { readonly code: string | null }>>;
    };

/** Where a site's own URLs lead. */
export interface BundleFolders {
  readonly root: string;
  /** What is copied as it is; empty for none. */
  readonly publicDir: string;
  /** What is put before URLs. */
  readonly base: string;
  /** Where else relative ones may start: a style sheet does not tell which files it came from. */
  readonly styles?: readonly string[];
}

/** A directive that nothing honoured. */
export interface UnresolvedDirective {
  readonly url: string;
  /** The modules that it came from, as far as that is known. */
  readonly files: readonly string[];
}

/** The directives that are still in a file of a bundle, of images that are there: others are other services' parameters. */
export function unresolvedDirectives(
  output: BundleFile,
  folders: BundleFolders,
  parse?: (code: string) => unknown,
): UnresolvedDirective[] {
  return piecesOf(output).flatMap(({ name, text, files }) => {
    const strings =
      parse && output.type === 'chunk' && text().includes('upscale') ? stringsIn(text(), parse) : undefined;
    const urls = strings
      ? [...new Set(strings.flatMap((string) => urlsOfLiteral(withoutHost(string, folders.base))))]
      : writtenUrls(name, () => withoutHost(text(), folders.base));
    return urls.filter((url) => isThere(url, files, folders)).map((url) => ({ url, files }));
  });
}

/** The strings of a script, whole; undefined where it is none that can be parsed. */
function stringsIn(code: string, parse: (code: string) => unknown): string[] | undefined {
  const found: string[] = [];
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) node.forEach(visit);
    else if (typeof node === 'object' && node !== null) {
      const { type, value } = node as { type?: unknown; value?: unknown };
      if (type === 'Literal' && typeof value === 'string') found.push(value);
      if (type === 'TemplateElement') found.push((value as { cooked?: string | null }).cooked ?? '');
      Object.values(node).forEach(visit);
    }
  };
  try {
    visit(parse(code));
  } catch {
    return undefined;
  }
  return found;
}

interface Piece {
  /** Tells the kind of text. */
  readonly name: string;
  /** Most files are pictures, whose bytes are no one's text. */
  readonly text: () => string;
  readonly files: readonly string[];
}

/** A chunk module by module: each names its own file, and the text of another file (`?raw`) is no code of the site. */
function piecesOf(output: BundleFile): Piece[] {
  if (output.type === 'asset') {
    return [{ name: output.fileName, text: () => textOf(output.source), files: output.originalFileNames ?? [] }];
  }
  const modules = Object.entries(output.modules).filter(([, { code }]) => code !== null);
  if (modules.length === 0) return [{ name: output.fileName, text: () => output.code, files: [] }];
  return modules.flatMap(([id, { code }]) => {
    const [file = id, query = ''] = id.split('?');
    return /(?:^|&)raw(?:&|=|$)/.test(query) ? [] : [{ name: output.fileName, text: () => code ?? '', files: [file] }];
  });
}

/** With a base on another host, the site's own URLs look like those of others. */
const withoutHost = (text: string, base: string): string => (isExternal(base) ? text.replaceAll(base, '/') : text);

/** Whether a URL leads to a file: of its module's folder, of the project, or of those that are copied as they are. */
function isThere(
  url: string,
  files: readonly string[],
  { root, publicDir, base, styles = [] }: BundleFolders,
): boolean {
  const path = decoded(url.split(/[?#]/, 1)[0]!);
  const before = decoded(base);
  const own = before.startsWith('/') && path.startsWith(before) ? path.slice(before.length) : path;
  const folders = [...files.map((file) => dirname(resolve(root, file))), root, publicDir, ...styles];
  return [path, own].some((each) => folders.some((folder) => folder !== '' && existsSync(join(folder, each))));
}

/** The text of an emitted file. */
export const textOf = (source: string | Uint8Array): string =>
  typeof source === 'string' ? source : Buffer.from(source.buffer, source.byteOffset, source.byteLength).toString();
