import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { Socket } from 'node:net';
import type { Server } from '../service/context.js';
import { Problem, problemType, toProblem } from './problem.js';
import { hasCode } from '../../errors.js';

/** Every error as a problem: those of routes, of the framework before a route is found, and of connections without a request. */
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

/** Errors that the framework meets before it has found a route, such as a URL that is none. */
export function frameworkError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  sendProblem(error, request, reply);
}

/** What can't be read as HTTP, or arrives too slowly: no request, so the answer is written by hand. */
export function clientError(error: Error, socket: Socket): void {
  if (hasCode(error, 'ECONNRESET') || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, body } = connectionProblem(error);
  const text = JSON.stringify(body);
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
      `Content-Type: ${problemType}`,
      `Content-Length: ${Buffer.byteLength(text)}`,
      'Cache-Control: no-store',
      'Connection: close',
      '',
      text,
    ].join('\r\n'),
  );
}

function connectionProblem(error: Error): Problem {
  if (hasCode(error, 'HPE_HEADER_OVERFLOW')) return new Problem(431, 'BAD_REQUEST', 'the headers are too large');
  if (hasCode(error, 'ERR_HTTP_REQUEST_TIMEOUT'))
    return new Problem(408, 'TIMED_OUT', 'the request took too long to arrive');
  return new Problem(400, 'BAD_REQUEST', 'this is not HTTP as the server reads it');
}
