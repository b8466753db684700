import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { isMissing, readError, UpresError } from '../errors.js';
import { canonicalPaths, isInside } from './canonical.js';
import { formatOfName, parseDensityName } from '../asset/names.js';
import { OwnOutputs } from '../asset/own-outputs.js';
import { Roles } from '../asset/roles.js';
import { stemOf, withoutSize } from './naming.js';
import { readStandardInput, standardStream } from './streams.js';
import { walk } from './walk.js';

/** A file to upscale. */
export interface Input {
  /** As the user would write it: relative to the working folder, or absolute where the argument was; `-` for standard input. */
  readonly path: string;
  /** What came through standard input; undefined for a file. */
  readonly bytes?: Uint8Array;
  /** Where it lies below the argument that it came from; `--out` rebuilds this. */
  readonly relative: string;
  /** The user wrote this very name; otherwise a folder or a pattern led to it. */
  readonly named: boolean;
}

/** Files that were met and skipped. */
export interface Skipped {
  /** Larger variants: `photo@2x.png`, or `photo-800w.png` next to `photo.png`; and `photo.webp` where upres made it of that. */
  variants: number;
  /** Files that aren't pictures that upres reads, counted by extension (`.svg`; the empty string for none). */
  readonly others: Map<string, number>;
}

export interface Collection {
  /** Sorted by path, each file once. */
  readonly inputs: Input[];
  readonly skipped: Skipped;
  /** Arguments that lead to nothing, and folders that can't be read. */
  readonly errors: UpresError[];
}

export interface CollectOptions {
  /** Folder of outputs. What lies there isn't taken as input, unless the argument itself leads into it. */
  readonly out?: string;
}

/**
 * Finds the files that the arguments stand for. An argument that exists is a file or folder, whatever its letters; only then
 * may it be a pattern, so `photo[1].png` needs no escaping.
 */
export async function collect(args: readonly string[], options: CollectOptions = {}): Promise<Collection> {
  const found: Input[] = [];
  const errors: UpresError[] = [];
  // Once, however often it is named: it can't be read again.
  const standard = args.indexOf(standardStream);
  for (const arg of args.filter((one, at) => one !== standardStream || at === standard)) {
    try {
      const list = await expand(arg, errors);
      found.push(...(await withoutOutputs(list, arg, options.out)));
    } catch (error) {
      if (!(error instanceof UpresError)) throw error;
      errors.push(error);
    }
  }
  const { inputs, skipped } = await choose(unique(found));
  return { inputs, skipped, errors };
}

async function expand(arg: string, errors: UpresError[]): Promise<Input[]> {
  if (arg === standardStream) {
    return [{ path: arg, relative: arg, named: true, bytes: await readStandardInput() }];
  }
  const stats = await stat(arg).catch((cause: unknown) => {
    if (isMissing(cause)) return;
    throw readError(cause, arg);
  });
  if (stats?.isFile()) return [{ path: arg, relative: path.basename(arg), named: true }];
  if (stats?.isDirectory()) return expandFolder(arg, errors);
  if (stats) throw new UpresError('INPUT_UNREADABLE', `${arg} is neither a file nor a folder`, { file: arg });
  const pattern = path.sep === '\\' ? arg.replaceAll('\\', '/') : arg;
  if (!(await isPattern(pattern))) {
    throw new UpresError('INPUT_NOT_FOUND', `${arg} does not exist: check its name and the folder you are in`, {
      file: arg,
    });
  }
  const inputs = await expandPattern(pattern);
  if (inputs.length === 0) {
    throw new UpresError('INPUT_NOT_FOUND', `no file matches ${arg}`, { file: arg });
  }
  return inputs;
}

async function expandFolder(folder: string, errors: UpresError[]): Promise<Input[]> {
  const inputs: Input[] = [];
  for await (const found of walk(folder)) {
    if ('file' in found) inputs.push({ path: path.join(folder, found.file), relative: found.file, named: false });
    else errors.push(readError(found.cause, path.join(folder, found.folder)));
  }
  return inputs;
}

