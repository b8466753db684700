import type { OnError } from '../asset/on-error.js';
import { formatTraits, outputFormats, type OutputFormat } from '../image/codec/formats.js';
import { maxUpscale, type Target } from '../image/target.js';
import { deviceChoices, type DeviceChoice } from '../network/device.js';
import { maxThreads } from '../network/pool/thread-count.js';
import { formatByWord, hasQuality } from '../asset/names.js';
import { amount, decimal, whole } from './amount.js';
import { suggestion } from '../suggest.js';
import { UsageError } from './usage-error.js';

/** Flags as commander hands them over: words, not yet understood. */
export interface RawOptions {
  out?: string;
  upscale?: string;
  width?: string;
  height?: string;
  minWidth?: string;
  model?: string;
  format?: string;
  quality?: string;
  lossless?: boolean;
  animation?: string;
  threads?: string;
  device?: string;
  onError?: string;
  colour?: string;
  color?: string;
  alpha?: string;
  maxInputPixels?: string;
  maxOutputPixels?: string;
  maxFrames?: string;
  overwrite?: boolean;
  json?: boolean;
  quiet?: boolean;
  /** A folder, or false for `--no-cache`. */
  cache?: string | boolean;
}

/** Flags, checked. */
export interface RunOptions {
  readonly target: Target;
  readonly out?: string;
  readonly model?: string;
  /** Each makes a file of its own; none means each input's own. */
  readonly formats: readonly OutputFormat[];
  readonly quality?: number;
  readonly lossless?: boolean;
  readonly animation?: 'keep' | 'first-frame';
  readonly threads?: number;
  readonly device?: DeviceChoice;
  readonly colour?: 'srgb' | 'keep';
  readonly alpha?: 'network' | 'bicubic';
  readonly maxInputPixels?: number;
  readonly maxOutputPixels?: number;
  readonly maxFrames?: number;
  readonly onError: OnError;
  readonly overwrite: boolean;
  readonly json: boolean;
  readonly quiet: boolean;
  /** Where results are cached; false for nowhere. */
  readonly cache?: string | false;
}

/** The largest side that a flag can ask for; what a format can hold is less, and checked later. */
const maxSide = 1_000_000;

function fail(message: string): never {
  throw new UsageError(message);
}

function parseUpscale(text: string): number {
  const value = decimal(text);
  if (value > 1 && value <= maxUpscale) return value;
  const reason = text.includes(',') ? '. Run upres once for each factor' : '';
  fail(`--upscale takes a number over 1 and up to ${maxUpscale}, such as 2 or 1.5, not "${text}"${reason}`);
}

function parsePixels(flag: string, text: string): number {
  return Math.round(amount(flag, text, 'a number of pixels', 1));
}

function parseFormat(text: string): OutputFormat {
  return (
    formatByWord(text.toLowerCase()) ??
    parseChoice('format', text, Object.fromEntries(outputFormats.map((format) => [format, format])))
  );
}

function parseChoice<T extends string>(flag: string, text: string, choices: Readonly<Record<string, T>>): T {
  const names = Object.keys(choices);
  const value = Object.hasOwn(choices, text.toLowerCase()) ? choices[text.toLowerCase()] : undefined;
  if (value !== undefined) return value;
  fail(
    `--${flag} takes ${names.slice(0, -1).join(', ')} or ${names.at(-1)!}, not "${text}".${suggestion(text, names)}`,
  );
}

function parseTarget(raw: RawOptions): Target {
  const given = (['upscale', 'width', 'height', 'minWidth'] as const).filter((key) => raw[key] !== undefined);
  const flags = given.map((key) => (key === 'minWidth' ? '--min-width' : `--${key}`));
  const exactSize = given.every((key) => key === 'width' || key === 'height');
  if (given.length > 1 && !exactSize) {
    fail(`${flags.join(' and ')} ask for different sizes: give one of them (only --width and --height go together)`);
  }
  if (raw.upscale !== undefined) return { upscale: parseUpscale(raw.upscale) };
  if (raw.minWidth !== undefined) return { minWidth: whole('--min-width', raw.minWidth, 1, maxSide, ' of pixels') };
  if (given.length === 0) return { upscale: 2 };
  return {
    ...(raw.width === undefined ? {} : { width: whole('--width', raw.width, 1, maxSide, ' of pixels') }),
    ...(raw.height === undefined ? {} : { height: whole('--height', raw.height, 1, maxSide, ' of pixels') }),
  };
}

