import { UpresError } from './errors.js';
import { suggestion } from './suggest.js';

declare const carries: unique symbol;

/**
 * What a value must be: JSON Schema, as far as options need it, which carries the TypeScript type of what it lets pass. One such
 * object is where the types, the checks and the documents of a set of options come from. (The libraries for that cost more to
 * load than all else of upres: see docs/dependencies.md.)
 */
export interface Schema<out T = unknown> {
  readonly type?: 'string' | 'number' | 'integer' | 'boolean' | 'object' | 'array';
  /** What the value is, in words that follow “must be”. */
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly pattern?: string;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly properties?: Fields;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly anyOf?: readonly Schema[];
  /** The value is a secret: no error says it. */
  readonly writeOnly?: boolean;
  /** For what JSON has no words for. */
  readonly accepts?: (value: unknown) => boolean;
  readonly [carries]?: T;
}

export type TypeOf<S> = S extends Schema<infer T> ? T : never;
export type Fields = Readonly<Record<string, Schema>>;

/** The schema of an object all of whose fields may be left out. */
export interface OptionsSchema<P extends Fields = Fields> extends Schema<{ readonly [K in keyof P]?: TypeOf<P[K]> }> {
  readonly properties: P;
}

/** The schema of an object some of whose fields must be there. */
export interface ObjectSchema<R extends Fields, P extends Fields> extends Schema<
  { readonly [K in keyof R]: TypeOf<R[K]> } & { readonly [K in keyof P]?: TypeOf<P[K]> }
> {
  readonly properties: R & P;
}

/** Options: any of these fields, and no others. */
export function options<const P extends Fields>(properties: P): OptionsSchema<P> {
  return { type: 'object', description: 'an object', properties, additionalProperties: false };
}

/** An object with all of the required fields, any of the optional ones, and no others. */
export function object<const R extends Fields, const P extends Fields>(required: R, optional: P): ObjectSchema<R, P> {
  return { ...options({ ...required, ...optional }), required: Object.keys(required) } as unknown as ObjectSchema<R, P>;
}

interface Range {
  readonly from?: number;
  readonly above?: number;
  readonly to?: number;
  /** The unit, as in `pixels`. */
  readonly of?: string;
}

/** A number. Where nothing bounds it from above, Infinity is one, too. */
export function number(range: Range = {}): Schema<number> {
  return { type: 'number', ...bounds('a number', range) };
}

/** Any number but the infinite ones. */
export const finite: Schema<number> = {
  type: 'number',
  minimum: -Number.MAX_VALUE,
  maximum: Number.MAX_VALUE,
  description: 'a number',
};

/** A whole number that is counted without error. */
export function whole(range: Range = {}): Schema<number> {
  return { type: 'integer', ...bounds('a whole number', range) };
}

function bounds(what: string, { from, above, to, of }: Range): Schema<never> {
  const unit = of === undefined ? '' : ` of ${of}`;
  const most = to === undefined || to >= Number.MAX_SAFE_INTEGER ? '' : ` to ${to}`;
  const least = above === undefined ? '' : ` above ${above}${most && ` and up${most}`}`;
  const range = from === undefined ? least : most ? ` from ${from}${most}` : ` of at least ${from}`;
  return {
    ...(from === undefined ? {} : { minimum: from }),
    ...(above === undefined ? {} : { exclusiveMinimum: above }),
    ...(to === undefined ? {} : { maximum: to }),
    description: what + unit + range,
  };
}

interface TextBounds {
  /** The fewest characters. */
  readonly least?: number;
  readonly pattern?: RegExp;
}

/** A text; not empty unless that is said. */
export function text(description: string, { least = 1, pattern }: TextBounds = {}): Schema<string> {
  return { type: 'string', minLength: least, description, ...(pattern && { pattern: pattern.source }) };
}

/** One of some words. */
export function choice<const W extends string>(
  words: readonly W[],
  description = `one of ${words.join(', ')}`,
): Schema<W> {
  return { type: 'string', enum: words, description };
}

export const flag: Schema<boolean> = { type: 'boolean', description: 'true or false' };

/** Exactly this, or one of these. */
export function literal<const V extends boolean | number>(...values: readonly V[]): Schema<V> {
  return { enum: values, description: values.join(' or ') };
}

/** What any of several schemas lets pass. */
export function either<const S extends readonly Schema[]>(description: string, ...anyOf: S): Schema<TypeOf<S[number]>> {
  return { anyOf, description };
}

/** A list of at least this many; of none where that is not said. */
export function list<T>(items: Schema<T>, { least = 0 } = {}): Schema<readonly T[]> {
  return { type: 'array', items, minItems: least, description: `a list, each of it ${items.description}` };
}

/** A value, or a list of at least this many. */
export function oneOrMany<T>(item: Schema<T>, least = 0): Schema<T | readonly T[]> {
  const description = `${item.description}${item.properties ? ', or a list of such' : ''}`;
  return { anyOf: [item, list(item, { least })], description };
}

/** The same for a value that no error may say. */
export function secret<T>(schema: Schema<T>): Schema<T> {
  return { ...schema, writeOnly: true };
}

/** An object with any names. */
export function record<T>(description: string, values: Schema<T>): Schema<Readonly<Record<string, T>>> {
  return { type: 'object', description, additionalProperties: values };
}

