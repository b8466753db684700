import { UpresError } from '../errors.js';
import { outputFormats, type OutputFormat } from '../image/codec/formats.js';
import { maxUpscale } from '../image/target.js';
import { formatByWord } from './names.js';
import { suggestion } from '../suggest.js';

/** In what form an asset is delivered. */
export const shapes = ['url', 'srcset', 'img', 'picture', 'metadata'] as const;
export type Shape = (typeof shapes)[number];

/** What is wanted of one asset. Absent fields are filled from presets and defaults. */
export interface Directives {
  /** Pixels relative to the source (or to `width`), ascending, each 1 to 8; several mean densities. */
  readonly upscale?: readonly number[];
  /** Exactly so many pixels wide, for a layout of that width. */
  readonly width?: number;
  /** The larger of the source's width and this one. */
  readonly minWidth?: number;
  /** A registered label. */
  readonly model?: string;
  /** One format, or for `picture` several. */
  readonly format?: readonly OutputFormat[];
  /** 1 to 100, for JPEG, WebP and AVIF. */
  readonly quality?: number;
  /** Name of a preset that fills what is missing. */
  readonly preset?: string;
  /** Default `url`. */
  readonly as?: Shape;
}

type Key = keyof Directives;

/** The order in which directives are printed: `as` comes last, so that ambient types match the end of an import. */
const keys = ['upscale', 'width', 'minWidth', 'model', 'format', 'quality', 'preset', 'as'] as const;

/** Whether a query is ours: it has the key `upscale`. Other services have a switch of that name, and `false` asks for nothing. */
export function hasDirectives(query: string): boolean {
  return /(?:^|&)upscale(?:=(?!(?:false|no|off|0)(?:&|$))|&|$)/.test(normalise(query));
}

/**
 * Reads directives from the query of a URL, which may be somebody else's.
 * @param query with or without the `?`; `&amp;` and `%3B` are understood
 * @param foreign keys of the bundler's own, which are left alone
 * @returns undefined for a query without the key `upscale`, or with one that asks for nothing: it is not ours
 * @throws BAD_ARGUMENT for an unknown key or a bad value, with a suggestion
 */
export function parseQuery(query: string, foreign: readonly string[] = []): Directives | undefined {
  return hasDirectives(query) ? parseDirectives(query, foreign) : undefined;
}

/** As `parseQuery`, for a query that nobody but us is asked with: the key `upscale` may be absent, and `0` is no factor. */
export function parseDirectives(query: string, foreign: readonly string[] = []): Directives {
  const fields: Partial<Record<Key, string>> = {};
  for (const [name, value] of new URLSearchParams(normalise(query))) {
    if (foreign.includes(name)) continue;
    const key = keys.find((known) => known === name);
    if (!key) throw new UpresError('BAD_ARGUMENT', `there is no directive "${name}".${suggestion(name, keys)}`);
    if (key in fields) throw new UpresError('BAD_ARGUMENT', `the directive "${name}" is given twice`);
    fields[key] = value;
  }
  return checkDirectives({
    ...(fields.upscale ? { upscale: list(fields.upscale).map((text) => number('upscale', text)) } : {}),
    ...(fields.width === undefined ? {} : { width: number('width', fields.width) }),
    ...(fields.minWidth === undefined ? {} : { minWidth: number('minWidth', fields.minWidth) }),
    ...(fields.model === undefined ? {} : { model: fields.model }),
    ...(fields.format === undefined ? {} : { format: list(fields.format) }),
    ...(fields.quality === undefined ? {} : { quality: number('quality', fields.quality) }),
    ...(fields.preset === undefined ? {} : { preset: fields.preset }),
    ...(fields.as === undefined ? {} : { as: fields.as }),
  });
}

/** Directives as options give them: one value may stand for a list of one. */
export interface LooseDirectives {
  readonly upscale?: number | readonly number[];
  readonly width?: number;
  readonly minWidth?: number;
  readonly model?: string;
  readonly format?: string | readonly string[];
  readonly quality?: number;
  readonly preset?: string;
  readonly as?: string;
}

/**
 * Checks directives and puts them into their canonical form: lists ascending and without repetitions.
 * @throws BAD_ARGUMENT
 */
