import { Type, type TOptional, type TSchema, type TUnsafe } from 'typebox';
import { autoModel } from '../../image/auto/auto-model.js';
import { formatTraits } from '../../image/codec/formats.js';
import { builtinLabels } from '../../model/catalogue/registry.js';
import { choice, type Schema } from '../../schema.js';
import { imageTypes } from './media-types.js';
import { problemType, type ProblemBody, type ProblemStatus } from './problem.js';
import type { ServerSettings } from '../service/settings.js';
import { requestFields } from '../service/variant.js';

/** Labels that a request can name. */
function modelLabels({ models }: Pick<ServerSettings, 'models'>): string[] {
  return [...builtinLabels().map(({ label }) => label), autoModel, ...Object.keys(models)];
}

type RequestField = keyof typeof requestFields.properties;

/** What a directive is for. What it may be, its schema says. */
function purposes({ model, device }: Pick<ServerSettings, 'model' | 'device'>): Record<RequestField, string> {
  const qualities = Object.values(formatTraits).flatMap(({ display, quality }) =>
    quality === undefined ? [] : [`${display} (default ${quality})`],
  );
  return {
    upscale: 'Times the source in both directions; 2 where no size is asked for. With `width`, times that.',
    width: 'Exactly this many pixels wide, reducing where needed.',
    minWidth: 'The larger of the source’s width and this one; alone.',
    model: `A label, or \`auto\`; default \`${model}\`.`,
    format: 'Default: the source’s own; for an answer at once, what `Accept` likes best.',
    quality: `For ${qualities.join(', ')}.`,
    lossless: 'Whether WebP and AVIF are written without loss; default as the source.',
    animation: '`keep`: it is an error where an animation would become a still. `first-frame`: a still in any case.',
    device: `What computes; default \`${device}\`.`,
  };
}

/**
 * The directives as a query has them: texts. They are checked by the grammar of all tools before the schema is applied, so
 * that errors have its words.
 * @param several whether the request may ask for several files of an image
 */
export function variantQuery(settings: Pick<ServerSettings, 'models' | 'model' | 'device'>, several: boolean) {
  const told = purposes(settings);
  const known = { ...requestFields.properties, model: choice(modelLabels(settings)) };
  const fields = Object.entries(known).map(([name, schema]: [string, Schema]) => {
    const text = asText(schema.anyOf?.[0] ?? schema, several && schema.anyOf !== undefined);
    const description = `${told[name as RequestField]} ${text.description}`.trim();
    return [name, Type.Optional(Type.Unsafe<string>({ type: 'string', ...text, description }))];
  });
  return Type.Object(Object.fromEntries(fields) as Record<RequestField, TOptional<TUnsafe<string>>>, {
    additionalProperties: false,
  });
}

/** What a text must be that stands for a value, or for several. */
function asText(
  { type, enum: words, description = '' }: Schema,
  several: boolean,
): { readonly description: string; readonly enum?: readonly unknown[]; readonly pattern?: string } {
  if (type === 'boolean') return { enum: ['true', 'false', ''], description: 'Nothing means `true`.' };
  if (words && !several) return { enum: words, description: '' };
  const number = type === 'integer' ? '\\d+' : '\\d+(?:\\.\\d+)?';
  const one = words ? `(?:${words.join('|')})` : number;
  const what = description.charAt(0).toUpperCase() + description.slice(1);
  return several
    ? { pattern: `^(?:${one}(?:[;,]${one})*)?$`, description: `${what}, or several with \`;\` between them.` }
    : { pattern: `^(?:${one})?$`, description: `${what}.` };
}

/** Bytes. In a document only: nothing of them is checked by a schema. */
export function bytes(description: string): TSchema {
  return Type.Unsafe<Uint8Array>({ type: 'string', format: 'binary', description });
}

/** The body of a route that takes images, as the document shows it: one of them raw, or in a form. */
export function imagesBody(several: boolean): object {
  const raw = { schema: bytes('The image’s bytes.') };
  const image = { type: 'string', format: 'binary' };
  const form = Type.Unsafe({
    type: 'object',
    properties: several ? { images: { type: 'array', items: image, minItems: 1 } } : { image },
    description: 'Files, by any field name, and directives as fields; what the query says must not be said again.',
  });
  return {
    content: {
      ...Object.fromEntries([...imageTypes, 'application/octet-stream'].map((type) => [type, raw])),
      'multipart/form-data': { schema: form },
    },
  };
}

/** Headers of an image that was upscaled. */
const resultHeaders = {
  etag: Type.String({ description: 'A name for these bytes, for `If-None-Match`.' }),
  'upres-width': Type.Integer({ description: 'Pixels.' }),
  'upres-height': Type.Integer({ description: 'Pixels of one frame.' }),
  'upres-frames': Type.Integer({ description: 'More than 1 for an animation.' }),
  'upres-model': Type.String({ description: 'The label, percent-encoded; what `auto` chose.' }),
  'upres-device': Type.String({ description: 'What computed it.' }),
  'upres-machine': Type.Optional(
    Type.String({
      description: 'The kind of machine that computed it, percent-encoded: others may differ in the last bit.',
    }),
  ),
  'upres-approximate': Type.Optional(
    Type.Integer({
      description: '1 where the network looks too far for tiles that equal the whole; absent elsewhere.',
    }),
  ),
  'upres-approximate-by': Type.Optional(
    Type.Number({ description: 'How far they are from it at most, in levels of 255, where that was tried.' }),
  ),
};

/** An image as the response of a status. */
export function imageResponse(description: string): TSchema {
  const schema = bytes('The image’s bytes.');
  return Type.Unsafe<Uint8Array>({
    description,
    headers: resultHeaders,
    content: Object.fromEntries(imageTypes.map((type) => [type, { schema }])),
  });
}

/** A response without a body. */
export function emptyResponse(description: string): TSchema {
  return Type.Unsafe<null>({ type: 'null', description });
}

const problemWords: Readonly<Record<ProblemStatus, string>> = {
  400: 'The request is not one: malformed, or cut short.',
  401: 'No token, or not one that is known.',
  403: 'A Host that the server does not answer to, or a page of another site.',
  404: 'There is no such thing, or not for this client.',
  405: 'Not with this method.',
  406: 'No format that the client accepts.',
  408: 'The request arrived too slowly.',
  409: 'Not in this state.',
  410: 'It was here, and is no more.',
  411: 'The length of the body is not told.',
  412: 'The client has the result already.',
  413: 'Too many bytes, or too many pixels.',
  414: 'The address is too long.',
  415: 'Not an image of a format that is served, or a Content-Type that is not read.',
  416: 'The bytes that are asked for lie behind the end.',
  417: 'Something is expected that the server does not do.',
  422: 'A bad directive, a damaged image, or a result that would be too large.',
  429: 'This client has enough to do: try again after `Retry-After` seconds.',
  431: 'Too many headers.',
  500: 'A fault of the server’s own.',
  503: 'The server is about to end, or has no room: try again after `Retry-After` seconds.',
  504: 'The image took longer than a request may.',
};

/** Schemas for the errors of a route. */
export function problemResponses<S extends ProblemStatus>(...statuses: readonly S[]) {
  const one = (status: S): [S, TSchema] => [
    status,
    Type.Unsafe<ProblemBody>({
      description: problemWords[status],
      content: { [problemType]: { schema: Type.Ref('Problem') } },
    }),
  ];
  return Object.fromEntries(statuses.map(one)) as Record<S, TSchema & { static: ProblemBody }>;
}

/** What any route may answer, where tokens and hosts are checked. */
export const commonProblems = [400, 401, 403, 500, 503] as const;
