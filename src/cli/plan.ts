import { stat } from 'node:fs/promises';
import path from 'node:path';
import { canonicalPaths } from './canonical.js';
import type { Input } from './collect.js';
import { requirePipedOutput, standardStream } from './streams.js';
import { extensionFor, formatOfName, hasQuality } from '../asset/names.js';
import { outputName } from './naming.js';
import type { RunOptions } from './options.js';
import type { OutputFormat } from '../image/codec/formats.js';
import { sniff } from '../image/codec/sniff.js';
import type { Source } from '../image/image-source.js';
import { UsageError } from './usage-error.js';

/** One image to make. */
export interface Job {
  readonly input: Input;
  /** Path of the output, spelled like the input's; `-` for standard output. */
  readonly output: string;
  /** The format asked for; undefined means the input's own. */
  readonly format?: OutputFormat;
  readonly quality?: number;
  /** The output's folder may be missing and is then made; next to the input a missing folder means that it has vanished. */
  readonly makeFolder: boolean;
  /** A picture made by hand next to the input, which is what the output is made of. */
  readonly override?: Source;
  /** Where the input's own bytes go when it can't be upscaled; undefined when that would be another file's place. */
  readonly original?: string;
}

/** An output that has no place of its own. */
export interface Collision {
  readonly output: string;
  /** The inputs that would be written there, and the one that lies there. */
  readonly inputs: readonly string[];
  /** What is not done for that reason: whichever came last would be left, or an input would be lost. */
  readonly jobs: readonly Job[];
}

export interface Plan {
  /** Those without a collision. */
  readonly jobs: Job[];
  readonly collisions: Collision[];
}

/** Decides the output of every input, and finds those that would meet. */
export async function plan(inputs: readonly Input[], options: RunOptions): Promise<Plan> {
  const file = await outputFile(inputs, options);
  const formats = options.formats.length > 0 ? options.formats : [undefined];
  const drafts = inputs.flatMap((input) => formats.map((format) => draft(input, options, format, file)));
  const collisions = await findCollisions(drafts);
  const colliding = new Set(collisions.flatMap(({ jobs }) => jobs));

  const taken = new Set(inputs.flatMap(({ bytes, path: p }) => (bytes ? [] : [path.resolve(p)])));
  const jobs = drafts
    .filter((job) => !colliding.has(job))
    .map((job) => {
      const original = originalPath(job);
      return taken.has(path.resolve(original)) ? job : { ...job, original };
    });
  return { jobs, collisions };
}

/** Pictures of other kinds, known only so that a name like `out.bmp` isn't taken for a folder's. */
const foreignExtensions = new Set(['.svg', '.bmp', '.heic', '.heif', '.jxl', '.jp2', '.ico', '.psd', '.tga', '.apng']);

/** `--out` when it names a file rather than a folder; `-` for standard output. */
async function outputFile(inputs: readonly Input[], options: RunOptions): Promise<string | undefined> {
  const { formats, json } = options;
  const piped = inputs.some(({ bytes }) => bytes);
  const { out = piped && inputs.length === 1 ? standardStream : undefined } = options;
  if (out === standardStream) {
    requireOneInput(inputs, '--out - is standard output, which takes one picture');
    if (formats.length > 1) throw new UsageError(`standard output takes one picture, not ${formats.join(' and ')}`);
    if (json) throw new UsageError('--json prints to standard output, and so does --out -: name a file with --out');
    requirePipedOutput();
    return out;
  }
  const file = out === undefined ? undefined : await namedFile(inputs, out, formats);
  if (file === undefined && piped) {
    throw new UsageError('what comes through standard input has no name: give --out the name of a file, or - alone');
  }
  return file;
}