export function checkDirectives(loose: LooseDirectives): Directives {
  for (const name of Object.keys(loose)) {
    if (!keys.some((key) => key === name)) {
      throw new UpresError('BAD_ARGUMENT', `there is no directive "${name}".${suggestion(name, keys)}`);
    }
  }
  const { width, minWidth, model, quality, preset } = loose;
  const upscale = loose.upscale === undefined ? undefined : uniqueAscending([loose.upscale].flat());
  for (const factor of upscale ?? []) {
    if (typeof factor !== 'number' || !(factor >= 1 && factor <= maxUpscale)) {
      throw new UpresError('BAD_ARGUMENT', `upscale must be a number from 1 to ${maxUpscale}, not ${shown(factor)}`);
    }
  }
  checkPixels('width', width);
  checkPixels('minWidth', minWidth);
  if (minWidth !== undefined && (width !== undefined || upscale !== undefined)) {
    throw new UpresError('BAD_ARGUMENT', 'minWidth stands alone: leave out width and the factors of upscale');
  }
  if (quality !== undefined && !(Number.isInteger(quality) && quality >= 1 && quality <= 100)) {
    throw new UpresError('BAD_ARGUMENT', `quality must be a whole number from 1 to 100, not ${shown(quality)}`);
  }
  checkName('model', model);
  checkName('preset', preset);
  const format = loose.format === undefined ? undefined : [...new Set([loose.format].flat().map(formatOf))];
  const as = loose.as === undefined ? undefined : choice('as', loose.as, shapes);
  return {
    ...(upscale?.length ? { upscale } : {}),
    ...(width === undefined ? {} : { width }),
    ...(minWidth === undefined ? {} : { minWidth }),
    ...(model === undefined ? {} : { model }),
    ...(format?.length ? { format } : {}),
    ...(quality === undefined ? {} : { quality }),
    ...(preset === undefined ? {} : { preset }),
    ...(as === undefined ? {} : { as }),
  };
}

/** Prints directives as a query, without the `?`, always in the same order. `parseQuery` reads it back. */
export function printQuery(directives: Directives): string {
  const { upscale, width, minWidth, model, format, quality, preset, as } = directives;
  return [
    upscale?.length ? `upscale=${upscale.join(';')}` : 'upscale',
    ...(width === undefined ? [] : [`width=${width}`]),
    ...(minWidth === undefined ? [] : [`minWidth=${minWidth}`]),
    ...(model === undefined ? [] : [`model=${encodeURIComponent(model)}`]),
    ...(format?.length ? [`format=${format.join(';')}`] : []),
    ...(quality === undefined ? [] : [`quality=${quality}`]),
    ...(preset === undefined ? [] : [`preset=${encodeURIComponent(preset)}`]),
    ...(as === undefined ? [] : [`as=${as}`]),
  ].join('&');
}

/** The query's own text without what HTML and browsers make of it. */
function normalise(query: string): string {
  return query.replace(/^\?/, '').replace(/&amp;/g, '&').replace(/%3B/gi, ';');
}

const list = (text: string): string[] => text.split(/[;,]/).filter((part) => part !== '');

function number(name: string, text: string): number {
  // Neither 0x10 nor 1e3: what is written is what is read by people.
  if (!/^-?\d+(?:\.\d+)?$/.test(text)) {
    throw new UpresError('BAD_ARGUMENT', `${name} must be a number, not "${text}"`);
  }
  return Number(text);
}

const uniqueAscending = (values: readonly number[]): number[] => [...new Set(values)].sort((a, b) => a - b);

function checkPixels(name: string, value: number | undefined): void {
  if (value !== undefined && !(Number.isSafeInteger(value) && value >= 1)) {
    throw new UpresError('BAD_ARGUMENT', `${name} must be a whole number of pixels of at least 1, not ${shown(value)}`);
  }
}

function checkName(name: string, value: string | undefined): void {
  if (value === undefined || (typeof value === 'string' && value !== '')) return;
  throw new UpresError('BAD_ARGUMENT', `${name} must be the name of one, not ${shown(value)}`);
}

/** A value in an error. Options also come from JavaScript, where types promise nothing. */
const shown = (value: unknown): string => (typeof value === 'string' ? `"${value}"` : String(value));

function formatOf(text: string): OutputFormat {
  return formatByWord(text) ?? choice('format', text, outputFormats);
}

function choice<T extends string>(name: string, text: unknown, words: readonly T[]): T {
  const found = words.find((word) => word === text);
  if (found) return found;
  throw new UpresError(
    'BAD_ARGUMENT',
    `${name} must be one of ${words.join(', ')}, not ${shown(text)}.${typeof text === 'string' ? suggestion(text, words) : ''}`,
  );
}
