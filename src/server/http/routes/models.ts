import { Type } from 'typebox';
import { autoModel } from '../../../image/auto/auto-model.js';
import { builtinLabels } from '../../../model/catalogue/registry.js';
import type { Server, ServerContext } from '../../service/context.js';
import { commonProblems, problemResponses } from '../schemas.js';

const Model = Type.Object(
  {
    label: Type.String(),
    kind: Type.Union([
      Type.Literal('network'),
      Type.Literal('interpolation'),
      Type.Literal('choice'),
      Type.Literal('own'),
    ]),
    scales: Type.Optional(Type.Array(Type.Integer({ minimum: 1 }), { description: 'Others are chained from these.' })),
    display: Type.String(),
    for: Type.Optional(Type.String()),
    licence: Type.Optional(Type.String()),
    author: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
);

const Models = Type.Object(
  { default: Type.String(), models: Type.Array(Model) },
  { additionalProperties: false, description: 'Labels that `model` takes.' },
);

/** `GET /v1/models`: what a request can name. Of the owner's own networks it tells the labels, not the paths. */
export function modelsRoutes(app: Server, { settings }: ServerContext): void {
  const builtin = builtinLabels().map(({ label, kind, scales, display, for: use, licence, author }) => ({
    ...{ label, kind, scales: [...scales], display, for: use, licence, author },
  }));
  const choice = {
    label: autoModel,
    kind: 'choice' as const,
    display:
      'whichever of natural, natural-jpeg, art, art-jpeg, anime, anime-noise1, nearest and bicubic suits the image',
  };
  const own = Object.keys(settings.models).map((label) => ({ label, kind: 'own' as const, display: label }));
  const models = [...builtin, choice, ...own];
  app.get(
    '/v1/models',
    {
      schema: {
        operationId: 'listModels',
        summary: 'Networks that can be asked for',
        tags: ['images'],
        response: { 200: Models, ...problemResponses(...commonProblems) },
      },
    },
    () => ({ default: settings.model, models }),
  );
}
