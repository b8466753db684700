import { Type, type TSchema } from 'typebox';
import { autoModel } from '../../image/auto/auto-model.js';
import { outputFormats } from '../../image/codec/formats.js';
import { builtinLabels } from '../../model/catalogue/registry.js';
import { deviceChoices } from '../../network/device.js';
import { imageTypes } from './media-types.js';
import { problemType, type ProblemBody, type ProblemStatus } from './problem.js';
import type { ServerSettings } from '../service/settings.js';

/** Labels that a request can name. */
export function modelLabels({ models }: Pick<ServerSettings, 'models'>): string[] {
  return [...builtinLabels().map(({ label }) => label), autoModel, ...Object.keys(models)];
}

const wholeNumber = '^[1-9]\\d{0,5}$';

/**
 * The directives as a query has them: texts. They are checked by the grammar of all tools before the schema is applied, so
 * that errors have its words.
 */
export function variantQuery(settings: Pick<ServerSettings, 'models' | 'model' | 'device'>) {
  const text = (pattern: string, description: string) => Type.Optional(Type.String({ pattern, description }));
  const oneOf = (choices: readonly string[], description: string) =>
    Type.Optional(Type.Unsafe<string>({ type: 'string', enum: choices, description }));
  return Type.Object(
    {
      upscale: text(
        '^(?:[1-7](?:\\.\\d{1,6})?|8(?:\\.0{1,6})?)?$',
        'Times the source in both directions, 1 to 8; 2 where no size is asked for. With `width`, times that.',
      ),
      width: text(wholeNumber, 'Exactly this many pixels wide, reducing where needed.'),
      minWidth: text(wholeNumber, 'The larger of the source’s width and this one; alone.'),
      model: oneOf(modelLabels(settings), `A label, or \`auto\`; default \`${settings.model}\`.`),
      format: oneOf([...outputFormats, 'jpg'], 'Default: the source’s own, or what `Accept` likes best.'),
      quality: text('^(?:[1-9]\\d?|100)$', '1 to 100, for JPEG (default 85), WebP (82) and AVIF (60).'),
      lossless: oneOf(['true', 'false', ''], 'Whether WebP and AVIF are written without loss; default as the source.'),
      animation: oneOf(
        ['keep', 'first-frame'],
        '`keep`: it is an error where an animation would become a still. `first-frame`: a still in any case.',
      ),
      device: oneOf(deviceChoices, `What computes; default \`${settings.device}\`.`),
    },
    { additionalProperties: false },
  );
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
  408: 'The request took too long to arrive.',
  409: 'Not in this state.',
  410: 'It was here, and is no more.',
  413: 'Too many bytes, or too many pixels.',
  415: 'Not an image of a format that is served, or a Content-Type that is not read.',
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
