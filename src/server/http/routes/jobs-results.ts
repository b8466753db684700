import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Server, ServerContext } from '../../service/context.js';
import { matchesTag } from '../etag.js';
import type { Jobs } from '../../jobs/jobs.js';
import type { Job, JobResult } from '../../jobs/job.js';
import { mediaTypeOf } from '../media-types.js';
import { limitTransfer } from '../on-end.js';
import { Problem } from '../problem.js';
import { resultHeaders } from '../result-headers.js';
import { commonProblems, emptyResponse, imageResponse, problemResponses } from '../schemas.js';
import { ownJob } from './jobs-own.js';
import { ImageParams, JobParams, ResultParams } from './jobs-schemas.js';

/** Seconds after which a client that came too early may ask again. */
const retrySeconds = 1;

/** The results of jobs, as they lie on the disk: never all of one in memory. */
export function jobResultRoutes(app: Server, { settings }: ServerContext, { store }: Jobs): void {
  const response = {
    200: imageResponse('The result.'),
    304: emptyResponse('The client has the result already.'),
    ...problemResponses(...commonProblems, 404, 409, 410),
  };
  const headers = Type.Object({ 'if-none-match': Type.Optional(Type.String()) });
  const description =
    '409 while there is none (with `Retry-After`), and where the image failed (with the reason’s code); 410 when the job was cancelled, or its time is over.';

  const send = async (
    request: FastifyRequest,
    reply: FastifyReply,
    job: Job,
    place: number,
    output?: number,
  ): Promise<FastifyReply> => {
    const result = resultOf(job, place, output);
    const tag = `"${result.sha256}"`;
    reply.headers({ etag: tag, 'cache-control': 'private, no-cache' });
    if (matchesTag(request.headers['if-none-match'], tag)) return reply.code(304).send();
    const bytes = await store.openResult(job.id, place, output ?? 0);
    if (!bytes) throw gone();
    limitTransfer(reply, settings.limits.transferSeconds);
    return reply
      .headers({ ...resultHeaders(result), 'content-length': String(result.bytes) })
      .type(mediaTypeOf(result.format))
      .send(bytes);
  };

  app.get(
    '/v1/jobs/:id/result',
    {
      schema: {
        summary: 'The result of a job of one image',
        description,
        tags: ['jobs'],
        params: JobParams,
        headers,
        response,
      },
    },
    async (request, reply) => {
      const job = await ownJob(store, request.client, request.params.id);
      if (job.images.length > 1) {
        const where = `/v1/jobs/${job.id}/images/0/result`;
        throw new Problem(409, 'CONFLICT', `the job has ${job.images.length} images: ask for each, as in ${where}`);
      }
      return send(request, reply, job, 0);
    },
  );

  app.get(
    '/v1/jobs/:id/images/:place/result',
    {
      schema: {
        summary: 'The result of one image of a job',
        description,
        tags: ['jobs'],
        params: ImageParams,
        headers,
        response,
      },
    },
    async (request, reply) => {
      const { id, place } = request.params;
      const job = await ownJob(store, request.client, id);
      return send(request, reply, job, indexIn(job.images, place, 'the job has images'));
    },
  );

  app.get(
    '/v1/jobs/:id/images/:place/results/:output',
    {
      schema: {
        summary: 'One of the results of an image of a job',
        description,
        tags: ['jobs'],
        params: ResultParams,
        headers,
        response,
      },
    },
    async (request, reply) => {
      const { id, place, output } = request.params;
      const job = await ownJob(store, request.client, id);
      const index = indexIn(job.images, place, 'the job has images');
      const { variants } = job.images[index]!;
      return send(request, reply, job, index, indexIn(variants, output, 'the image has results'));
    },
  );
}

/** The place of one of several things; throws where there is no such one. */
function indexIn(all: readonly unknown[], place: string, words: string): number {
  const index = /^\d{1,4}$/.test(place) ? Number(place) : -1;
  if (index in all) return index;
  throw new Problem(404, 'NOT_FOUND', `${words} 0 to ${all.length - 1}`);
}

/** @param output absent where the image is to have one result */
function resultOf(job: Job, place: number, output: number | undefined): JobResult {
  const image = job.images[place];
  if (job.expired || job.state === 'cancelled') throw gone();
  if (output === undefined && image && image.variants.length > 1) {
    const where = `/v1/jobs/${job.id}/images/${place}/results/0`;
    throw new Problem(409, 'CONFLICT', `the image has ${image.variants.length} results: ask for each, as in ${where}`);
  }
  if (image?.state === 'done') return image.results[output ?? 0]!;
  if (image?.state === 'failed') {
    throw new Problem(409, image.problem.code, `the image has no result: ${image.problem.detail}`);
  }
  throw new Problem(409, 'CONFLICT', 'the image is not finished: follow the job’s events, or ask again', {
    retryAfter: retrySeconds,
  });
}

function gone(): Problem {
  return new Problem(410, 'GONE', 'the job was cancelled, or its time is over: its results were removed');
}
