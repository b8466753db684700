/**
 * The HTTP server.
 * @module upres/server
 */
import { hasCode, messageOf, UpresError } from '../errors.js';
import type { UpresServer } from './server.js';
import type { ServerOptions } from './service/settings.js';

export type { UpresServer } from './server.js';
export { defaultLimits, type ServerLimits } from './service/limits.js';
export type { ServerOptions, ServerSettings } from './service/settings.js';

/** What only the server needs, so that builds need not install it. */
const peers = ['fastify', '@fastify/accepts', '@fastify/multipart', '@fastify/swagger', 'prom-client', 'typebox'];

/**
 * Makes a server that does not listen yet.
 * @throws BAD_ARGUMENT for options that can't be used, and where the packages that the server needs are not installed;
 *   MODEL_* and DEVICE_UNAVAILABLE for a network or a device that can't be used
 */
export async function createServer(options: ServerOptions = {}): Promise<UpresServer> {
  const { createServer: create } = await import('./server.js').catch((cause: unknown) => {
    const missing = hasCode(cause, 'ERR_MODULE_NOT_FOUND') && messageOf(cause);
    if (!missing || !peers.some((peer) => missing.includes(`'${peer}'`))) throw cause;
    throw new UpresError('BAD_ARGUMENT', `the server needs some packages more: npm install ${peers.join(' ')}`, {
      cause,
    });
  });
  return create(options);
}
