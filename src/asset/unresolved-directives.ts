import { dirname, isAbsolute, resolve } from 'node:path';
import { leadsToFile } from './leads-to-file.js';
import { decoded, isExternal, splitUrl } from './urls.js';
import { stringsOfJson, urlsOfLiteral, writtenUrls } from './written-urls.js';

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
  return piecesOf(output).flatMap(({ name, text, files, script }) => {
    const strings = parse && script && text().includes('upscale') ? stringsIn(text(), parse, script) : undefined;
    const urls = strings
      ? [...new Set(strings.flatMap((string) => urlsOfLiteral(withoutHost(string, folders.base))))]
      : writtenUrls(
          name,
          () => withoutHost(text(), folders.base),
          parse && ((code) => stringsIn(code, parse, 'module')),
        );
    return urls.filter((url) => isThere(url, files, folders)).map((url) => ({ url, files }));
  });
}

/** Style sheets of a build don't tell which files their relative URLs start at: the folders of those among its modules. */
export function foldersOfStyles(moduleIds: Iterable<string>): string[] {
  const files = [...moduleIds].map((id) => splitUrl(id).path);
  const styles = files.filter(
    (file) => isAbsolute(file) && /\.(?:css|s[ac]ss|less|styl|stylus|pcss|postcss)$/.test(file),
  );
  return [...new Set(styles.map((file) => dirname(file)))];
}

