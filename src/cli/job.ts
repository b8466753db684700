import { chosenModel } from './check-model.js';
import { approximateOnly } from '../network/approximate.js';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { CachedResult, CachedUpscaler } from '../asset/cached-upscaler.js';
import { standIn } from '../asset/on-error.js';
import { isAlready } from '../asset/overrides.js';
import { readError, UpresError } from '../errors.js';
import type { OutputFormat } from '../image/codec/formats.js';
import { sniff, sniffLength } from '../image/codec/sniff.js';
import type { Source } from '../image/image-source.js';
import type { ResizeOptions, UpscaleOptions, Upscaler } from '../image/upscale.js';
import { formatOfName } from '../asset/names.js';
import { defined } from '../schema.js';
import { readStart } from '../quick-files.js';
import type { RunOptions } from './options.js';
import type { Made, Outcome } from './outcome.js';
import type { Job } from './plan.js';
import { inputInWords, standardStream, writeStandardOutput } from './streams.js';
import { type WriteOptions, writeOutput } from './write-output.js';
import { isAborted, throwIfAborted } from '../abort.js';

export interface JobContext {
  readonly upscaler: Upscaler;
  /** The same through the cache. */
  readonly cached: Pick<CachedUpscaler, 'upscale'>;
  readonly options: RunOptions;
  readonly write: Omit<WriteOptions, 'makeFolder'>;
  readonly signal: AbortSignal;
  /** @param fraction of this image that is through the network, 0..1 */
  readonly onProgress: (job: Job, fraction: number) => void;
}

/** Makes one output; those of one input share its source. Never rejects for anything that is wrong with the image or its place; only for faults of upres itself. */
export async function runJob(job: Job, source: Source, context: JobContext): Promise<Outcome> {
  const start = performance.now();
  try {
    throwIfAborted(context.signal);
    return await make(job, source, context, start);
  } catch (error) {
    if (context.signal.aborted) return { kind: 'stopped' };
    if (error instanceof UpresError) return { kind: 'failed', input: job.input.path, error };
    throw error;
  }
}

async function make(job: Job, input: Source, context: JobContext, start: number): Promise<Made> {
  const source = job.override ?? input;
  let result: Result;
  try {
    result = await resultOf(job, source, context);
  } catch (error) {
    if (context.signal.aborted) throw error;
    const { made, ...fallback } = await standIn(error, context.options.onError, {
      resize: async () =>
        deliver(job, context, await context.upscaler.resize(source, resizeOptions(job, context)), start),
      original: () => copyOriginal(job, context, error as UpresError, input, start),
    });
    return { ...made, fallback };
  }
  return deliver(job, context, result, start);
}

/** What a job comes to; without a model where it is a picture made by hand as it is. */
type Result = Pick<CachedResult, 'data' | 'format' | 'width' | 'height' | 'frames' | 'sourceWidth' | 'sourceHeight'> &
  Partial<CachedResult>;

async function resultOf(job: Job, source: Source, context: JobContext): Promise<Result> {
  const wanted = await wantedOf(job, context);
  const { override } = job;
  if (!override) return context.cached.upscale(source, wanted, job.input.path);
  try {
    const { format, width, height, frames } = await override.header();
    if (isAlready({ format, frames }, wanted.format ?? format, wanted.animation)) {
      const data = await override.bytes();
      return { data, format, width, height, frames, sourceWidth: width, sourceHeight: height };
    }
    return await context.cached.upscale(override, wanted);
  } catch (error) {
    if (!(error instanceof UpresError) || isAborted(error)) throw error;
    const { file } = override;
    throw new UpresError(error.code, `${file}, made by hand: ${error.message}`, { ...defined({ file }), cause: error });
  }
}

/** What is asked for, all of it. */
export async function wantedOf(job: Job, context: Omit<JobContext, 'cached'>): Promise<UpscaleOptions> {
  const { alpha } = context.options;
  // Said even where it is the source's own, as build tools do, so that they share results.
  const format = job.format ?? (await ownFormat(job.input.path));
  return { ...resizeOptions(job, context), ...defined({ model: chosenModel(context.options), alpha, format }) };
}

