import { basename } from 'node:path';
import { defined } from '../schema.js';
import { Source } from '../image/image-source.js';
import type { ImageInput } from '../image/source.js';
import type { ImageInfo } from '../image/codec/header.js';
import { resolveTarget, type Size, type Target } from '../image/target.js';
import { checkEncoding, type QualityOptions, type OutputFormat } from '../image/codec/formats.js';
import { parseDensityName, printDensityName, type DensityName, extensionFor, formatOfName } from './names.js';
import type { Directives, Shape } from './directives.js';
import { encodingFor } from './options.js';
import { isAlready, Overrides } from './overrides.js';
import type { OwnOutputs } from './own-outputs.js';
import type { ResolvedDirectives } from './resolve.js';
import type { SourceFacts } from './source-facts.js';

/** One output file of an asset, before it is made. */
export interface VariantPlan {
  /** The file that its pixels come from: the asset, or an override next to it. */
  readonly source: string;
  /** The same, opened. */
  readonly image: Source;
  readonly isOverride: boolean;
  readonly target: Target;
  readonly format: OutputFormat;
  /** Whether the source's bytes are the result as they are. */
  readonly verbatim: boolean;
  /** Whether it is all that was asked for: then a network of the user's own may be meant that does not enlarge. */
  readonly alone?: boolean;
  readonly encoding: QualityOptions;
  readonly animation: Directives['animation'];
  readonly model: string;
  /** Pixels of the result. */
  readonly width: number;
  readonly height: number;
  /** Pixels of the result for each pixel of the layout. */
  readonly density: number;
  /** A name for the file, as in `logo@2x.webp`. */
  readonly name: string;
  /** The directives that ask for this one file. */
  readonly directives: Directives;
}

/** What will be made of one asset. */
export interface AssetPlan {
  readonly file: string;
  readonly shape: Shape;
  /** The size at which the asset is shown, in CSS pixels. */
  readonly layout: Size;
  /** Ascending by density within each format; formats in the order in which they were asked for. */
  readonly variants: readonly VariantPlan[];
  readonly info: ImageInfo;
  /** Hand-made pictures that are not there: when one appears, the plan changes. */
  readonly missing: readonly string[];
  /** Outputs of upres itself in the place of overrides: when one is changed, the plan changes. */
  readonly ownInPlace: readonly string[];
}

/**
 * Decides which files an asset becomes.
 * @param file absolute path of the source
 * @param given the same, or its bytes, or the source that was opened already
 * @param own tells what upres itself has made: such a picture next to the source is not taken for one made by hand
 * @param facts tells what headers say
 * @throws INPUT_*, UNSUPPORTED_FORMAT, BAD_ARGUMENT
 */
export async function planAsset(
  file: string,
  given: ImageInput | Source,
  resolved: ResolvedDirectives,
  own: Pick<OwnOutputs, 'has'>,
  facts: Pick<SourceFacts, 'infoOf'>,
): Promise<AssetPlan> {
  const image = Source.of(given);
  const info = await facts.infoOf(image);
  const name = parseDensityName(basename(file));
  const layout = layoutOf(info, name, resolved);
  const isFormatNamed = resolved.formats.length > 0;
  const formats = isFormatNamed ? resolved.formats : [info.format];
  const overrides = new Overrides(file, image, own);
  const variants: VariantPlan[] = [];
  for (const format of formats) {
    const steps = resolved.minWidth === undefined ? resolved.upscale : [undefined];
    for (const factor of steps) {
      const ordinary = planVariant({ source: file, image }, info, name, layout, resolved, format, factor);
      const isComputed = factor !== undefined && factor !== 1 && resolved.width === undefined;
      const byHand = isComputed && (await overrides.find(factor, isFormatNamed ? format : undefined));
      variants.push(byHand ? await takeOverride(ordinary, byHand, resolved, facts) : ordinary);
    }
  }
  const { missing, ownInPlace } = overrides;
  return { file, shape: resolved.as, layout, variants, info, missing, ownInPlace };
}

function layoutOf(info: Size, name: DensityName, { width }: ResolvedDirectives): Size {
  if (width !== undefined) {
    const { height } = resolveTarget(info, { width });
    return { width, height };
  }
  const { density } = name;
  const cssPixels = (pixels: number): number => Math.max(1, Math.round(pixels / density));
  return { width: cssPixels(info.width), height: cssPixels(info.height) };
}

function planVariant(
  from: Pick<VariantPlan, 'source' | 'image'>,
  info: ImageInfo,
  name: DensityName,
  layout: Size,
  resolved: ResolvedDirectives,
  format: OutputFormat,
  factor: number | undefined,
): VariantPlan {
  const { width, minWidth, formats, model, encodings, mustBeLossless, animation } = resolved;
  const target: Target =
    factor === undefined
      ? { minWidth: minWidth! }
      : width === undefined
        ? { upscale: factor }
        : { width: Math.round(width * factor) };
  const size = resolveTarget(info, target);
  checkEncoding({ lossless: mustBeLossless }, format);
  const encoding = encodingFor(format, ...encodings);
  return {
    ...from,
    isOverride: false,
    target,
    format,
    verbatim: isAlready(info, format, resolved.animation) && size.width === info.width && size.height === info.height,
    alone: resolved.upscale.length === 1 && width === undefined,
    encoding,
    animation,
    model,
    width: size.width,
    height: size.height,
    density: factor === undefined ? size.width / layout.width : width === undefined ? name.density * factor : factor,
    name: fileName(name, format, resolved, factor, size),
    directives: {
      ...(target.upscale === undefined ? {} : { upscale: [target.upscale] }),
      ...(target.width === undefined ? {} : { width: target.width }),
      ...(target.minWidth === undefined ? {} : { minWidth: target.minWidth }),
      model,
      // Said even where it is the source's own: a rule for the file may name another. Where no one names one, a file that is no
      // JPEG in spite of its `.jpg` stays what it is, and keeps its name.
      ...(formats.length > 0 || formatOfName(from.source) === format ? { format: [format] } : {}),
      ...defined({ ...encoding, animation }),
    },
  };
}

/** The same file from a picture that was made by hand. */
async function takeOverride(
  ordinary: VariantPlan,
  { file, image }: { readonly file: string; readonly image: Source },
  resolved: ResolvedDirectives,
  facts: Pick<SourceFacts, 'infoOf'>,
): Promise<VariantPlan> {
  const info = await facts.infoOf(image);
  return {
    ...ordinary,
    source: file,
    image,
    isOverride: true,
    target: { upscale: 1 },
    directives: { ...ordinary.directives, upscale: [1], format: [ordinary.format] },
    verbatim: isAlready(info, ordinary.format, resolved.animation),
    width: info.width,
    height: info.height,
  };
}

function fileName(
  name: DensityName,
  format: OutputFormat,
  resolved: ResolvedDirectives,
  factor: number | undefined,
  size: Size,
): string {
  // Pages name files by hand: where no format is asked for, the extension is theirs.
  const isNamed = formatOfName(name.stem + name.extension) !== undefined;
  const extension = isNamed && resolved.formats.length === 0 ? name.extension : extensionFor(format, name.extension);
  if (factor === undefined || resolved.width !== undefined) {
    return printDensityName({ stem: `${name.stem}-${size.width}w`, density: 1, extension });
  }
  return printDensityName({ stem: name.stem, density: name.density * factor, extension });
}
