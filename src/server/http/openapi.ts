import swagger from '@fastify/swagger';
import { Type } from 'typebox';
import { version } from '../../version.js';
import type { Server, ServerContext } from '../service/context.js';
import { ProblemBody } from './problem.js';
import { commonProblems, problemResponses } from './schemas.js';

/** The document of all routes that are registered after this, made from their schemas. */
export async function registerOpenApi(app: Server, { settings }: ServerContext): Promise<void> {
  const tokens = settings.tokens.length > 0;
  app.addSchema(ProblemBody);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'upres',
        version,
        description: 'Upscales images with neural networks, now or as a job. Every error is a problem (RFC 9457).',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      tags: [
        { name: 'images', description: 'One image, now.' },
        { name: 'jobs', description: 'Several images, later.' },
        { name: 'operation', description: 'For whoever runs the server.' },
      ],
      // Wherever this document was fetched from.
      servers: [{ url: '/' }],
      components: { securitySchemes: tokens ? { token: { type: 'http', scheme: 'bearer' } } : {} },
    },
    refResolver: {
      buildLocalReference: (json, _, __, index) => (typeof json.$id === 'string' ? json.$id : `def-${index}`),
    },
    transform: ({ schema, url, route }) => {
      const { body, open } = route.config ?? {};
      return {
        url,
        schema: {
          ...schema,
          ...(body && { body }),
          security: tokens && !open ? [{ token: [] }] : [],
        },
      };
    },
  });
  app.get(
    '/openapi.json',
    {
      config: { open: true },
      schema: {
        operationId: 'getDocument',
        summary: 'This document',
        tags: ['operation'],
        response: {
          200: Type.Object({}, { additionalProperties: true, description: 'OpenAPI 3.1.' }),
          ...problemResponses(...commonProblems),
        },
      },
    },
    () => app.swagger(),
  );
}