/** The strings of a script, whole, and put together where that can be known; undefined where it is none that can be parsed. */
function stringsIn(code: string, parse: (code: string) => unknown, kind: ScriptKind): string[] | undefined {
  const found: string[] = [];
  // Rolldown puts a comment before each module, with its id: most need no parsing.
  if (!code.replace(/^\/\/#region .*$/gm, '').includes('upscale')) return found;
  const keep = (text: string | undefined): void => {
    if (!text?.includes('upscale')) return;
    found.push(...((kind === 'inline worker' ? stringsIn(text, parse, 'module') : undefined) ?? [text]));
  };
  /** @returns the parts' text, where all of it is known; what is known of it otherwise is kept */
  const joined = (parts: readonly unknown[]): string | undefined => {
    const texts = parts.map(textOfNode);
    if (!texts.includes(undefined)) return texts.join('');
    for (const each of pageOf(texts) ?? runsOf(texts)) keep(each);
    return undefined;
  };
  /** @returns the text of a string, and of a sum of such, which whoever asks keeps or adds to */
  const textOfNode = (node: unknown): string | undefined => {
    if (typeof node !== 'object' || node === null) return undefined;
    const { type, value, operator } = node as Readonly<Record<string, unknown>>;
    if (type === 'Literal' && typeof value === 'string') return value;
    if (type === 'TemplateElement') return (value as { cooked?: string | null }).cooked ?? '';
    if (type === 'TemplateLiteral') {
      const { quasis, expressions } = node as {
        readonly quasis: readonly unknown[];
        readonly expressions: readonly unknown[];
      };
      return joined(quasis.flatMap((quasi, index) => (index === 0 ? [quasi] : [expressions[index - 1], quasi])));
    }
    if (type === 'Property' && isSourcesContent(node)) return undefined;
    if (type === 'BinaryExpression' && operator === '+') return joined(operandsOf(node));
    const data = type === 'CallExpression' ? parsedAsJson(node) : undefined;
    for (const part of data ?? Object.values(node)) {
      const text = textOfNode(part);
      const strings = data === undefined || text === undefined ? undefined : stringsOfJson(text);
      for (const each of strings ?? [text]) keep(each);
    }
    return undefined;
  };
  try {
    keep(textOfNode(parse(code)));
  } catch {
    return undefined;
  }
  return found;
}

/** The operands of a sum, from left to right. */
function operandsOf(sum: unknown): unknown[] {
  const operands: unknown[] = [];
  let rest = sum;
  for (;;) {
    const { type, operator, left, right } = rest as Readonly<Record<string, unknown>>;
    if (type !== 'BinaryExpression' || operator !== '+') return [rest, ...operands.reverse()];
    operands.push(right);
    rest = left;
  }
}

/**
 * A page of which parts are not known: its tags are only seen in the whole.
 * @returns undefined where it is no page
 */
function pageOf(texts: readonly (string | undefined)[]): string[] | undefined {
  if (!texts.some((text) => text !== undefined && /<[a-z]/i.test(text))) return undefined;
  const known = texts.map((text, index) => {
    if (text !== undefined) return text;
    // An attribute without quotes would take the next one for its value.
    const isValue = texts[index - 1]?.endsWith('=') && /^[\s/>]/.test(texts[index + 1] ?? '');
    return isValue ? '0' : '';
  });
  return [known.join('')];
}

/** What is known of a text, from one unknown part to the next. */
function runsOf(texts: readonly (string | undefined)[]): string[] {
  const runs = [''];
  for (const text of texts) {
    if (text === undefined) runs.push('');
    else runs.push((runs.pop() ?? '') + text);
  }
  return runs;
}

/** Whether a property is that of a source map which quotes the sources. */
function isSourcesContent(property: object): boolean {
  const { key } = property as { readonly key: { readonly name?: unknown; readonly value?: unknown } };
  return (key.name ?? key.value) === 'sourcesContent';
}

/** The arguments of `JSON.parse()`, which large data is put into scripts by. */
function parsedAsJson(call: object): readonly unknown[] | undefined {
  const { callee, arguments: given } = call as {
    readonly callee: { readonly object?: { readonly name?: unknown }; readonly property?: { readonly name?: unknown } };
    readonly arguments: readonly unknown[];
  };
  return callee.object?.name === 'JSON' && callee.property?.name === 'parse' ? given : undefined;
}

/** The strings of an inline worker are scripts themselves. */
type ScriptKind = 'module' | 'inline worker';

interface Piece {
  /** Tells the kind of text. */
  readonly name: string;
  /** Most files are pictures, whose bytes are no one's text. */
  readonly text: () => string;
  readonly files: readonly string[];
  /** Of what a bundler can parse. */
  readonly script: ScriptKind | undefined;
}

/** A chunk module by module: each names its own file, and the text of another file (`?raw`) is no code of the site. */
function piecesOf(output: BundleFile): Piece[] {
  if (output.type === 'asset') {
    const { fileName, originalFileNames: files = [] } = output;
    // Rolldown copies the bytes of a file to whoever names them.
    return [{ name: fileName, text: () => textOf(output.source), files, script: scriptKindOf(fileName) }];
  }
  const name = output.fileName;
  const modules = Object.entries(output.modules).filter(([, { code }]) => code !== null);
  if (modules.length === 0) return [{ name, text: () => output.code, files: [], script: 'module' }];
  return modules.flatMap(([id, { code }]): Piece[] => {
    const files = [id.split('?', 1)[0]!];
    const query = id.slice(files[0]!.length + 1);
    if (/(?:^|&)raw(?:&|=|$)/.test(query)) return [];
    const script = isInlineWorker(id) ? 'inline worker' : 'module';
    return [{ name, text: () => code!, files, script }, ...embedded(code!, files)];
  });
}

/** Whether a module of Vite's holds a whole worker in a string. */
export const isInlineWorker = (id: string): boolean =>
  /[?&](?:shared)?worker(?:&|=|$)/.test(id) && /[?&]inline(?:&|=|$)/.test(id);

/** Files that stand in a script as they are, since they are small: those of `?url`. */
function embedded(code: string, files: readonly string[]): Piece[] {
  const found = code.matchAll(/data:(?:text|application)\/(\w+)(?:;[\w=-]+)*;base64,([\w+/=]+)/g);
  return [...found].map(([, kind, data]) => {
    const name = `embedded.${kind === 'javascript' ? 'js' : kind!}`;
    return { name, text: () => textOf(Buffer.from(data!, 'base64')), files, script: scriptKindOf(name) };
  });
}

const scriptKindOf = (file: string): ScriptKind | undefined => (/\.[cm]?js$/i.test(file) ? 'module' : undefined);

/**
 * With a base on another host, the site's own URLs look like those of others, and so they do where a slash more was put behind the base
 * `/`: no host is called like a folder.
 */
const withoutHost = (text: string, base: string): string =>
  (isExternal(base) ? text.replaceAll(base, '/') : text).replace(/(^|["'`(\s])\/(?=\/[^/.:?#\s]+\/)/g, '$1');

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
  return [path, own].some((each) => folders.some((folder) => folder !== '' && leadsToFile(folder, each)));
}

/** The text of an emitted file, in UTF-8, or in what its first bytes say: browsers go by these before all else. */
export function textOf(source: string | Uint8Array): string {
  if (typeof source === 'string') return source;
  const bytes = Buffer.from(source.buffer, source.byteOffset, source.byteLength);
  const start = bytes.toString('latin1', 0, 2);
  if (start === '\xff\xfe') return bytes.toString('utf16le');
  return start === '\xfe\xff' ? new TextDecoder('utf-16be').decode(bytes) : bytes.toString();
}
