import type { JSONSchema7, Schema } from 'schema-utils';
import { deviceChoices } from '#upres/asset/options.js';

const factors: JSONSchema7 = { anyOf: [{ type: 'number' }, { type: 'array', items: { type: 'number' } }] };
const globs: JSONSchema7 = { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] };
const onError: JSONSchema7 = {
  enum: ['fail', 'original', 'resize'],
  description:
    'What becomes of a picture that fails: the build fails (default), or its own bytes or a plain resize take its place.',
};
const quality: JSONSchema7 = {
  description: 'Quality from 1 to 100: one for all formats that have one, or { jpeg, webp, avif }.',
  anyOf: [
    { type: 'number' },
    {
      type: 'object',
      additionalProperties: false,
      properties: { jpeg: { type: 'number' }, webp: { type: 'number' }, avif: { type: 'number' } },
    },
  ],
};
const maxOutputPixels: JSONSchema7 = {
  type: 'number',
  description: 'The most pixels that one file may have, all frames counted; default 400 million.',
};

const rule: JSONSchema7 = {
  type: 'object',
  additionalProperties: false,
  properties: {
    include: globs,
    exclude: globs,
    upscale: factors,
    minWidth: { type: 'number' },
    model: { type: 'string' },
    format: globs,
    quality,
    maxOutputPixels,
    onError,
  },
};

/** What the loader's options look like. What they mean (labels that exist, factors within range) is the core's to check. */
export const optionsSchema: JSONSchema7 & { properties: object } = {
  title: 'upres options',
  type: 'object',
  additionalProperties: false,
  properties: {
    defaults: {
      description: 'Directives for assets whose path matches, where the asset’s own say nothing.',
      anyOf: [rule, { type: 'array', items: rule }],
    },
    presets: {
      description: 'Directives by name, as an object or as a query: { hero: "upscale=1;2&format=webp" }.',
      type: 'object',
      additionalProperties: { anyOf: [{ type: 'string' }, { type: 'object' }] },
    },
    models: {
      description: 'Networks of your own by label: paths of ONNX files, relative to the context.',
      type: 'object',
      additionalProperties: { type: 'string' },
    },
    model: {
      type: 'string',
      description: 'The label of the network to take; default "auto", the one that suits the picture.',
    },
    quality,
    onError,
    maxOutputPixels,
    cache: {
      description: 'The folder of the cache, or false for none; default "node_modules/.cache/upres".',
      anyOf: [{ type: 'string' }, { enum: [false] }],
    },
    threads: { type: 'integer', minimum: 1, description: 'Threads that compute; default: one for each core.' },
    device: {
      enum: [...deviceChoices],
      description: 'What computes networks: "cpu" (default), "auto" for the fastest device that works, or one by name.',
    },
    report: {
      description: 'Writes a page with before and after of each picture: true, or its path.',
      anyOf: [{ type: 'boolean' }, { type: 'string' }],
    },
  },
};

/** And what the plugin takes beside them. */
export const pluginOptionsSchema: Schema = {
  ...optionsSchema,
  properties: {
    ...optionsSchema.properties,
    leftovers: {
      enum: ['error', 'warn', 'ignore'],
      description: 'What becomes of a build that emits a directive which no loader has seen; default "error".',
    },
  },
};