async function expandPattern(pattern: string): Promise<Input[]> {
  const base = await staticBase(pattern);
  const rest = base === '' ? pattern : pattern.slice(base.endsWith('/') ? base.length : base.length + 1);
  const { glob } = await import('tinyglobby');
  const files = await glob(rest, {
    cwd: base === '' ? '.' : base,
    expandDirectories: false,
    ignore: ['**/node_modules/**'],
  });
  return files.map((file) => ({ path: path.join(base, file), relative: path.normalize(file), named: false }));
}

/** Whether a name has wildcards. What knows them is loaded only where one could be: most names are plain. */
async function isPattern(name: string): Promise<boolean> {
  return /[^\w./ -]/.test(name) && (await import('tinyglobby')).isDynamicPattern(name);
}

/** The folders before the first part that has a wildcard: `img/photos/*.png` → `img/photos`. */
async function staticBase(pattern: string): Promise<string> {
  const { isDynamicPattern } = await import('tinyglobby');
  const parts = pattern.split('/');
  const first = parts.findIndex((part) => isDynamicPattern(part));
  // A brace may span slashes: {a/b,c}/d.png. Its first part has the opening brace only.
  const brace = parts.findIndex((part) => part.includes('{'));
  const end = brace >= 0 && (first < 0 || brace < first) ? brace : first;
  const base = parts.slice(0, Math.min(end < 0 ? parts.length - 1 : end, parts.length - 1)).join('/');
  return base === '' && pattern.startsWith('/') ? '/' : base;
}

async function withoutOutputs(inputs: Input[], arg: string, out: string | undefined): Promise<Input[]> {
  if (out === undefined) return inputs;
  const canonicalPath = canonicalPaths();
  const folder = await canonicalPath(out);
  const base = await canonicalPath((await isPattern(arg)) ? (await staticBase(arg)) || '.' : arg);
  if (isInside(base, folder)) return inputs;
  const kept: Input[] = [];
  for (const input of inputs) {
    if (input.named || !isInside(await canonicalPath(input.path), folder)) kept.push(input);
  }
  return kept;
}

/** The first mention decides where a file lies below `--out`; a later mention by name still makes it a named one. */
function unique(found: readonly Input[]): Input[] {
  const byPath = new Map<string, Input>();
  for (const input of found) {
    const key = input.bytes ? standardStream : path.resolve(input.path);
    const first = byPath.get(key);
    byPath.set(key, first ? { ...first, named: first.named || input.named } : input);
  }
  return [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

async function choose(found: readonly Input[]): Promise<{ inputs: Input[]; skipped: Skipped }> {
  const skipped: Skipped = { variants: 0, others: new Map() };
  const key = (input: Input, stem: string) => path.join(path.dirname(path.resolve(input.path)), stem);
  const stems = new Set(
    found.filter((input) => formatOfName(input.path)).map((input) => key(input, stemOf(input.path))),
  );
  const candidates = found.filter((input) => {
    if (!input.named && formatOfName(input.path) === undefined) {
      const ext = path.extname(input.path).toLowerCase();
      skipped.others.set(ext, (skipped.others.get(ext) ?? 0) + 1);
      return false;
    }
    const stem = stemOf(input.path);
    // The shell expands an unquoted *.png to names, last time's outputs among them: when the picture itself is named next to
    // its variant, a folder's rule holds.
    const { stem: base, density } = parseDensityName(path.basename(input.path));
    const denser = density > 1 && stems.has(key(input, base));
    const bare = withoutSize(stem);
    const sized = bare !== undefined && stems.has(key(input, bare));
    if (!denser && !sized) return true;
    skipped.variants++;
    return false;
  });
  // What a folder holds next to its sources, and what earlier runs have made.
  const roles = new Roles(OwnOutputs.of(process.cwd()));
  const inputs: Input[] = [];
  for (const input of candidates) {
    if (input.named || (await roles.of(input.path, () => readFile(input.path))) === 'source') inputs.push(input);
    else skipped.variants++;
  }
  return { inputs, skipped };
}
