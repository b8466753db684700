import { Type } from 'typebox';
import type { Server, ServerContext } from '../../service/context.js';
import { onEnd } from '../on-end.js';
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

/** Counts responses by route (never by what the client wrote, which would fill the memory) and how long they took. */
export function countRequests(app: Server, { metrics }: ServerContext): void {
  app.addHook('onRequest', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none';
    const measure = metrics.requestSeconds.startTimer({ route });
    onEnd(reply, () => {
      measure();
      // Who hung up was sent no status.
      const status = reply.raw.headersSent ? String(reply.raw.statusCode) : 'aborted';
      metrics.requests.inc({ route, method: route === 'none' ? 'any' : request.method, status });
    });
    done();
  });
}
