import { checkDirectives, directives, readTexts } from '../../asset/directives.js';
import { checkModel, encodingFor } from '../../asset/options.js';
import { UpresError } from '../../errors.js';
import { checkEncoding, outputFormats, type OutputFormat, type QualityOptions } from '../../image/codec/formats.js';
import { limitOptions } from '../../image/limits.js';
import { animationChoice, qualityRating, upscaleOptions } from '../../image/options.js';
import { sideLength, upscaleFactor } from '../../image/target.js';
import { deviceChoice } from '../../network/device.js';
import { check, choice, defined, flag, object, options, type TypeOf } from '../../schema.js';
import type { ServerSettings } from './settings.js';

/** One file that a client wants of an image. It is stored as JSON. */
export const variant = object(
  {
    /** A registered label, or `auto`. Never a path. */
    model: directives.properties.model,
  },
  {
    /** Times the source in both directions; one of this, `width` and `minWidth`. */
    upscale: upscaleFactor,
    /** Pixels. */
    width: sideLength,
    /** Pixels. */
    minWidth: sideLength,
    /** Absent: the source's own, or what the client accepts. */
    format: choice(outputFormats),
    /** Used where the format has one. */
    quality: qualityRating,
    /** Absent: as the source, where that is of the same format. */
    lossless: flag,
    /** Absent: an animation stays one where the format has them. */
    animation: animationChoice,
    /** Absent: the server's own choice. */
    device: deviceChoice,
    // What only the command asks for, over a farm's queue.
    height: sideLength,
    colour: upscaleOptions.properties.colour,
    alpha: upscaleOptions.properties.alpha,
    // Limits of whoever accepted it. Absent: the server's own.
    ...limitOptions.properties,
  },
);

export interface Variant extends TypeOf<typeof variant> {}

type Size = Pick<Variant, 'upscale' | 'width' | 'minWidth' | 'height'>;

const { upscale, width, minWidth, model, format, quality, lossless, animation } = directives.properties;
/** The directives of a request. Those of a build's query that ask for code make no sense here. */
export const requestFields = options({
  upscale,
  width,
  minWidth,
  model,
  format,
  quality,
  lossless,
  animation,
  device: deviceChoice,
});

/** Files that an image can become: six formats of four sizes. */
const mostVariants = 24;

/**
 * Reads the files that are wanted of each image from a request's fields, by the grammar of all other tools.
 * @param fields as in a query, `upscale` may be absent (2 where no other size is asked for)
 * @returns at least one, each once: every size in every format
 * @throws BAD_ARGUMENT with a suggestion: an unknown field, a bad value, a model that is not registered, too many files
 */
export function parseVariants(
  fields: Readonly<Record<string, unknown>>,
  settings: Pick<ServerSettings, 'models' | 'model'>,
): readonly Variant[] {
  const texts = Object.entries(fields).map(([name, value]) => [name, textOf(name, value)] as const);
  const read = readTexts(requestFields.properties, texts);
  const { device, ...asked } = check(requestFields, read, '', 'directive');
  const { upscale, width, minWidth, format: formats = [undefined], ...rest } = checkDirectives(asked);
  const { model = settings.model, quality, lossless, animation } = rest;
  checkModel(model, settings.models);
  const sizes = sizesOf(upscale, width, minWidth);
  if (sizes.length * formats.length > mostVariants) {
    const count = `${sizes.length} sizes in ${formats.length} formats`;
    throw new UpresError('BAD_ARGUMENT', `${count} are more than the ${mostVariants} files that an image can become`);
  }
  return sizes.flatMap((each) =>
    formats.map((format) => ({ ...each, model, ...defined({ format, quality, lossless, animation, device }) })),
  );
}

/**
 * As `parseVariants`, for an answer that is one file.
 * @throws BAD_ARGUMENT for a list, too
 */
export function parseVariant(
  fields: Readonly<Record<string, unknown>>,
  settings: Pick<ServerSettings, 'models' | 'model'>,
): Variant {
  for (const name of ['upscale', 'format']) {
    const { [name]: value } = fields;
    if (typeof value !== 'string' || !/[;,]/.test(value)) continue;
    const message = `${name} takes one value here, not "${value}": an answer is one file. A job (POST /v1/jobs) takes several`;
    throw new UpresError('BAD_ARGUMENT', message);
  }
  return parseVariants(fields, settings)[0]!;
}

/** How many sizes there are among some files, each of which is computed once. */
export function countSizes(variants: readonly Size[]): number {
  return new Set(variants.map(({ upscale, width, minWidth, height }) => [upscale, width, minWidth, height].join()))
    .size;
}

function sizesOf(factors: readonly number[] = [], width: number | undefined, minWidth: number | undefined): Size[] {
  if (minWidth !== undefined) return [{ minWidth }];
  if (width === undefined) return (factors.length > 0 ? factors : [2]).map((upscale) => ({ upscale }));
  const widths = (factors.length > 0 ? factors : [1]).map((factor) => Math.round(width * factor));
  return [...new Set(widths)].map((each) => ({ width: each }));
}

/**
 * What counts for a format: no quality where the format has none.
 * @throws BAD_ARGUMENT where it should be lossless and can't be
 */
export function encodingOf(variant: Variant, format: OutputFormat): QualityOptions {
  checkEncoding({ lossless: variant.lossless }, format);
  return encodingFor(format, variant);
}

function textOf(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw new UpresError('BAD_ARGUMENT', `the directive "${name}" is given twice`);
}
