import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { glob } from 'tinyglobby';
import { codeOf, messageOf, UpresError } from '../../errors.js';
import type { AssetPipeline } from '../pipeline.js';
import { writtenUrls } from '../written-urls.js';
import { rewriteFile, type SiteAuto } from './rewrite-file.js';
import { SitePictures, writeIfNew, type SitePicture } from './site-pictures.js';
import { SiteUrls } from './site-urls.js';

export type { SiteAuto } from './rewrite-file.js';

export interface SiteOptions {
  /** Folder of the finished site, absolute. */
  readonly root: string;
  /** Where the result is to be, absolute; default in place. */
  readonly out?: string;
  /** URL under which the folder is served; default the root of any host. */
  readonly base?: string;
  /** What becomes of pictures that say nothing; default nothing. */
  readonly auto?: SiteAuto;
  /** Makes and writes nothing. */
  readonly dryRun?: boolean;
  /** Ends it: pictures that are made already stay, and no page is changed. */
  readonly signal?: AbortSignal;
}

export interface SiteFile {
  /** Relative to the site, with `/`. */
  readonly file: string;
  /** References that were changed. */
  readonly references: number;
  readonly written: boolean;
}

export interface SiteProblem {
  /** The page or style sheet. */
  readonly file: string;
  readonly url: string;
  readonly code: string;
  readonly message: string;
}

export interface SiteResult {
  /** Pages, style sheets and the like that have been looked at. */
  readonly files: readonly SiteFile[];
  readonly pictures: readonly SitePicture[];
  readonly problems: readonly SiteProblem[];
}

interface SiteText {
  readonly file: string;
  readonly bytes: Buffer;
  readonly text: string;
  readonly encoding: 'utf8' | 'utf16le' | 'latin1';
}

/**
 * Delivers the directives of a finished site: pictures next to their sources, and pages and style sheets that name them. Run again,
 * it changes nothing. A reference that fails stays as it was, and is a problem of the result.
 * @throws BAD_ARGUMENT for a base that is no URL; the reason of the signal
 */
export async function rewriteSite(pipeline: AssetPipeline, options: SiteOptions): Promise<SiteResult> {
  const { root, out = root, auto, dryRun = false, signal } = options;
  const placeOf = (file: string): string => join(out, relative(root, file));
  const urls = urlsOf(options);
  const pictures = new SitePictures(pipeline, placeOf, { dryRun, signal });
  const paths = await filesOf(root, out);
  const texts: SiteText[] = [];
  for (const file of paths.filter((path) => /\.(?:[xs]?html?|css|svg|xml|rss|atom)$/i.test(path)))
    texts.push(await read(root, file));

  const tools = { urls, pictures, auto };
  const silent = (): void => undefined;
  // Names are given file by file; then all pictures are made together; then it is known which of them are there.
  for (const { file, text } of texts) await rewriteFile(text, file, { ...tools, tell: silent });
  const made = await pictures.settle();
  signal?.throwIfAborted();

  const problems: SiteProblem[] = [];
  const files: SiteFile[] = [];
  const changed = new Set<string>();
  for (const { file, bytes, text, encoding } of texts) {
    let references = 0;
    const told = new Set<string>();
    const tell = (url: string, error?: unknown): void => {
      if (error === undefined) {
        // Delivered here, it may still be in a script.
        references++;
        return;
      }
      if (!told.has(url)) problems.push({ file, url, code: codeOf(error) ?? 'ERROR', message: messageOf(error) });
      told.add(url);
    };
    const result = await rewriteFile(text, file, { ...tools, tell });
    for (const url of unresolved(file, result, urls)) if (!told.has(url)) problems.push(unseen(file, url));
    const data = result === text ? bytes : Buffer.from(result, encoding);
    changed.add(file);
    files.push({ file, references, written: !dryRun && (await writeIfNew(join(out, file), data)) });
  }
  for (const file of paths.filter((path) => /\.(?:[cm]?js|json|webmanifest)$/i.test(path))) {
    const { text } = await read(root, file);
    for (const url of unresolved(file, text, urls)) problems.push(unseen(file, url));
  }
  if (out !== root && !dryRun) await copyOthers(root, out, paths, changed);
  return { files, pictures: made, problems };
}

function urlsOf({ root, base }: SiteOptions): SiteUrls {
  try {
    return new SiteUrls(root, base);
  } catch (cause) {
    throw new UpresError('BAD_ARGUMENT', `base must be a URL, such as https://example.com/blog/, not "${base}"`, {
      cause,
    });
  }
}

/** Relative to the root, sorted, so that names do not depend on the file system. */
async function filesOf(root: string, out: string): Promise<string[]> {
  const inside = relative(root, out).split(sep).join('/');
  const ignore = inside === '' || inside.startsWith('..') ? [] : [`${inside}/**`];
  return (await glob('**', { cwd: root, dot: true, ignore: [...ignore, '**/node_modules/**', '**/.git/**'] })).sort();
}

/** Pages of other encodings than UTF keep their bytes: what is looked for is ASCII. */
async function read(root: string, file: string): Promise<SiteText> {
  const bytes = await readFile(join(root, file));
  if (bytes[0] === 0xff && bytes[1] === 0xfe)
    return { file, bytes, text: bytes.toString('utf16le'), encoding: 'utf16le' };
  const text = bytes.toString();
  if (Buffer.from(text).equals(bytes)) return { file, bytes, text, encoding: 'utf8' };
  return { file, bytes, text: bytes.toString('latin1'), encoding: 'latin1' };
}

/** Directives that are still there, of pictures that are there: those that a script puts into the page. */
function unresolved(file: string, text: string, urls: SiteUrls): string[] {
  const bases = /\.(?:[cm]?js|json)$/i.test(file)
    ? [urls.documentBase(file), urls.documentBase('')]
    : [urls.documentBase(file)];
  return writtenUrls(file, () => urls.withoutHost(text.replaceAll('\\/', '/'))).filter((url) =>
    bases.some((base) => {
      const reference = urls.followDirectives(url, base);
      return reference !== undefined && existsSync(reference.file);
    }),
  );
}

function unseen(file: string, url: string): SiteProblem {
  const message =
    'directives are read in attributes and styles, not in scripts: write the URL of the larger picture there';
  return { file, url, code: 'BAD_ARGUMENT', message };
}

async function copyOthers(
  root: string,
  out: string,
  paths: readonly string[],
  done: ReadonlySet<string>,
): Promise<void> {
  for (const path of paths) {
    if (done.has(path)) continue;
    const [from, to] = [resolve(root, path), resolve(out, path)];
    const there = await readFile(to).catch(() => undefined);
    if (there?.equals(await readFile(from))) continue;
    await mkdir(dirname(to), { recursive: true });
    await copyFile(from, to);
  }
}
