import { Type } from 'typebox';
import type { Client } from '../../service/client.js';
import type { Server } from '../../service/context.js';
import { JobEvents } from '../../jobs/job-events.js';
import { hasEnded, newsVersion } from '../../jobs/job.js';
import type { Jobs } from '../../jobs/jobs.js';
import { Problem } from '../problem.js';
import { commonProblems, emptyResponse, problemResponses } from '../schemas.js';
import { ownJob } from './jobs-own.js';
import { jobBody, JobParams } from './jobs-schemas.js';

/** Streams that a client may have open at once. */
const streamsPerClient = 200;
/** Seconds after which a client with too many streams may try again. */
const retrySeconds = 5;

/** `GET /v1/jobs/:id/events`: a job's way to its end, as server-sent events. */
export function jobEventsRoute(app: Server, { store, runner }: Jobs): void {
  const open = new Map<Client, number>();
  app.get(
    '/v1/jobs/:id/events',
    {
      exposeHeadRoute: false,
      schema: {
        operationId: 'followJob',
        summary: 'Follow a job',
        description:
          'Server-sent events: `state` with the job whenever an image has begun or ended, `progress` in between, and one `done` with the job when it has ended, whichever way; then the stream ends. With the `Last-Event-ID` of `done` there is nothing left to tell: 204, on which browsers stop asking.',
        tags: ['jobs'],
        params: JobParams,
        headers: Type.Object({ 'last-event-id': Type.Optional(Type.String()) }),
        response: {
          200: {
            description: 'Events, until the job has ended or the server does.',
            content: { 'text/event-stream': { schema: Type.String() } },
          },
          204: emptyResponse('The client has seen the job’s end.'),
          ...problemResponses(...commonProblems, 404, 429),
        },
      },
    },
    async (request, reply) => {
      const { client } = request;
      const { id } = request.params;
      const job = await ownJob(store, client, id);
      const seen = versionIn(request.headers['last-event-id']);
      if (hasEnded(job) && seen !== undefined && seen >= newsVersion(job)) return reply.code(204).send();
      const streams = open.get(client) ?? 0;
      if (streams >= streamsPerClient) {
        const detail = `you follow ${streamsPerClient} jobs already: leave some of them`;
        throw new Problem(429, 'BUSY', detail, { retryAfter: retrySeconds });
      }
      open.set(client, streams + 1);
      const events = new JobEvents({
        current: async () => {
          const now = await store.get(id);
          return now && { job: now, progress: await runner.progress(now) };
        },
        listen: (listener) => runner.listen(id, listener),
        closed: () => runner.closed,
        describe: jobBody,
        seen,
      });
      events.once('close', () => {
        const left = (open.get(client) ?? 1) - 1;
        if (left > 0) open.set(client, left);
        else open.delete(client);
      });
      return reply
        .headers({ 'cache-control': 'no-cache', 'x-accel-buffering': 'no' })
        .type('text/event-stream; charset=utf-8')
        .send(events);
    },
  );
}

/** What a client has seen last; nothing where it says something else. */
function versionIn(lastEventId: string | undefined): number | undefined {
  return lastEventId !== undefined && /^\d{1,15}$/.test(lastEventId) ? Number(lastEventId) : undefined;
}
