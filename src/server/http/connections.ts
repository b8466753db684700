import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { hasCode } from '../../errors.js';
import type { Server } from '../service/context.js';
import { Problem, problemType } from './problem.js';

/** So long a connection stays that was answered and told to go: else the answer may be lost. */
const lingerMs = 2000;

/**
 * Bounds the connections. The system gives a process a number of them; whoever opens many and asks for nothing must not
 * keep out those who do. Above the bound the one that has been idle longest makes room, be it new or kept alive; where all are
 * in use, the new one is closed.
 */
export function boundConnections({ server }: Server, most: number): void {
  /** Those without a request, those that are so for the longest time first. */
  const idle = new Set<Socket>();
  let open = 0;
  server.on('connection', (socket: Socket) => {
    open++;
    idle.add(socket);
    socket.once('close', () => {
      open--;
      idle.delete(socket);
    });
    if (open <= most) return;
    const [longest] = idle;
    longest?.destroy();
  });
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    idle.delete(socket);
    response.once('close', () => {
      if (!socket.destroyed) idle.add(socket);
    });
  });
}

/** Answers what Node.js would not hand to a route: without a word it would close the connection, or answer without a body. */
export function answerAllElse({ server }: Server): void {
  server.on('connect', (_: IncomingMessage, socket: Duplex) => {
    answerByHand(socket, new Problem(405, 'METHOD_NOT_ALLOWED', 'this is no proxy: see /openapi.json'));
  });
  server.on('checkExpectation', ({ socket }: IncomingMessage) => {
    answerByHand(socket, new Problem(417, 'BAD_REQUEST', 'of Expect, 100-continue is all that is understood'));
  });
}

/** What can't be read as HTTP, or arrives too slowly: no request, so the answer is written by hand. */
export function clientError(error: Error, socket: Socket): void {
  if (hasCode(error, 'ECONNRESET') || !socket.writable) {
    socket.destroy();
    return;
  }
  answerByHand(socket, connectionProblem(error));
}

function connectionProblem(error: Error): Problem {
  if (hasCode(error, 'HPE_HEADER_OVERFLOW')) return new Problem(431, 'BAD_REQUEST', 'the headers are too large');
  if (hasCode(error, 'ERR_HTTP_REQUEST_TIMEOUT'))
    return new Problem(408, 'TIMED_OUT', 'the request took too long to arrive');
  return new Problem(400, 'BAD_REQUEST', 'this is not HTTP as the server reads it');
}

/** The last thing that is said on a connection: it ends whether its client ends it or not. */
function answerByHand(socket: Duplex, { status, body, headers }: Problem): void {
  const text = JSON.stringify(body);
  const all = {
    'Content-Type': problemType,
    'Content-Length': String(Buffer.byteLength(text)),
    'Cache-Control': 'no-store',
    Connection: 'close',
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  socket.on('error', () => undefined);
  socket.end([`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines, '', text].join('\r\n'));
  setTimeout(() => socket.destroy(), lingerMs).unref();
}