/** A source's format by its first bytes; undefined where that is for the decoder to say. */
async function ownFormat(file: string): Promise<OutputFormat | undefined> {
  try {
    // Nothing more of it: files wait for their turn before they are in memory.
    return sniff(await readStart(file, sniffLength)).format;
  } catch {
    // What is wrong with it, whoever reads all of it will say.
    return undefined;
  }
}

async function deliver(job: Job, context: JobContext, result: Result, start: number): Promise<Made> {
  // Nothing that was asked to stop may still appear.
  throwIfAborted(context.signal);
  const written = await put(job.output, result.data, job, context);
  const isOurs = result.model !== undefined;
  if (isOurs && job.output !== standardStream) await context.write.outputs?.add(result.data, result.hash);
  return {
    kind: 'made',
    job,
    output: job.output,
    width: result.width,
    height: result.height,
    sourcePixels: result.sourceWidth * result.sourceHeight * result.frames,
    outputPixels: result.width * result.height * result.frames,
    frames: result.frames,
    upscale: result.upscale ?? 1,
    ...networkOf(job, result),
    ...approximateOnly(result),
    ms: performance.now() - start,
    bytes: result.data.byteLength,
    unchanged: written === 'unchanged',
    cached: result.cached ?? false,
    notes: [
      ...namedOtherwise(job, result),
      ...(result.warnings ?? []).map((warning) => `${inputInWords(job.input.path)}: ${warning}`),
    ],
  };
}

function networkOf(
  { override }: Job,
  { model, modelReason, device }: Result,
): Pick<Made, 'model' | 'modelReason' | 'device'> {
  return { model: undefined, ...(override ? {} : defined({ model, modelReason, device })) };
}

async function put(
  output: string,
  bytes: Uint8Array,
  { makeFolder }: Job,
  { write }: JobContext,
): Promise<'written' | 'unchanged'> {
  if (output !== standardStream) return writeOutput(output, bytes, { ...write, makeFolder });
  await writeStandardOutput(bytes);
  return 'written';
}

function namedOtherwise({ input, output }: Job, { format }: Result): string[] {
  const promised = formatOfName(output);
  if (promised === undefined || promised === format) return [];
  return [`${input.path} holds a ${format} image whatever its name says, and so does ${output}`];
}

async function copyOriginal(
  job: Job,
  context: JobContext,
  error: UpresError,
  source: Source,
  start: number,
): Promise<Made> {
  // Another input has that name, or this one itself: it is there already, or would be lost.
  if (job.original === undefined) throw error;
  // Read anew, since an empty file is no source, and still an original.
  const bytes =
    job.input.bytes ??
    (await readFile(job.input.path).catch((cause: unknown) => {
      throw readError(cause, job.input.path);
    }));
  throwIfAborted(context.signal);
  const written = await put(job.original, bytes, job, context);
  const info = await source.header().catch(() => undefined);
  const pixels = info ? info.width * info.height * info.frames : 0;
  return {
    kind: 'made',
    job,
    output: path.normalize(job.original),
    width: info?.width,
    height: info?.height,
    sourcePixels: pixels,
    outputPixels: pixels,
    upscale: 1,
    model: undefined,
    ms: performance.now() - start,
    bytes: bytes.byteLength,
    unchanged: written === 'unchanged',
    cached: false,
  };
}

function resizeOptions(
  job: Job,
  { options, signal, onProgress }: Pick<JobContext, 'options' | 'signal' | 'onProgress'>,
): ResizeOptions {
  return {
    ...pictureOptions(job, options),
    ...defined({ device: options.device }),
    signal,
    onProgress: ({ donePixels, totalPixels }) => {
      onProgress(job, totalPixels > 0 ? donePixels / totalPixels : 0);
    },
  };
}

/** What is asked for, whatever computes it. */
export function pictureOptions(job: Job, options: RunOptions): ResizeOptions {
  const { colour, lossless, animation, maxInputPixels, maxOutputPixels, maxFrames } = options;
  return {
    ...(job.override ? { upscale: 1 } : options.target),
    ...defined({ format: job.format, quality: job.quality, lossless, animation, colour }),
    ...defined({ maxInputPixels, maxOutputPixels, maxFrames }),
  };
}