/** A value of this process that JSON can't hold, such as a function. */
export function live<T>(description: string, accepts: (value: unknown) => boolean): Schema<T> {
  return { description, accepts };
}

/** A function. */
export function callback<T>(): Schema<T> {
  return live('a function', (value) => typeof value === 'function');
}

export const abortSignal: Schema<AbortSignal> = live('an AbortSignal', (value) => value instanceof AbortSignal);

/** Any object, told apart by identity. */
export const anyObject: Schema<object> = live('an object', (value) => typeof value === 'object' && value !== null);

/**
 * Checks a value that a user gave. Fields that are undefined count as left out.
 * @param at how the user calls the value, as in `limits`; empty for all options of a call
 * @param noun what its fields are called
 * @returns the value
 * @throws BAD_ARGUMENT with what was probably meant
 */
export function check<T>(schema: Schema<T>, value: unknown, at = '', noun = 'option'): T {
  const mistake = mistakeIn(schema, value, at, noun);
  if (mistake === undefined) return value as T;
  throw new UpresError('BAD_ARGUMENT', mistake);
}

/** What is wrong with a value, as a sentence without its full stop; undefined where nothing is. */
export function mistakeIn(schema: Schema, value: unknown, at = '', noun = 'option'): string | undefined {
  return look(schema, value, at, noun)?.();
}

/** Says what is wrong. It is put into words only where someone wants them: of several schemas, all but one may be wrong, and none of it a mistake. */
type Mistake = () => string;

function look(schema: Schema, value: unknown, at: string, noun: string): Mistake | undefined {
  const kind = Array.isArray(value) ? 'array' : typeof value;
  if (schema.anyOf) {
    const mistakes: Mistake[] = [];
    for (const each of schema.anyOf) {
      const mistake = look(each, value, at, noun);
      if (!mistake) return undefined;
      mistakes.push(mistake);
    }
    // Of what is of the right kind, more can be said.
    const near = schema.anyOf.findIndex(({ type }) => (type === 'integer' ? 'number' : type) === kind);
    if (near >= 0 && value !== null && (kind !== 'string' || schema.anyOf[near]!.enum)) return mistakes[near];
  }
  if (isOf(schema, value, kind)) return inside(schema, value, at, noun);
  return () => {
    const words = schema.enum?.filter((word) => typeof word === 'string') ?? [];
    const meant = typeof value === 'string' && !schema.writeOnly ? suggestion(value, words) : '';
    const given = schema.writeOnly ? '' : `, not ${shown(value)}`;
    return `${at || `${noun}s`} must be ${schema.description ?? 'something else'}${given}${meant && `.${meant}`}`;
  };
}

/** Whether a value is what a schema says, its fields and items left aside. */
function isOf(schema: Schema, value: unknown, kind: string): boolean {
  const { type, minimum = -Infinity, exclusiveMinimum, maximum = Infinity, pattern } = schema;
  if (schema.anyOf) return false;
  if (schema.accepts) return schema.accepts(value);
  if (schema.enum) return schema.enum.includes(value);
  if (typeof value === 'number') {
    const right = type === 'integer' ? Number.isSafeInteger(value) : type === 'number' && !Number.isNaN(value);
    const above = exclusiveMinimum === undefined || value > exclusiveMinimum;
    return right && value >= minimum && above && value <= maximum;
  }
  if (typeof value === 'string' && type === 'string') {
    return value.length >= (schema.minLength ?? 0) && (pattern === undefined || new RegExp(pattern).test(value));
  }
  if (Array.isArray(value)) return type === 'array' && value.length >= (schema.minItems ?? 0);
  return value !== null && kind === type;
}

/** What is wrong with the fields or items of a value. */
function inside(schema: Schema, value: unknown, at: string, noun: string): Mistake | undefined {
  if (schema.items) {
    const { items } = schema;
    const named = items.properties !== undefined;
    return first(value as unknown[], (item, i) => look(items, item, named ? `${at}[${i}]` : at, noun));
  }
  const { properties = {}, additionalProperties = true, required = [] } = schema;
  if (schema.type !== 'object') return undefined;
  const fields = value as Readonly<Record<string, unknown>>;
  const path = (name: string): string => (at === '' ? name : `${at}.${name}`);
  const names = Object.keys(properties);
  return (
    first(Object.keys(fields), (name) => {
      if (additionalProperties || Object.hasOwn(properties, name)) return undefined;
      return () => {
        const meant = suggestion(name, names) || ` Known are ${names.join(', ')}.`;
        return `there is no ${noun} "${path(name)}".${meant}`;
      };
    }) ??
    first(required, (name) =>
      fields[name] === undefined
        ? () => `${path(name)} is missing: it must be ${properties[name]?.description}`
        : undefined,
    ) ??
    first(Object.entries(fields), ([name, field]) => {
      const own = Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
      return field === undefined || typeof own !== 'object' ? undefined : look(own, field, path(name), noun);
    })
  );
}

function first<T>(
  values: readonly T[],
  mistakeOf: (value: T, index: number) => Mistake | undefined,
): Mistake | undefined {
  for (const [index, value] of values.entries()) {
    const found = mistakeOf(value, index);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A value in an error: options also come from JavaScript, where types promise nothing. */
function shown(value: unknown): string {
  if (typeof value === 'string') return `"${value}"`;
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'function') return 'a function';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Fields without those that are undefined, which exact optional types don't allow. */
export function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}