async function namedFile(
  inputs: readonly Input[],
  out: string,
  formats: readonly OutputFormat[],
): Promise<string | undefined> {
  const stats = await stat(out).catch(() => undefined);
  if (stats?.isDirectory() === true || /[\\/]$/.test(out)) return undefined;
  const promised = formatOfName(out);
  if (promised === undefined) {
    if (foreignExtensions.has(path.extname(out).toLowerCase())) {
      throw new UsageError(
        `--out ${out}: upres doesn't write ${path.extname(out)} files, only PNG, JPEG, WebP, AVIF, GIF and TIFF`,
      );
    }
    if (stats)
      throw new UsageError(`--out ${out} is a file, and its name is no image's: give a folder or the name of an image`);
    return undefined;
  }
  requireOneInput(inputs, `--out ${out} names one file`);
  if (formats.some((format) => format !== promised)) {
    throw new UsageError(
      `--out ${out} and --format ${formats.join(',')} ask for different formats: leave --format out`,
    );
  }
  return out;
}

function requireOneInput(inputs: readonly Input[], why: string): void {
  if (inputs.length <= 1 && inputs.every(({ named }) => named)) return;
  const reason =
    inputs.length > 1 ? `there are ${inputs.length} inputs` : 'a folder or pattern may lead to many inputs';
  throw new UsageError(`${why}, but ${reason}: give a folder`);
}

function draft(
  input: Input,
  { target, out, quality }: RunOptions,
  format: OutputFormat | undefined,
  file: string | undefined,
): Job {
  const folder = out === undefined ? path.dirname(input.path) : path.join(out, path.dirname(input.relative));
  const output = file ?? path.join(folder, outputName(path.basename(input.path), target, format));
  const chosen = file === undefined || file === standardStream ? format : formatOfName(file);
  const written = chosen ?? formatOfName(output) ?? formatOfInput(input);
  return {
    input,
    output,
    makeFolder: out !== undefined,
    ...(chosen === undefined ? {} : { format: chosen }),
    // A folder holds PNGs and JPEGs side by side: the quality is for those that have one.
    ...(quality !== undefined && written !== undefined && hasQuality(written) ? { quality } : {}),
  };
}

/** By its name, which is all that is known of a file before its turn. */
function formatOfInput({ bytes, path: file }: Input): OutputFormat | undefined {
  return bytes ? sniff(bytes).format : formatOfName(file);
}

/** The output's path with the input's extension, unless it has an extension of that format already. */
function originalPath({ input, output }: Job): string {
  const own = formatOfInput(input);
  if (output === standardStream) return output;
  if (own !== undefined && formatOfName(output) === own) return output;
  const { dir, name } = path.parse(output);
  return path.join(dir, name + (path.extname(input.path) || (own === undefined ? '' : extensionFor(own))));
}

/** Outputs that meet each other or an input; on file systems that don't tell case apart, without telling it either. */
async function findCollisions(jobs: readonly Job[]): Promise<Collision[]> {
  const foldCase = process.platform === 'darwin' || process.platform === 'win32';
  const canonicalPath = canonicalPaths();
  const keyOf = async (file: string) => {
    const canonical = await canonicalPath(file);
    return foldCase ? canonical.normalize('NFC').toLowerCase() : canonical;
  };
  const sources = new Map<string, string>();
  for (const { input } of jobs) if (!input.bytes) sources.set(await keyOf(input.path), input.path);
  const byOutput = new Map<string, Job[]>();
  for (const job of jobs) {
    if (job.output === standardStream) continue;
    const key = await keyOf(job.output);
    byOutput.set(key, [...(byOutput.get(key) ?? []), job]);
  }
  const collisions: Collision[] = [];
  for (const [key, meeting] of byOutput) {
    const inputs = meeting.map(({ input }) => input.path);
    const source = sources.get(key);
    if (source !== undefined && !inputs.includes(source)) inputs.push(source);
    if (meeting.length > 1 || source !== undefined)
      collisions.push({ output: meeting[0]!.output, inputs, jobs: meeting });
  }
  return collisions;
}

/** The words for a collision. */
export function describeCollision({ output, inputs }: Collision): string {
  if (inputs.length === 1) return `${output} is its own source: choose another name or folder with --out`;
  return inputs.includes(output)
    ? `${inputs.filter((input) => input !== output).join(' and ')} would be written over ${output}, which is an input too`
    : `${inputs.join(' and ')} would be written to the same file, ${output}: upscale them one by one, or into different folders with --out`;
}
