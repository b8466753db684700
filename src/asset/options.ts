import { computedBy, ownModel, type OwnModel } from '../model/catalogue/colours.js';
import { computingOptions } from '../model/catalogue/computing.js';
import { UpresError } from '../errors.js';
import { autoModel } from '../image/auto/auto-model.js';
import { formatTraits, type QualityOptions, type OutputFormat } from '../image/codec/formats.js';
import { limitOptions } from '../image/limits.js';
import { qualityRating } from '../image/options.js';
import { builtinLabels, isBuiltinLabel, insteadOf } from '../model/catalogue/registry.js';
import { deviceChoice } from '../network/device.js';
import { threadCount } from '../network/pool/thread-count.js';
import {
  check,
  defined,
  either,
  flag,
  oneOrMany,
  options,
  record,
  text,
  type OptionsSchema,
  type Schema,
  type TypeOf,
} from '../schema.js';
import { suggestion } from '../suggest.js';
import { cacheOption } from './cache/cache-option.js';
import { checkDirectives, directives, parseDirectives, type Directives } from './directives.js';
import { onErrorChoice } from './on-error.js';
import { leftoversChoice } from './written-urls.js';

export type { OnError } from './on-error.js';

const qualityOption = either(
  'a whole number from 1 to 100, or such numbers by format: { jpeg, webp, avif }',
  qualityRating,
  options({
    /** For JPEG. */
    jpeg: qualityRating,
    /** For WebP. */
    webp: qualityRating,
    /** For AVIF. */
    avif: qualityRating,
  }),
);

/** Quality for all formats that have one, or for each. */
export type QualityOption = TypeOf<typeof qualityOption>;

export const glob = text('a glob');
export const globs = oneOrMany(glob);

/** How an asset is enlarged: of all assets, or of those of a rule. */
const enlargement = {
  /**
   * A label: the network to take. `auto` is the built-in one that suits the picture.
   * @default `auto`
   */
  model: directives.properties.model,
  /**
   * What takes the place of an image that fails: nothing, its own bytes (`original`) or a plain resize (`resize`), both with a
   * warning. Where the network itself is missing or damaged, nothing does.
   * @default `fail`
   */
  onError: onErrorChoice,
  /**
   * The most pixels of one file, all frames counted.
   * @default 400 million
   */
  maxOutputPixels: limitOptions.properties.maxOutputPixels,
};

/** How it is encoded. */
const encoding = {
  /**
   * For JPEG, WebP and AVIF, 1 to 100: a number, or one for each: `{ webp: 80 }`.
   * @default 85 for JPEG, 82 for WebP, 60 for AVIF
   */
  quality: qualityOption,
  /**
   * Whether WebP and AVIF are written without loss, whatever their quality here; other formats have no choice.
   * @default as the source, where that is of the same format
   */
  lossless: directives.properties.lossless,
  /**
   * `keep`: an animation that would become a still, as in a JPEG, is an error. `first-frame`: animations become stills.
   * @default kept where the format has them; elsewhere the first frame is used, with a warning
   */
  animation: directives.properties.animation,
};

/** What is left of the options for a tool that says itself which pictures, in which sizes, formats and qualities. */
export const enlargingOptions = {
  ...enlargement,
  /**
   * Networks of your own by label: paths of their files (ONNX, or a format that is imported), relative to the root, with what their
   * numbers mean where that is not found, and how they may be computed:
   * `{ mine: './mine.onnx', other: { file: './other.onnx', range: [0, 255], order: 'BGR', acceptApproximation: true } }`.
   * @default `{}`
   */
  models: record('networks by label', ownModel),
  /**
   * For networks of your own that don't say it themselves: allows tiles where one looks at the whole picture in a way that can't be put
   * together from parts (attention, normalisation); seams may show. Without it, pictures that have no room are refused.
   * @default `false`
   */
  acceptApproximation: computingOptions.properties.acceptApproximation,
  /**
   * For networks of your own that don't say it themselves: bytes of activations that each thread may hold for a tile.
   * @default 256 MiB
   */
  memoryBudget: computingOptions.properties.memoryBudget,
  /**
   * The folder of results, which all tools share; `false` for none. `{ remote, mode, token, key, folder }` looks for results in a
   * cache that others share, too.
   * @default `node_modules/.cache/upres`
   */
  cache: cacheOption,
  /**
   * Threads that compute networks, 1 to 256.
   * @default one for each core
   */
  threads: threadCount,
  /**
   * What computes networks: `cpu`, `wasm`, `webgpu`, `cuda`, `dml`, `coreml`, or `auto` for the fastest one that works. Results of another
   * device may differ in the last bit, and have places of their own in the cache.
   * @default `cpu`, or `wasm` where native code can't be loaded; `UPRES_DEVICE`
   */
  device: deviceChoice,
};

const ruleOptions = options({
  /**
   * Globs relative to the project's root: the files that the rule is for.
   * @default every file
   */
  include: globs,
  /** Globs relative to the project's root: files that the rule is not for. */
  exclude: globs,
  /** Pixels relative to the source, each 1 to 8; several mean densities. */
  upscale: directives.properties.upscale,
  /** The larger of the source's width and this one, in pixels. */
  minWidth: directives.properties.minWidth,
  /** One format, or several where a picture is wanted in each. */
  format: directives.properties.format,
  ...enlargement,
  ...encoding,
});

/** Directives that hold for assets whose path matches, where the asset's own say nothing. */
export interface DefaultRule extends TypeOf<typeof ruleOptions> {}

