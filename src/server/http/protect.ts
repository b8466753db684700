import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { anonymous } from '../service/client.js';
import type { Server, ServerContext } from '../service/context.js';
import type { ServerSettings } from '../service/settings.js';
import { sendProblem } from './errors.js';
import { Guard } from './guard.js';
import { Tokens } from '../service/tokens.js';
import { draining } from './work-signal.js';

/** Headers of every response. What shows a page sets a policy of its own. */
const headers = {
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
};

/**
 * Answers with errors that the framework meets before it has found a route, such as a URL that is none. Hooks are not called for
 * them, so what these do is done here.
 */
export function frameworkErrors(settings: ServerSettings) {
  const guard = new Guard(settings);
  return (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void => {
    reply.headers(headers);
    try {
      guard.check(request, false);
      sendProblem(error, request, reply);
    } catch (refused) {
      sendProblem(refused, request, reply);
    }
  };
}

/** Decides about every request before anything of its body is read: may it come, who is it, is there work for it. */
export function protect(app: Server, { settings, state }: ServerContext): void {
  const guard = new Guard(settings);
  const tokens = new Tokens(settings.tokens);
  app.decorateRequest('client');
  app.addHook('onRequest', (request, reply, done) => {
    const { open = false, health = false, work = false, body } = request.routeOptions.config;
    // Where no body is read, its kind does not matter.
    if (!body) delete request.headers['content-type'];
    reply.headers(headers);
    request.client = anonymous;
    guard.check(request, open, health);
    // What is not there is no secret.
    if (!open && !request.is404) request.client = tokens.client(request.headers.authorization);
    if (work && state.draining.aborted) throw draining();
    done();
  });
}