function parseColour(raw: RawOptions): 'srgb' | 'keep' | undefined {
  if (raw.colour !== undefined && raw.color !== undefined)
    fail('--color is another spelling of --colour: give one of them');
  const text = raw.colour ?? raw.color;
  return text === undefined ? undefined : parseChoice('colour', text, { srgb: 'srgb', keep: 'keep' } as const);
}

function parseDevice(text: string): DeviceChoice {
  const choices = Object.fromEntries(deviceChoices.map((choice) => [choice, choice]));
  return parseChoice('device', text, choices);
}

/** The value without the keys that are undefined, which exact optional types don't allow. */
function defined<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T;
}

/**
 * Checks the flags against each other and turns their words into values. Looks at no file.
 * @throws UsageError
 */
export function parseOptions(raw: RawOptions): RunOptions {
  const formats = [...new Set(raw.format?.split(',').map((text) => parseFormat(text.trim())))];
  const quality = raw.quality === undefined ? undefined : whole('--quality', raw.quality, 1, 100);
  if (quality !== undefined && formats.length > 0 && !formats.some(hasQuality)) {
    fail(`--quality is for JPEG, WebP and AVIF: ${formats.join(' and ')} stores every pixel as it is`);
  }
  if (raw.lossless && quality !== undefined) fail('--lossless leaves no --quality to choose: give one of them');
  const lossy = formats.filter((format) => formatTraits[format].lossless === 'never');
  if (raw.lossless && lossy.length > 0) {
    fail(`--lossless is for WebP and AVIF (PNG and TIFF always are): ${lossy.join(' and ')} can't be`);
  }
  if (raw.out === '') fail('--out takes the name of a folder or file, not an empty word');
  if (raw.cache === '') fail('--cache takes the name of a folder, not an empty word');
  if (raw.model === '') fail('--model takes a label (see "upres models") or the path of a network, not an empty word');
  return defined<RunOptions>({
    target: parseTarget(raw),
    out: raw.out,
    model: raw.model,
    formats,
    quality,
    lossless: raw.lossless,
    animation:
      raw.animation === undefined
        ? undefined
        : parseChoice('animation', raw.animation, { keep: 'keep', 'first-frame': 'first-frame' } as const),
    threads: raw.threads === undefined ? undefined : whole('--threads', raw.threads, 1, maxThreads),
    device: raw.device === undefined ? undefined : parseDevice(raw.device),
    colour: parseColour(raw),
    alpha:
      raw.alpha === undefined
        ? undefined
        : parseChoice('alpha', raw.alpha, { network: 'network', bicubic: 'bicubic' } as const),
    maxInputPixels:
      raw.maxInputPixels === undefined ? undefined : parsePixels('--max-input-pixels', raw.maxInputPixels),
    maxOutputPixels:
      raw.maxOutputPixels === undefined ? undefined : parsePixels('--max-output-pixels', raw.maxOutputPixels),
    maxFrames: raw.maxFrames === undefined ? undefined : whole('--max-frames', raw.maxFrames, 1, maxSide, ' of frames'),
    onError:
      raw.onError === undefined
        ? 'fail'
        : parseChoice('on-error', raw.onError, { fail: 'fail', original: 'original', resize: 'resize' } as const),
    overwrite: raw.overwrite ?? false,
    json: raw.json ?? false,
    quiet: raw.quiet ?? false,
    cache: raw.cache === true ? undefined : raw.cache,
  });
}
