import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Plugin, ResolvedConfig, Rollup } from 'vite';
import { urlsOfLiteral, writtenUrls } from '#upres/asset/written-urls.js';
import { leftMarks, type CssMark } from './css-marks.js';
import { isExternal, type Session } from './session.js';

/**
 * A directive that is still there when everything is built was seen by no hook, and the page would show the small image: that is
 * an error, never a surprise, unless the options say otherwise. What names no file of the project is none: code samples, and
 * parameters of other services.
 */
export function leftoversPlugin(session: () => Session): Plugin {
  return {
    name: 'upres:leftovers',
    apply: 'build',
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        const { config, options } = session();
        for (const output of Object.values(bundle)) {
          for (const mark of marksIn(output)) {
            const about = 'another plugin took this CSS before its image could be put in place';
            this.error(session().readable(new Error(`${about}, into ${output.fileName}`), mark.url, mark.importer));
          }
          if (options.leftovers === 'ignore') continue;
          const parse = (code: string): unknown => this.parse(code);
          const found = leftoversIn(output, config, parse);
          if (found.length === 0) continue;
          const message =
            found
              .map(({ url, from }) => `"${url}" is still in ${output.fileName}${from}: its image was not upscaled. `)
              .join('\n') +
            'Directives work in imports, in new URL("…", import.meta.url), in CSS url() and image-set(), and in the attributes of HTML; ' +
            'a URL that is put together at run time can’t carry one. Where it is none, say leftovers: "warn" or "ignore" in the options of upres.';
          if (options.leftovers === 'warn') this.warn(message);
          else this.error(message);
        }
      },
    },
  };
}

type Output = Rollup.OutputAsset | Rollup.OutputChunk;

function marksIn(output: Output): CssMark[] {
  if (!/\.(?:[cm]?js|css|html?|svg|webmanifest)$/i.test(output.fileName)) return [];
  return leftMarks(output.type === 'chunk' ? output.code : textOf(output.source));
}

interface Leftover {
  readonly url: string;
  /** In words: the modules that it came from, as far as that can be told. */
  readonly from: string;
}

function leftoversIn(output: Output, config: ResolvedConfig, parse: (code: string) => unknown): Leftover[] {
  return piecesOf(output).flatMap(({ name, text, files }) => {
    const strings = output.type === 'chunk' && text.includes('upscale') ? stringsIn(text, parse) : undefined;
    const urls = strings
      ? [...new Set(strings.flatMap((string) => urlsOfLiteral(withoutHost(string, config.base))))]
      : writtenUrls(name, () => withoutHost(text, config.base));
    return urls
      .filter((url) => isThere(url, files, config))
      .map((url) => ({ url, from: files.length > 0 ? ` (from ${files.join(', ')})` : '' }));
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
  readonly text: string;
  readonly files: readonly string[];
}

/** A chunk module by module: each names its own file, and the text of another file (`?raw`) is no code of the site. */
function piecesOf(output: Output): Piece[] {
  if (output.type === 'asset') {
    return [{ name: output.fileName, text: textOf(output.source), files: output.originalFileNames }];
  }
  const modules = Object.entries(output.modules).filter(([, { code }]) => code !== null);
  if (modules.length === 0) return [{ name: output.fileName, text: output.code, files: [] }];
  return modules.flatMap(([id, { code }]) => {
    const [file = id, query = ''] = id.split('?');
    return /(?:^|&)raw(?:&|=|$)/.test(query) ? [] : [{ name: output.fileName, text: code ?? '', files: [file] }];
  });
}

/** With a base on another host, the site's own URLs look like those of others. */
const withoutHost = (text: string, base: string): string => (isExternal(base) ? text.replaceAll(base, '/') : text);

/** Whether a URL leads to a file: of its module's folder, of the project, or of those that are copied as they are. */
function isThere(url: string, files: readonly string[], { root, publicDir, base }: ResolvedConfig): boolean {
  const path = decoded(url.split(/[?#]/, 1)[0]!);
  const own = base.startsWith('/') && path.startsWith(base) ? path.slice(base.length) : path;
  const folders = [...files.map((file) => dirname(resolve(root, file))), root, publicDir];
  return [path, own].some((each) => folders.some((folder) => folder !== '' && existsSync(join(folder, each))));
}

function decoded(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}

const textOf = (source: string | Uint8Array): string =>
  typeof source === 'string' ? source : Buffer.from(source.buffer, source.byteOffset, source.byteLength).toString();
