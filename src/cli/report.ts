import { approximateOnly } from '../network/approximate.js';
import type { UpresError } from '../errors.js';
import type { Failed, Made } from './outcome.js';
import { overrideOf } from './overrides.js';
import { inputInWords, standardStream } from './streams.js';

/** One line of `--json` for an output. */
export interface OutputLine {
  readonly input: string;
  readonly output: string;
  /** Pixels; null for an original that can't be read. */
  readonly width: number | null;
  readonly height: number | null;
  /** More than 1 for an animation; absent for an original. */
  readonly frames?: number;
  /** Output width divided by source width. */
  readonly upscale: number;
  /** Null for an original or a picture made by hand, which no model touched. */
  readonly model: string | null;
  /** Why `--model auto` chose it; only where it chose. */
  readonly modelReason?: string;
  /** What computed it, where that was not the CPU. */
  readonly device?: string;
  /** 1 where the network looks too far for tiles that equal the whole; absent elsewhere. */
  readonly approximate?: 1;
  /** How far they are from it at most, in levels of 255; absent where it could not be tried. */
  readonly approximateBy?: number;
  /** From taking up the image to its file being in place; images in flight at the same time share the cores. */
  readonly ms: number;
  readonly bytes: number;
  /** Whether the result comes from the cache. */
  readonly cached: boolean;
  /** The picture made by hand that was taken instead of computing one; absent elsewhere. */
  readonly override?: string;
  /** Only where something stands in for the upscaled image, with the reason next to it. */
  readonly fallback?: 'original' | 'resize';
  readonly reason?: ErrorWords;
  /** What is odd about the source or was left behind; absent where there is nothing to say. */
  readonly notes?: readonly string[];
}

/** One line of `--json` for an input without an output. */
export interface ErrorLine {
  readonly input: string;
  readonly error: ErrorWords;
}

export interface ErrorWords {
  readonly code: string;
  readonly message: string;
}

export function outputLine(made: Made): OutputLine {
  return {
    input: made.job.input.path,
    output: made.output,
    width: made.width ?? null,
    height: made.height ?? null,
    ...(made.frames === undefined ? {} : { frames: made.frames }),
    upscale: Math.round(made.upscale * 1e4) / 1e4,
    model: made.model ?? null,
    ...(made.modelReason === undefined ? {} : { modelReason: made.modelReason }),
    ...deviceOf(made),
    ...approximateOnly(made),
    ms: Math.round(made.ms),
    bytes: made.bytes,
    cached: made.cached,
    ...(made.fallback ? {} : overrideOf(made.job)),
    ...(made.fallback ? { fallback: made.fallback.kind, reason: words(made.fallback.error) } : {}),
    ...(made.notes && made.notes.length > 0 ? { notes: made.notes } : {}),
  };
}

/** Said only where it is not what it usually is. */
function deviceOf({ device = 'cpu' }: Made): { device?: string } {
  return device === 'cpu' ? {} : { device };
}

export function errorLine({ input, error }: Omit<Failed, 'kind'>): ErrorLine {
  return { input, error: words(error) };
}

function words({ code, message }: UpresError): ErrorWords {
  return { code, message: inFlags(message) };
}

/** The floors below speak of options, the command's users of flags. */
function inFlags(message: string): string {
  return message
    .replaceAll('maxInputPixels', '--max-input-pixels')
    .replaceAll('maxOutputPixels', '--max-output-pixels')
    .replaceAll('maxFrames', '--max-frames')
    .replaceAll('animation=keep', '--animation keep')
    .replaceAll('memoryBudget', '--memory-budget')
    .replaceAll('acceptApproximation', '--accept-approximation');
}

/** An error for people: names the file, unless the message does already. */
export function errorText(input: string, error: UpresError): string {
  const { code, message } = words(error);
  const named = input !== standardStream && message.includes(input);
  return `${named ? message : `${inputInWords(input)}: ${message}`} [${code}]`;
}
