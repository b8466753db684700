import { UpresError } from '../errors.js';
import { autoModel } from '../image/auto/auto-model.js';
import { formatTraits, outputFormats, type OutputFormat } from '../image/codec/formats.js';
import { defaultMaxOutputPixels, resolveLimit } from '../image/limits.js';
import { builtinLabels } from '../model/catalogue/registry.js';
import { checkDevice, deviceChoices, type DeviceChoice } from '../network/device.js';
import { resolveThreads } from '../network/pool/thread-count.js';
import { suggestion } from '../suggest.js';
import { checkDirectives, parseDirectives, type Directives, type LooseDirectives } from './directives.js';
import { onErrorChoices, type OnError } from './on-error.js';

export { deviceChoices };

export type { OnError } from './on-error.js';

/** Quality for all formats that have one, or for each. */
export type QualityOption = number | Readonly<Partial<Record<'jpeg' | 'webp' | 'avif', number>>>;

/** Directives that hold for assets whose path matches, where the asset's own say nothing. */
export interface DefaultRule {
  /** Globs relative to the project's root; default: every asset. */
  readonly include?: string | readonly string[];
  readonly exclude?: string | readonly string[];
  readonly upscale?: number | readonly number[];
  readonly minWidth?: number;
  readonly model?: string;
  readonly format?: string | readonly string[];
  readonly quality?: QualityOption;
  readonly maxOutputPixels?: number;
  readonly onError?: OnError;
}

/** Options that all build tools share. */
export interface AssetOptions {
  /** Rules by path; the first that matches and names a field gives it. */
  readonly defaults?: DefaultRule | readonly DefaultRule[];
  /** Directives by name, as an object or as a query: `{ hero: 'upscale=1;2&format=webp' }`. */
  readonly presets?: Readonly<Record<string, string | LooseDirectives>>;
  /** Networks of your own by label: paths of their files (ONNX, or a format that is imported), relative to the root. */
  readonly models?: Readonly<Record<string, string>>;
  /** A label, or `auto` (the default) for the built-in network that suits the picture. */
  readonly model?: string;
  readonly quality?: QualityOption;
  /** Default `fail`. */
  readonly onError?: OnError;
  /** Pixels of one variant, all frames counted; default 400 million. */
  readonly maxOutputPixels?: number;
  /** The folder of the cache; `false` for none. Default: `node_modules/.cache/upres`. */
  readonly cache?: string | false;
  /** Threads that compute networks; default: one for each core. */
  readonly threads?: number;
  /**
   * What computes networks: `cpu` (the default), `webgpu`, `cuda`, `dml`, `coreml`, or `auto` for the fastest one that works.
   * Results of another device may differ in the last bit, and have places of their own in the cache.
   */
  readonly device?: DeviceChoice;
  /** Writes a page with before and after of every asset: `true` for `upres-report.html` in the root, or a path. */
  readonly report?: boolean | string;
}

/** Names of the options, for checking. */
export const assetOptionNames = [
  'defaults',
  'presets',
  'models',
  'model',
  'quality',
  'onError',
  'maxOutputPixels',
  'cache',
  'threads',
  'device',
  'report',
] as const satisfies readonly (keyof AssetOptions)[];

const ruleNames = [
  'include',
  'exclude',
  'upscale',
  'minWidth',
  'model',
  'format',
  'quality',
  'maxOutputPixels',
  'onError',
] as const satisfies readonly (keyof DefaultRule)[];

/**
 * Checks options as a user gave them.
 * @param extra names of options that one tool has beside the common ones
 * @throws BAD_ARGUMENT with a suggestion for a misspelt name
 */
