import type { FastifyReply } from 'fastify';
import { UpresError } from '../../errors.js';
import { onEnd } from './on-end.js';
import { Problem } from './problem.js';
import type { ServerState } from '../service/state.js';

/**
 * A signal that fires when work for a request is of no use any more: the client hung up, its time is over, or the server ends.
 * Where a client is left to answer, the signal's reason is the problem to answer with.
 * @param seconds from now
 */
export function workSignal(reply: FastifyReply, seconds: number, state: ServerState): AbortSignal {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    const detail = `the image took longer than ${seconds} seconds: ask for less, or use a job`;
    controller.abort(new Problem(504, 'TIMED_OUT', detail));
  }, seconds * 1000);
  timer.unref();
  const stop = (): void => {
    controller.abort(draining());
  };
  state.stopping.addEventListener('abort', stop, { once: true });
  if (state.stopping.aborted) stop();
  // Of the response, not of the request: that one closes as soon as its body has been read.
  onEnd(reply, () => {
    clearTimeout(timer);
    state.stopping.removeEventListener('abort', stop);
    controller.abort(new UpresError('ABORTED', 'the client hung up'));
  });
  return controller.signal;
}

/** What is said to whoever comes while the server ends. */
export function draining(): Problem {
  return new Problem(503, 'DRAINING', 'the server is about to end: try again', {
    retryAfter: 5,
    headers: { connection: 'close' },
  });
}
