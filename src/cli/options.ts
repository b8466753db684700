import { sharedCacheOptions, type CacheOption } from '../asset/cache/cache-option.js';
import { formatWord } from '../asset/directives.js';
import { formatByWord, hasQuality } from '../asset/names.js';
import { onErrorChoice, type OnError } from '../asset/on-error.js';
import { formatTraits, type OutputFormat } from '../image/codec/formats.js';
import { computingOptions } from '../model/catalogue/computing.js';
import { upscaleOptions } from '../image/options.js';
import { maxUpscale, targetOptions, type Target } from '../image/target.js';
import { threadCount } from '../network/pool/thread-count.js';
import { defined, number, options, text, type OptionsSchema, type Schema, type TypeOf } from '../schema.js';
import { farmLocation, type FarmLocation } from '../server/farm/farm-location.js';
import { flagValue } from './flag-value.js';
import { UsageError } from './usage-error.js';

const { quality, animation, device, colour, alpha, maxInputPixels, maxOutputPixels, maxFrames } =
  upscaleOptions.properties;
const { memoryBudget } = computingOptions.properties;

/** Flags that stand for one option each, by the schema of that option. */
const valueFlags = options({
  model: text('a label (see "upres models") or the path of a network'),
  quality,
  animation,
  threads: threadCount,
  device,
  onError: onErrorChoice,
  colour,
  alpha,
  maxInputPixels,
  maxOutputPixels,
  maxFrames,
  memoryBudget,
});
type ValueFlag = keyof typeof valueFlags.properties;

const targetFlags = options({ ...targetOptions.properties, upscale: number({ above: 1, to: maxUpscale }) });
type TargetFlag = keyof typeof targetFlags.properties;

/** Flags as commander hands them over: words, not yet understood. */
export type RawOptions = Partial<Record<ValueFlag | TargetFlag | 'out' | 'format' | 'color', string>> &
  Partial<Record<'lossless' | 'overwrite' | 'dryRun' | 'json' | 'quiet' | 'acceptApproximation', boolean>> & {
    /** A folder, or false for `--no-cache`. */
    cache?: string | boolean;
    remoteCache?: string;
    remoteCacheMode?: string;
    queue?: string;
    storage?: string;
  };

/** Flags, checked. */
export interface RunOptions extends TypeOf<typeof valueFlags> {
  readonly target: Target;
  readonly out?: string;
  /** Each makes a file of its own; none means each input's own. */
  readonly formats: readonly OutputFormat[];
  readonly lossless?: boolean;
  readonly acceptApproximation?: boolean;
  readonly onError: OnError;
  readonly overwrite: boolean;
  /** Nothing is computed or written. */
  readonly dryRun: boolean;
  readonly json: boolean;
  readonly quiet: boolean;
  /** Where results are cached; false for nowhere. */
  readonly cache?: CacheOption;
  /** Whose workers compute; absent where this machine does. */
  readonly farm?: FarmLocation;
}

function fail(message: string): never {
  throw new UsageError(message);
}

/** The values of the flags of a kind that were given. */
function valuesOf<T>({ properties }: OptionsSchema & Schema<T>, raw: RawOptions): T {
  const given = Object.entries(properties).flatMap(([name, schema]) => {
    const written = raw[name as ValueFlag | TargetFlag];
    return written === undefined ? [] : [[name, flagValue(flagOf(name), schema, written)]];
  });
  return Object.fromEntries(given) as T;
}

const flagOf = (option: string): string => `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

function parseTarget(raw: RawOptions): Target {
  if (raw.upscale?.includes(','))
    fail(`--upscale takes one factor, not "${raw.upscale}". Run upres once for each factor`);
  const target = valuesOf(targetFlags, raw);
  const given = Object.keys(target);
  if (given.length > 1 && !given.every((name) => name === 'width' || name === 'height')) {
    const flags = given.map(flagOf).join(' and ');
    fail(`${flags} ask for different sizes: give one of them (only --width and --height go together)`);
  }
  return given.length === 0 ? { upscale: 2 } : target;
}

function parseFormats(written: string | undefined): readonly OutputFormat[] {
  const formats = written?.split(',').map((word) => {
    return formatByWord(flagValue('--format', formatWord, word.trim()))!;
  });
  return [...new Set(formats)];
}

/** @throws UsageError */
export function parseCache({
  cache,
  remoteCache,
  remoteCacheMode,
}: Pick<RawOptions, 'cache' | 'remoteCache' | 'remoteCacheMode'>): CacheOption | undefined {
  const folder = cache === true ? undefined : cache;
  if (remoteCache === undefined && remoteCacheMode === undefined) return folder;
  if (folder === false) fail('--no-cache and a remote cache contradict each other: give one of them');
  const { remote, mode } = sharedCacheOptions.properties;
  return {
    ...defined({
      folder,
      remote: remoteCache === undefined ? undefined : flagValue('--remote-cache', remote, remoteCache),
    }),
    ...defined({
      mode: remoteCacheMode === undefined ? undefined : flagValue('--remote-cache-mode', mode, remoteCacheMode),
    }),
  };
}

function parseFarm({ queue, storage }: RawOptions): FarmLocation | undefined {
  if (queue === undefined && storage === undefined) return undefined;
  if (queue === undefined || storage === undefined) fail('--queue and --storage are both of a farm: give both of them');
  const { properties } = farmLocation;
  return {
    queue: flagValue('--queue', properties.queue, queue),
    storage: flagValue('--storage', properties.storage, storage),
  };
}

/**
 * Checks the flags against each other and turns their words into values. Looks at no file.
 * @throws UsageError
 */
export function parseOptions(raw: RawOptions): RunOptions {
  if (raw.colour !== undefined && raw.color !== undefined) {
    fail('--color is another spelling of --colour: give one of them');
  }
  const values = valuesOf(valueFlags, defined({ ...raw, colour: raw.colour ?? raw.color }));
  const { quality } = values;
  const formats = parseFormats(raw.format);
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
  return {
    onError: 'fail',
    ...values,
    target: parseTarget(raw),
    formats,
    ...defined({ out: raw.out, lossless: raw.lossless, acceptApproximation: raw.acceptApproximation }),
    ...defined({ cache: parseCache(raw), farm: parseFarm(raw) }),
    overwrite: raw.overwrite ?? false,
    dryRun: raw.dryRun ?? false,
    json: raw.json ?? false,
    quiet: raw.quiet ?? false,
  };
}
