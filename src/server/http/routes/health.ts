import { Type } from 'typebox';
import type { Server, ServerContext } from '../../service/context.js';
import { commonProblems, problemResponses } from '../schemas.js';
import { draining } from '../work-signal.js';

const Status = Type.Object({ status: Type.Literal('ok') }, { additionalProperties: false });

/** `/healthz`: the process lives. `/readyz`: it takes work. Neither needs a token, and neither tells anything else. */
export function healthRoutes(app: Server, { state }: ServerContext): void {
  const problems = problemResponses(...commonProblems);
  app.get(
    '/healthz',
    {
      config: { open: true, health: true },
      schema: {
        operationId: 'getHealth',
        summary: 'Whether the process lives',
        tags: ['operation'],
        response: { 200: { description: 'It does.', ...Status }, ...problems },
      },
    },
    () => ({ status: 'ok' as const }),
  );
  app.get(
    '/readyz',
    {
      config: { open: true, health: true },
      schema: {
        operationId: 'getReadiness',
        summary: 'Whether the server takes work',
        description: '503 while it starts, and from the moment when it is asked to end.',
        tags: ['operation'],
        response: { 200: { description: 'It does.', ...Status }, ...problems },
      },
    },
    () => {
      if (!state.ready) throw draining();
      return { status: 'ok' as const };
    },
  );
}
