import { relative, sep } from 'node:path';
import picomatch from 'picomatch';
import { UpresError, withFile } from '../errors.js';
import { autoModel } from '../image/auto/auto-model.js';
import type { OutputFormat } from '../image/codec/formats.js';
import { checkDirectives, type Directives, type Shape } from './directives.js';
import {
  checkModel,
  presetOf,
  rulesOf,
  type AssetOptions,
  type DefaultRule,
  type AssetQualityOptions,
  type OnError,
} from './options.js';

/** Directives of one asset with everything filled in. */
export interface ResolvedDirectives {
  /** At least one factor; of the source, or of `width` where that is given. Empty for `minWidth`. */
  readonly upscale: readonly number[];
  readonly width: number | undefined;
  readonly minWidth: number | undefined;
  readonly model: string;
  /** Empty: the source's own. */
  readonly formats: readonly OutputFormat[];
  /** In the order in which they count. */
  readonly encodings: readonly (AssetQualityOptions | undefined)[];
  /** Whether the asset itself asks for what only some formats can deliver. */
  readonly mustBeLossless: boolean;
  readonly animation: Directives['animation'];
  readonly as: Shape;
  readonly onError: OnError;
  readonly maxOutputPixels: number | undefined;
}

/**
 * Fills an asset's directives: what it says itself comes first, then its preset, then the rules that match its path, then the
 * options, then what is usual.
 * @param file absolute
 * @param root folder that globs are relative to
 * @throws BAD_ARGUMENT naming the file
 */
export function resolveDirectives(
  file: string,
  own: Directives,
  options: AssetOptions,
  root: string,
): ResolvedDirectives {
  return new DirectivesResolver(options, root).resolve(file, own);
}

/** Fills the directives of all assets of a build. */
export class DirectivesResolver {
  /** By the words of an asset, and the rules that match it: thousands of assets have the same. */
  private readonly known = new WeakMap<Directives, Map<string, ResolvedDirectives>>();
  private readonly rules: readonly DefaultRule[];

  constructor(
    private readonly options: AssetOptions,
    private readonly root: string,
  ) {
    this.rules = rulesOf(options);
  }

  /** As {@link resolveDirectives}. */
  resolve(file: string, own: Directives): ResolvedDirectives {
    try {
      let path: string | undefined;
      const matching = this.rules.map((rule) => matchesPath(rule, () => (path ??= pathFrom(this.root, file))));
      const known = this.known.get(own) ?? new Map<string, ResolvedDirectives>();
      this.known.set(own, known);
      const id = matching.join();
      const there = known.get(id);
      if (there) return there;
      const rules = this.rules.filter((_, index) => matching[index]);
      const resolved = resolve(own, rules, this.options);
      known.set(id, resolved);
      return resolved;
    } catch (error) {
      throw withFile(error, file);
    }
  }
}

function resolve(own: Directives, rules: readonly DefaultRule[], options: AssetOptions): ResolvedDirectives {
  const preset = own.preset === undefined ? undefined : presetOf(options, own.preset);
  const first = <T>(pick: (rule: DefaultRule) => T | undefined): T | undefined =>
    rules.map(pick).find((value) => value !== undefined);

  // The ways to say a size exclude each other, so whoever names one of them settles them all.
  const size = [own, preset].find((d) => d && (d.upscale ?? d.width ?? d.minWidth) !== undefined);
  const ruled = rules.find((rule) => (rule.upscale ?? rule.minWidth) !== undefined);
  const { upscale, width, minWidth } = size ?? {
    upscale: ruled?.upscale === undefined ? undefined : checkDirectives({ upscale: ruled.upscale }).upscale,
    width: undefined,
    minWidth: ruled?.minWidth,
  };
  const usual = minWidth !== undefined ? [] : [width === undefined ? 2 : 1];
  const ruledFormat = first((rule) => rule.format);
  const wanted = own.format ?? preset?.format ?? ruledFormat;
  const format = (wanted === undefined ? undefined : checkDirectives({ format: wanted }).format) ?? [];
  const model = own.model ?? preset?.model ?? first((rule) => rule.model) ?? options.model ?? autoModel;
  checkModel(model, options.models);
  const as = own.as ?? preset?.as ?? 'url';
  if (format.length > 1 && as !== 'picture') {
    throw new UpresError(
      'BAD_ARGUMENT',
      `several formats need as=picture, which lets the browser choose, not as=${as}`,
    );
  }
  if (as === 'url' && (upscale?.length ?? 1) > 1) {
    throw new UpresError('BAD_ARGUMENT', 'several factors need as=srcset, as=img or as=picture: a URL is one file');
  }
  return {
    upscale: upscale ?? usual,
    width,
    minWidth,
    model,
    formats: format,
    encodings: [own, preset, ...rules, options],
    mustBeLossless: (own.lossless ?? (own.quality === undefined && preset?.lossless)) === true,
    animation: own.animation ?? preset?.animation ?? first((rule) => rule.animation) ?? options.animation,
    as,
    onError: first((rule) => rule.onError) ?? options.onError ?? 'fail',
    maxOutputPixels: first((rule) => rule.maxOutputPixels) ?? options.maxOutputPixels,
  };
}

/** Whether a rule holds for a file. */
export function matches(rule: Pick<DefaultRule, 'include' | 'exclude'>, file: string, root: string): boolean {
  return matchesPath(rule, () => pathFrom(root, file));
}

function matchesPath(rule: Pick<DefaultRule, 'include' | 'exclude'>, pathOf: () => string): boolean {
  if (rule.include === undefined && rule.exclude === undefined) return true;
  const path = pathOf();
  // `**` stands for any folder, but picomatch takes `..` for none.
  const inside = path.startsWith('../') ? path.replace(/^(?:\.\.\/)+/, '') : path;
  const match = (globs: string | readonly string[]): boolean =>
    [globs].flat().some((glob) => matcherOf(glob)(glob.startsWith('**') ? inside : path));
  return (rule.include === undefined || match(rule.include)) && !(rule.exclude !== undefined && match(rule.exclude));
}

/** A file's path from a folder on, with slashes. */
function pathFrom(root: string, file: string): string {
  const within = root.endsWith(sep) ? root : root + sep;
  // Node looks at every letter of both paths, which takes longer than all else that a rule needs.
  const isPlain = file.startsWith(within) && !/[/\\][/\\.]/.test(file.slice(within.length - 1));
  const path = isPlain ? file.slice(within.length) : relative(root, file);
  return sep === '/' ? path : path.split(sep).join('/');
}

const matchers = new Map<string, (path: string) => boolean>();

/** Rules are matched for every asset, and making a matcher takes longer than all else that they need. */
function matcherOf(glob: string): (path: string) => boolean {
  const matcher = matchers.get(glob) ?? picomatch(glob);
  matchers.set(glob, matcher);
  return matcher;
}
