import { Type } from 'typebox';
import type { Server, ServerContext } from '../../service/context.js';
import { commonProblems, problemResponses } from '../schemas.js';

/** `/metrics`: for Prometheus. */
export function metricsRoutes(app: Server, { metrics }: ServerContext): void {
  const { registry } = metrics;
  app.get(
    '/metrics',
    {
      schema: {
        operationId: 'getMetrics',
        summary: 'Metrics for Prometheus',
        tags: ['operation'],
        response: {
          200: {
            description: 'Metrics, in Prometheus’ text format.',
            content: { 'text/plain': { schema: Type.String() } },
          },
          ...problemResponses(...commonProblems),
        },
      },
    },
    async (_, reply) => reply.type(registry.contentType).send(await registry.metrics()),
  );
}
