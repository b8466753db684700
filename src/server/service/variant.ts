import { parseDirectives } from '../../asset/directives.js';
import { checkModel, encodingFor } from '../../asset/options.js';
import { UpresError } from '../../errors.js';
import { checkEncoding, type QualityOptions, type OutputFormat } from '../../image/codec/formats.js';
import type { UpscaleOptions } from '../../image/options.js';
import { checkDevice, type DeviceChoice } from '../../network/device.js';
import { defined } from '../../schema.js';
import { suggestion } from '../../suggest.js';
import type { ServerSettings } from './settings.js';

/** The one file that a client wants of an image. It can be stored as JSON. */
export interface Variant {
  /** Times the source in both directions; one of this, `width` and `minWidth`. */
  readonly upscale?: number;
  /** Pixels. */
  readonly width?: number;
  /** Pixels. */
  readonly minWidth?: number;
  /** A registered label, or `auto`. Never a path. */
  readonly model: string;
  /** Absent: the source's own, or what the client accepts. */
  readonly format?: OutputFormat;
  /** 1 to 100; used where the format has one. */
  readonly quality?: number;
  /** Absent: as the source, where that is of the same format. */
  readonly lossless?: boolean;
  /** Absent: an animation stays one where the format has them. */
  readonly animation?: NonNullable<UpscaleOptions['animation']>;
  /** Absent: the server's own choice. */
  readonly device?: DeviceChoice;
}

/** The directives of a request. Those of a build's query that ask for several files, or for code, make no sense here. */
export const variantFields = [
  'upscale',
  'width',
  'minWidth',
  'model',
  'format',
  'quality',
  'lossless',
  'animation',
  'device',
] as const;

/**
 * Reads what is wanted from a request's fields, by the grammar of all other tools.
 * @param fields as in a query, `upscale` may be absent (2 where no other size is asked for)
 * @throws BAD_ARGUMENT with a suggestion: an unknown field, a bad value, a model that is not registered, more than one variant
 */
export function parseVariant(
  fields: Readonly<Record<string, unknown>>,
  settings: Pick<ServerSettings, 'models' | 'model'>,
): Variant {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) query.set(name, textOf(name, value));
  const device = query.get('device');
  query.delete('device');
  const asked = parseDirectives(query.toString());
  const { upscale, width, minWidth, format, quality, lossless, animation, model = settings.model } = asked;
  checkModel(model, settings.models);
  return {
    ...sizeOf(upscale?.[0], width, minWidth),
    model,
    ...defined({ format: format?.[0], quality, lossless, animation }),
    ...(device === null ? {} : { device: checkDevice(device) }),
  };
}

function sizeOf(
  upscale: number | undefined,
  width: number | undefined,
  minWidth: number | undefined,
): Pick<Variant, 'upscale' | 'width' | 'minWidth'> {
  if (minWidth !== undefined) return { minWidth };
  if (width !== undefined) return { width: Math.round(width * (upscale ?? 1)) };
  return { upscale: upscale ?? 2 };
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
  if (!variantFields.some((field) => field === name)) {
    throw new UpresError('BAD_ARGUMENT', `there is no directive "${name}" here.${suggestion(name, variantFields)}`);
  }
  if (typeof value !== 'string') throw new UpresError('BAD_ARGUMENT', `the directive "${name}" is given twice`);
  if ((name === 'upscale' || name === 'format') && /[;,]/.test(value)) {
    throw new UpresError('BAD_ARGUMENT', `${name} takes one value here, not "${value}": a request is for one file`);
  }
  return value;
}