export const assetOptions = options({
  /**
   * What holds for paths, one rule or a list of them; the first that matches and names a thing decides it:
   * `{ include, exclude, upscale, minWidth, model, format, quality, lossless, animation, maxOutputPixels, onError }`.
   * @default `[]`
   */
  defaults: oneOrMany(ruleOptions),
  /**
   * Directives by name, as an object or as a query: `{ hero: 'upscale=1;2&as=img' }`, used as `?upscale&preset=hero`.
   * @default `{}`
   */
  presets: record(
    'directives by name',
    either('directives, as a query or an object', text('a query of directives'), directives),
  ),
  ...enlargingOptions,
  ...encoding,
  /**
   * Writes a page with before and after of each image: `true` for `upres-report.html` in the root, or a path.
   * @default `false`
   */
  report: either('true, false or a file', flag, text('a file')),
});

/** Options of plugins that see what their bundler writes. */
export const bundlerOptions = options({
  ...assetOptions.properties,
  /**
   * What a directive is that is still in what the bundler writes, so that browsers would get the small image: the build fails
   * (`error`), it warns (`warn`), or nothing (`ignore`).
   * @default `error`
   */
  leftovers: leftoversChoice,
});

/** Options that all build tools share. */
export interface AssetOptions extends TypeOf<typeof assetOptions> {}

/**
 * Checks options as a user gave them.
 * @param schema of all options that a tool has
 * @throws BAD_ARGUMENT with a suggestion for a misspelt name
 */
export function checkAssetOptions(given: AssetOptions, schema: Schema<AssetOptions> = assetOptions): void {
  check(schema, given);
  for (const label of Object.keys(given.models ?? {})) {
    if (label === autoModel || isBuiltinLabel(label)) {
      throw new UpresError('BAD_ARGUMENT', `models: "${label}" is the label of a built-in network; choose another`);
    }
  }
  checkModel(given.model, given.models);
  for (const { model, upscale, minWidth } of rulesOf(given)) {
    checkModel(model, given.models);
    checkDirectives(defined({ upscale, minWidth }));
  }
  for (const name of Object.keys(given.presets ?? {})) presetOf(given, name);
}

/**
 * The same for a tool that has only {@link enlargingOptions} and some of its own.
 * @param others what says the rest, as in `Astro's own components say it`
 * @throws BAD_ARGUMENT with a suggestion
 */
export function checkEnlargingOptions(given: AssetOptions, schema: OptionsSchema, others: string): void {
  // What is no object at all is refused below.
  for (const name of Object.keys(Object(given) as object)) {
    if (name in assetOptions.properties && !(name in schema.properties)) {
      throw new UpresError('BAD_ARGUMENT', `the option "${name}" has no meaning here: ${others}`);
    }
  }
  checkAssetOptions(given, schema);
}

/** The rules in their order. */
export function rulesOf({ defaults = [] }: AssetOptions): readonly DefaultRule[] {
  return [defaults].flat();
}

/**
 * The directives of a preset.
 * @throws BAD_ARGUMENT when there is none of that name
 */
export function presetOf({ presets = {} }: AssetOptions, name: string): Directives {
  const preset = Object.hasOwn(presets, name) ? presets[name] : undefined;
  if (preset === undefined) {
    throw new UpresError('BAD_ARGUMENT', `there is no preset "${name}".${suggestion(name, Object.keys(presets))}`);
  }
  const found = typeof preset === 'string' ? parseDirectives(preset) : checkDirectives(preset);
  if (found.preset !== undefined) {
    throw new UpresError('BAD_ARGUMENT', `the preset "${name}" names a preset: only assets can`);
  }
  return found;
}

/** What one place asks for, for files of any format. */
export interface AssetQualityOptions {
  readonly quality?: QualityOption | undefined;
  readonly lossless?: boolean | undefined;
}

/**
 * How a file of a format is to be encoded, as far as the format has a choice: what is undefined is the encoder's.
 * @param options in the order in which they count
 */
export function encodingFor(
  format: OutputFormat,
  ...options: readonly (AssetQualityOptions | undefined)[]
): QualityOptions {
  const traits = formatTraits[format];
  if (traits.quality === undefined) return {};
  let lossless: boolean | undefined;
  for (const option of options) {
    if (traits.lossless === 'choice') lossless ??= option?.lossless;
    if (lossless) return { lossless };
    const quality = typeof option?.quality === 'object' ? option.quality[format as 'webp'] : option?.quality;
    if (quality !== undefined) return defined({ quality, lossless });
  }
  return defined({ lossless });
}

/**
 * Checks that a label is registered.
 * @throws BAD_ARGUMENT; a path is refused, since queries come from sources that anybody may edit
 */
export function checkModel(label: string | undefined, models: AssetOptions['models'] = {}): void {
  if (label === undefined || Object.hasOwn(models, label) || label === autoModel || isBuiltinLabel(label)) return;
  const labels = [autoModel, ...builtinLabels().map((builtin) => builtin.label), ...Object.keys(models)];
  throw new UpresError(
    'BAD_ARGUMENT',
    `there is no model "${label}".${insteadOf(label, labels)} Models of your own are registered in the option "models".`,
  );
}

/** The network behind a label of the user's own, and how it may be computed. */
export function ownModelOf(options: AssetOptions, label: string): OwnModel | undefined {
  const { models = {} } = options;
  return Object.hasOwn(models, label) ? computedBy(models[label]!, options) : undefined;
}
