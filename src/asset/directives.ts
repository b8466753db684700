import { UpresError } from '../errors.js';
import { bothMessage, checkEncoding, outputFormats, type OutputFormat } from '../image/codec/formats.js';
import { animationChoice, qualityRating } from '../image/options.js';
import { sideLength, upscaleFactor } from '../image/target.js';
import {
  check,
  choice,
  defined,
  flag,
  oneOrMany,
  options,
  text,
  type Fields,
  type Schema,
  type TypeOf,
} from '../schema.js';
import { formatByWord, formatWords } from './names.js';

/** In what form an asset is delivered. */
export const shapes = ['url', 'srcset', 'img', 'picture', 'metadata'] as const;
export type Shape = (typeof shapes)[number];

const namedOne = text('the name of one');

/** A format by any of its names. */
export const formatWord = choice(formatWords, `one of ${outputFormats.join(', ')}`);

export const directives = options({
  /** Pixels relative to the source (or to `width`), each 1 to 8; several mean densities. */
  upscale: oneOrMany(upscaleFactor),
  /** Exactly this many pixels wide, for a layout of that width. */
  width: sideLength,
  /** The larger of the source's width and this one, in pixels. */
  minWidth: sideLength,
  /** A registered label. */
  model: namedOne,
  /** One format, or for `picture` several. */
  format: oneOrMany(formatWord),
  /** 1 to 100, for JPEG, WebP and AVIF. */
  quality: qualityRating,
  /** Whether WebP and AVIF are written without loss; in a query, the bare word says so. */
  lossless: flag,
  /** `keep`: an animation that would become a still is an error. `first-frame`: it is a still. */
  animation: animationChoice,
  /** Name of a preset that fills what is missing. */
  preset: namedOne,
  /**
   * The form in which the asset is delivered. (It is printed last, so that ambient types match the end of an import.)
   * @default `url`
   */
  as: choice(shapes),
});

/** Directives as options give them: one value may stand for a list of one. */
export interface LooseDirectives extends TypeOf<typeof directives> {}

/** What is wanted of one asset. Absent fields are filled from presets and defaults. */
export interface Directives extends Omit<LooseDirectives, 'upscale' | 'format'> {
  /** Ascending, each once. */
  readonly upscale?: readonly number[];
  /** Each once. */
  readonly format?: readonly OutputFormat[];
}

const keys = Object.keys(directives.properties) as (keyof Directives)[];

/**
 * What a query is that is ours, with or without its `?`: it has the key `upscale`. Other services have a switch of that name, and
 * `false` asks for nothing. One expression, since Rspack and Turbopack decide outside of JavaScript.
 */
export const directivesQuery = /(?:^\??|&(?:amp;)?)upscale(?:=(?!(?:false|no|off|0)(?:&|$))|&|$)/;

/** Whether a query is ours. */
export function hasDirectives(query: string): boolean {
  return directivesQuery.test(query);
}

/**
 * Reads directives from the query of a URL, which may be someone else's.
 * @param query with or without the `?`; `&amp;` and `%3B` are understood
 * @param foreign keys of the bundler's own, which are left alone
 * @returns undefined for a query without the key `upscale`, or with one that asks for nothing: it is not ours
 * @throws BAD_ARGUMENT for an unknown key or a bad value, with a suggestion
 */
export function parseQuery(query: string, foreign: readonly string[] = []): Directives | undefined {
  const id = [query, ...foreign].join('\n');
  const known = parsed.get(id);
  if (known) return known;
  if (!hasDirectives(query)) return undefined;
  const directives = parseDirectives(query, foreign);
  if (parsed.size === mostParsed) parsed.clear();
  parsed.set(id, directives);
  return directives;
}

/** A site has thousands of pictures and a handful of queries, each of which is read several times. */
const parsed = new Map<string, Directives>();
const mostParsed = 1000;

/** The keys of a query that are no directives. */
export function foreignKeys(query: string): string[] {
  return [...new Set(new URLSearchParams(normalise(query)).keys())].filter((name) => !keys.some((key) => key === name));
}

/** As `parseQuery`, for a query that is only ours: the key `upscale` may be absent, and `0` is no factor. */
export function parseDirectives(query: string, foreign: readonly string[] = []): Directives {
  const texts = [...new URLSearchParams(normalise(query))].filter(([name]) => !foreign.includes(name));
  return checkDirectives(readTexts(directives.properties, texts));
}

/**
 * What texts of a query or a form stand for; they are not checked yet.
 * @throws BAD_ARGUMENT for a name that is given twice, or a number that is none
 */
export function readTexts(
  fields: Fields,
  texts: Iterable<readonly [name: string, text: string]>,
): Readonly<Record<string, unknown>> {
  const values = new Map<string, unknown>();
  for (const [name, written] of texts) {
    if (values.has(name)) throw new UpresError('BAD_ARGUMENT', `the directive "${name}" is given twice`);
    values.set(name, valueOf(name, Object.hasOwn(fields, name) ? fields[name] : undefined, written));
  }
  return Object.fromEntries(values);
}

/** What a text of a query stands for. */
function valueOf(name: string, schema: Schema | undefined, written: string): unknown {
  const [item] = schema?.anyOf ?? [];
  if (item) return written.split(/[;,]/).flatMap((part) => (part === '' ? [] : [valueOf(name, item, part)]));
  if (schema?.type === 'boolean') return booleanOf(name, written);
  return schema?.type === 'number' || schema?.type === 'integer' ? numberOf(name, written) : written;
}

/**
 * Checks directives and puts them into their canonical form: lists ascending and without repetitions.
 * @throws BAD_ARGUMENT
 */
export function checkDirectives(loose: LooseDirectives): Directives {
  const { upscale, format, ...others } = check(directives, loose, '', 'directive');
  const factors = upscale === undefined ? [] : [...new Set([upscale].flat())].sort((a, b) => a - b);
  if (others.minWidth !== undefined && (others.width !== undefined || factors.length > 0)) {
    throw new UpresError('BAD_ARGUMENT', 'minWidth stands alone: leave out width and the factors of upscale');
  }
  const formats = [...new Set([format ?? []].flat().map((word) => formatByWord(word)!))];
  if (others.lossless === true && others.quality !== undefined) throw new UpresError('BAD_ARGUMENT', bothMessage);
  for (const each of formats) checkEncoding({ lossless: others.lossless }, each);
  return defined({
    ...others,
    upscale: factors.length > 0 ? factors : undefined,
    format: formats.length > 0 ? formats : undefined,
  });
}

/** Prints directives as a query, without the `?`, always in the same order. `parseQuery` reads it back. */
export function printQuery(given: Directives): string {
  return keys
    .flatMap((key) => {
      const values = [given[key] ?? []].flat();
      if (values.length === 0) return key === 'upscale' ? ['upscale'] : [];
      return [`${key}=${values.map(encodeURIComponent).join(';')}`];
    })
    .join('&');
}

/** The query's own text without what HTML and browsers make of it. */
function normalise(query: string): string {
  return query.replace(/^\?/, '').replace(/&amp;/g, '&').replace(/%3B/gi, ';');
}

function booleanOf(name: string, written: string): boolean {
  if (written === '' || written === 'true') return true;
  if (written === 'false') return false;
  throw new UpresError('BAD_ARGUMENT', `${name} must be true or false, not "${written}"`);
}

function numberOf(name: string, written: string): number {
  // Neither 0x10 nor 1e3: what is written is what is read by people.
  if (/^-?\d+(?:\.\d+)?$/.test(written)) return Number(written);
  throw new UpresError('BAD_ARGUMENT', `${name} must be a number, not "${written}"`);
}
