import type { FastifyReply, FastifyRequest } from 'fastify';
import { messageOf } from '../../errors.js';
import type { Server } from '../service/context.js';
import { Problem, problemType, toProblem } from './problem.js';

/** Every error of a route as a problem, and every request that no route is there for. */
export function handleErrors(app: Server): void {
  app.setErrorHandler((error, request, reply) => {
    sendProblem(error, request, reply);
  });
  app.setNotFoundHandler((request) => {
    const allowed = methods.filter((method) => app.hasRoute({ url: pathOf(request), method }));
    if (allowed.length === 0) throw new Problem(404, 'NOT_FOUND', 'there is nothing here: see /openapi.json');
    const headers = { allow: allowed.join(', ') };
    throw new Problem(405, 'METHOD_NOT_ALLOWED', `not with ${request.method}: see /openapi.json`, { headers });
  });
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'] as const;

const pathOf = ({ url }: FastifyRequest): string => url.replace(/[?#].*$/, '');

/** Answers with a problem; a fault of the server's own is logged, for its details are not sent. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const problem = toProblem(error);
  if (problem.status === 500) request.log.error({ err: problem.cause ?? problem }, 'a request failed');
  else if (problem.code === 'DISK_FULL') request.log.warn('the disk is full: a request was refused');
  else if (problem.code === 'STORAGE_UNAVAILABLE' || problem.code === 'QUEUE_UNAVAILABLE') {
    // Its client is told only that it is so.
    request.log.warn(`a request was refused: ${messageOf(problem.cause)}`);
  }
  // A client that hung up hears nothing any more.
  if (reply.raw.destroyed) return;
  // It names a result that the client does not get: with it, the next answer would be that it has it already.
  void reply
    .removeHeader('etag')
    .code(problem.status)
    .headers({ 'cache-control': 'no-store', ...problem.headers })
    .type(problemType)
    .send(problem.body);
}
