import type { Server, ServerContext } from '../service/context.js';
import { onEnd } from './on-end.js';

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