export function checkAssetOptions(options: AssetOptions, extra: readonly string[] = []): void {
  checkNames('option', options, [...assetOptionNames, ...extra]);
  checkOnError(options.onError);
  checkQualityOption(options.quality);
  checkModels(options.models);
  checkModel(options.model, options.models);
  resolveLimit('maxOutputPixels', options.maxOutputPixels, defaultMaxOutputPixels);
  resolveThreads(options.threads);
  if (options.device !== undefined) checkDevice(options.device);
  checkPath('cache', options.cache, 'a folder, or false');
  checkPath('report', options.report, 'true, false or a file');
  for (const rule of rulesOf(options)) {
    checkNames('option of defaults', rule, ruleNames);
    checkOnError(rule.onError);
    checkQualityOption(rule.quality);
    checkModel(rule.model, options.models);
    resolveLimit('maxOutputPixels', rule.maxOutputPixels, defaultMaxOutputPixels);
    const { upscale, minWidth, format } = rule;
    checkDirectives({
      ...(upscale === undefined ? {} : { upscale }),
      ...(minWidth === undefined ? {} : { minWidth }),
      ...(format === undefined ? {} : { format }),
    });
  }
  for (const name of Object.keys(options.presets ?? {})) presetOf(options, name);
}

function checkModels(models: AssetOptions['models'] = {}): void {
  for (const [label, path] of Object.entries(models)) {
    if (label === autoModel || builtinLabels().some((builtin) => builtin.label === label)) {
      throw new UpresError('BAD_ARGUMENT', `models: "${label}" is the label of a built-in network; choose another`);
    }
    if (typeof path !== 'string' || path === '') {
      throw new UpresError('BAD_ARGUMENT', `models: "${label}" must be the path of a network's file`);
    }
  }
}

/** An empty path would be the root itself. */
function checkPath(name: 'cache' | 'report', value: boolean | string | undefined, what: string): void {
  const allowed = typeof value === 'string' ? value !== '' : value !== true || name === 'report';
  if (!allowed) throw new UpresError('BAD_ARGUMENT', `${name} must be ${what}, not ${JSON.stringify(value)}`);
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
  const directives = typeof preset === 'string' ? parseDirectives(preset) : checkDirectives(preset);
  if (directives.preset !== undefined) {
    throw new UpresError('BAD_ARGUMENT', `the preset "${name}" names a preset: only assets can`);
  }
  return directives;
}

/** The quality for a format; undefined leaves it to the encoder's default, and where there is no such thing. */
export function qualityFor(format: OutputFormat, ...wishes: (QualityOption | undefined)[]): number | undefined {
  if (formatTraits[format].quality === undefined) return undefined;
  for (const wish of wishes) {
    const quality = typeof wish === 'object' ? wish[format as keyof typeof wish] : wish;
    if (quality !== undefined) return quality;
  }
  return undefined;
}

function checkNames(what: string, given: object, known: readonly string[]): void {
  for (const name of Object.keys(given)) {
    if (!known.includes(name)) {
      throw new UpresError('BAD_ARGUMENT', `there is no ${what} "${name}".${suggestion(name, known)}`);
    }
  }
}

function checkOnError(value: string | undefined): void {
  if (value === undefined || onErrorChoices.some((choice) => choice === value)) return;
  throw new UpresError('BAD_ARGUMENT', `onError must be fail, original or resize, not "${value}"`);
}

function checkQualityOption(quality: QualityOption | undefined): void {
  if (quality === undefined) return;
  const values = typeof quality === 'object' ? Object.entries(quality) : [['quality', quality] as const];
  for (const [name, value] of values) {
    if (
      typeof quality === 'object' &&
      !outputFormats.some((f) => f === name && formatTraits[f].quality !== undefined)
    ) {
      throw new UpresError('BAD_ARGUMENT', `quality is for jpeg, webp and avif, not for "${name}"`);
    }
    checkDirectives({ quality: value });
  }
}

/**
 * Checks that a label is registered.
 * @throws BAD_ARGUMENT; a path is refused, since queries come from sources that anybody may edit
 */
export function checkModel(label: string | undefined, models: AssetOptions['models'] = {}): void {
  if (label === undefined || Object.hasOwn(models, label)) return;
  const labels = [autoModel, ...builtinLabels().map((builtin) => builtin.label), ...Object.keys(models)];
  if (labels.includes(label)) return;
  throw new UpresError(
    'BAD_ARGUMENT',
    `there is no model "${label}".${suggestion(label, labels)} Models of your own are registered in the option "models".`,
  );
}
