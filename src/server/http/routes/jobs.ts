import { Type } from 'typebox';
import { check, type Schema } from '../../../schema.js';
import type { Server, ServerContext } from '../../service/context.js';
import { Jobs } from '../../jobs/jobs.js';
import { submitJob } from '../../jobs/submit.js';
import { mergeFields } from '../merge-fields.js';
import { Problem } from '../problem.js';
import { commonProblems, emptyResponse, imagesBody, problemResponses, variantQuery } from '../schemas.js';
import { readUpload } from '../upload.js';
import { parseVariants } from '../../service/variant.js';
import { onEnd } from '../on-end.js';
import { jobEventsRoute } from './jobs-events.js';
import { ownJob } from './jobs-own.js';
import { jobResultRoutes } from './jobs-results.js';
import { JobBody, jobBody, JobList, JobParams, jobSummary } from './jobs-schemas.js';

const defaultPage = 20;
const largestPage = 100;

const located = { headers: { Location: Type.String({ description: 'Where the job is.' }) } };

const ListQuery = Type.Object(
  {
    limit: Type.Optional(Type.String({ pattern: '^(?:[1-9]\\d?|100)$', description: 'from 1 to 100, by default 20' })),
    before: Type.Optional(Type.String({ pattern: '^[\\w-]{22}$', description: '`next` of the page before' })),
  },
  { additionalProperties: false },
);

/**
 * `/v1/jobs`: images that are upscaled after the answer, and survive the end of the server. A job belongs to the token that made
 * it; for all others there is none.
 * @throws BAD_ARGUMENT while another server uses the folder
 */
export async function jobRoutes(app: Server, context: ServerContext): Promise<void> {
  const jobs = await Jobs.open(context, {
    warn: (message) => {
      app.log.warn(message);
    },
    fault: (err) => {
      app.log.error({ err }, 'an image of a job failed');
    },
  });
  app.addHook('onClose', () => jobs.close());
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.url !== '/metrics') return;
    const { states, waiting } = await jobs.count();
    for (const [state, count] of Object.entries(states)) context.metrics.jobs.set({ state }, count);
    context.metrics.jobPixels.set(waiting);
  });
  submitRoute(app, context, jobs);
  listRoute(app, jobs);
  jobRoute(app, jobs);
  deleteRoute(app, jobs);
  jobResultRoutes(app, jobs);
  jobEventsRoute(app, jobs);
}

function submitRoute(app: Server, context: ServerContext, jobs: Jobs): void {
  const { settings, state } = context;
  app.post(
    '/v1/jobs',
    {
      config: { work: true, body: imagesBody(true) },
      schema: {
        operationId: 'createJob',
        summary: 'Upscale images later',
        description:
          'One image or a form of several; the directives count for all of them, and every size in every format becomes a file of its own: `upscale=2;4&format=avif;webp` makes four of each image, which is decoded once, and enlarged once for each size. The answer comes when the job is on the disk: from then on it is finished whatever happens to the server. An image of a form that can’t be upscaled fails by itself, and is told in the job.',
        tags: ['jobs'],
        querystring: variantQuery(settings, true),
        headers: Type.Object({
          'idempotency-key': Type.Optional(
            Type.String({
              pattern: '^[\\x21-\\x7e]{1,255}$',
              description:
                'Any text of yours: the same request with the same key makes no second job, as long as the first is kept.',
            }),
          ),
        }),
        response: {
          200: { description: 'The job that this key has made before.', ...located, ...JobBody },
          202: { description: 'The job is accepted.', ...located, ...JobBody },
          ...problemResponses(...commonProblems, 408, 413, 415, 422, 429),
        },
      },
      preValidation: (request, _, done) => {
        parseVariants(request.query, settings);
        done();
      },
    },
    async (request, reply) => {
      onEnd(reply, state.beginRequest());
      const { imagesPerJob, jobBytes } = settings.limits;
      const upload = await readUpload(request, context, { images: imagesPerJob, bytes: jobBytes });
      onEnd(reply, upload.release);
      if (upload.images.length === 0) throw new Problem(422, 'BAD_ARGUMENT', 'the form holds no file: send an image');
      const { job, known } = await submitJob(context, jobs.store, {
        client: request.client,
        variants: parseVariants(mergeFields(request.query, upload.fields), settings),
        images: upload.images,
        key: request.headers['idempotency-key'],
      });
      await jobs.runner.add(job, request.client);
      reply.header('location', `/v1/jobs/${job.id}`);
      return reply.code(known ? 200 : 202).send(jobBody(job, await jobs.runner.progress(job)));
    },
  );
}

function listRoute(app: Server, { store, runner }: Jobs): void {
  app.get(
    '/v1/jobs',
    {
      // In the words of all other parameters.
      preValidation: ({ query }, _, done) => {
        check(ListQuery as unknown as Schema, query, '', 'parameter');
        done();
      },
      schema: {
        operationId: 'listJobs',
        summary: 'Your jobs, newest first',
        tags: ['jobs'],
        querystring: ListQuery,
        response: { 200: JobList, ...problemResponses(...commonProblems, 422) },
      },
    },
    async ({ client, query: { before, limit } }) => {
      const all = (await store.list(client.id)).toReversed();
      const from = before === undefined ? 0 : all.findIndex(({ id }) => id === before) + 1;
      if (before !== undefined && from === 0) {
        throw new Problem(
          422,
          'BAD_ARGUMENT',
          '"before" is no job of yours: it may have been removed, restart from the first page',
        );
      }
      const count = Math.min(limit === undefined ? defaultPage : Number(limit), largestPage);
      const page = all.slice(from, from + count);
      const last = page.at(-1);
      return {
        jobs: await Promise.all(page.map(async (job) => jobSummary(job, await runner.progress(job)))),
        ...(last && all.length > from + count && { next: last.id }),
      };
    },
  );
}

function jobRoute(app: Server, { store, runner }: Jobs): void {
  app.get(
    '/v1/jobs/:id',
    {
      schema: {
        operationId: 'getJob',
        summary: 'A job: how far it is, and where its results are',
        tags: ['jobs'],
        params: JobParams,
        response: { 200: JobBody, ...problemResponses(...commonProblems, 404) },
      },
    },
    async ({ client, params: { id } }) => {
      const job = await ownJob(store, client, id);
      return jobBody(job, await runner.progress(job));
    },
  );
}

function deleteRoute(app: Server, { store, runner }: Jobs): void {
  app.delete(
    '/v1/jobs/:id',
    {
      schema: {
        operationId: 'deleteJob',
        summary: 'Cancel a job, or remove one that has ended',
        description:
          'What is being computed stops within a tile. Its data is removed; of a job that was cancelled, that much stays known for a while.',
        tags: ['jobs'],
        params: JobParams,
        response: {
          200: { description: 'It was cancelled.', ...JobBody },
          204: emptyResponse('It had ended, and is removed.'),
          ...problemResponses(...commonProblems, 404),
        },
      },
    },
    async ({ client, params: { id } }, reply) => {
      const job = await ownJob(store, client, id);
      const cancelled = await runner.cancel(id);
      if (cancelled) return reply.code(200).send(jobBody(cancelled, await runner.progress(cancelled)));
      await runner.remove(job);
      return reply.code(204).send();
    },
  );
}
