import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Server } from '../../service/context.js';
import { rangeOf } from '../byte-range.js';
import { allowsTag, matchesTag } from '../etag.js';
import type { Jobs } from '../../jobs/jobs.js';
import { lostProblem, type Job, type JobResult } from '../../jobs/job.js';
import { mediaTypeOf } from '../media-types.js';
import { Problem } from '../problem.js';
import { resultHeaders } from '../result-headers.js';
import { commonProblems, emptyResponse, imageResponse, problemResponses } from '../schemas.js';
import { ownJob } from './jobs-own.js';
import { ImageParams, JobParams, ResultParams } from './jobs-schemas.js';

/** Seconds after which a client that came too early may ask again. */
const retrySeconds = 1;

/** The results of jobs, as they lie on the disk: never all of one in memory. */
export function jobResultRoutes(app: Server, { store, runner }: Jobs): void {
  const response = {
    200: imageResponse('The result.'),
    206: imageResponse('The part that `Range` asks for, told by `Content-Range`.'),
    304: emptyResponse('The client has the result already.'),
    ...problemResponses(...commonProblems, 404, 409, 410, 412, 416),
  };
  const text = (description: string) => Type.Optional(Type.String({ description }));
  const headers = Type.Object({
    'if-match': text('Tags of which the result must have one, or `*`: else 412.'),
    'if-none-match': text('Tags that the client has, or `*`.'),
    range: text('One range of bytes; of several, everything is sent.'),
    'if-range': text('The tag of what the client has a part of: where it is another now, everything is sent.'),
  });
  const description =
    '409 while there is none (with `Retry-After`), and where the image failed (with the reason’s code); 410 when the job was cancelled, or its time is over. `Range` goes on where a download broke off.';

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
    if (!allowsTag(request.headers['if-match'], tag)) {
      throw new Problem(412, 'CONFLICT', 'the result is another than the one that If-Match names');
    }
    if (matchesTag(request.headers['if-none-match'], tag)) return reply.code(304).send();
    const { bytes: size } = result;
    const { range, 'if-range': condition } = request.headers;
    // Ranges are defined for GET only.
    const part = request.method === 'GET' ? rangeOf(range, condition?.toString(), tag, size) : undefined;
    if (part === 'unsatisfiable') throw behindEnd(size);
    const bytes = await store.openResult(job.id, place, output ?? 0, part);
    if (bytes === 'damaged') {
      await runner.lose(job.id, place);
      throw new Problem(409, lostProblem.code, `the image has no result: ${lostProblem.detail}`);
    }
    if (!bytes) throw gone();
    if (part) reply.code(206).header('content-range', `bytes ${part.start}-${part.end}/${size}`);
    const length = part ? part.end - part.start + 1 : size;
    return reply
      .headers({ ...resultHeaders(result), 'accept-ranges': 'bytes', 'content-length': String(length) })
      .type(mediaTypeOf(result.format))
      .send(bytes);
  };

  app.get(
    '/v1/jobs/:id/result',
    {
      schema: {
        operationId: 'getJobResult',
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
        operationId: 'getImageResult',
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
        operationId: 'getImageResultAt',
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

function behindEnd(size: number): Problem {
  const headers = { 'content-range': `bytes */${size}` };
  return new Problem(416, 'RANGE_NOT_SATISFIABLE', `the result has ${size} bytes`, { headers });
}

function gone(): Problem {
  return new Problem(410, 'GONE', 'the job was cancelled, or its time is over: its results were removed');
}
