/**
 * The HTTP server.
 * @module upres/server
 */
import { hasCode, messageOf, UpresError } from '../errors.js';
import type { UpresWorker, WorkerOptions } from './farm/upres-worker.js';
import type { UpresServer } from './server.js';
import type { ServerOptions } from './service/settings.js';

export type { UpresServer } from './server.js';
export { defaultLimits, type ServerLimits } from './service/limits.js';
export type { UpresWorker, WorkedImage, WorkerOptions } from './farm/upres-worker.js';
export type { SharedCacheOptions } from '../asset/cache/cache-option.js';
export type { ServerOptions, ServerSettings } from './service/settings.js';

/** What only the server needs, so that builds need not install it. */
const peers = ['fastify', '@fastify/accepts', '@fastify/multipart', '@fastify/swagger', 'prom-client', 'typebox'];

/**
 * Makes a server that does not listen yet.
 * @throws BAD_ARGUMENT for options that can't be used, and where the packages that the server needs are not installed;
 *   MODEL_* and DEVICE_UNAVAILABLE for a network or a device that can't be used; QUEUE_UNAVAILABLE and STORAGE_UNAVAILABLE
 */
export async function createServer(options: ServerOptions = {}): Promise<UpresServer> {
  const { createServer: create } = await import('./server.js').catch(asMissing);
  return create(options);
}

/**
 * Makes a worker of a farm, which takes images from then on: see `docs/scale.md`.
 * @throws BAD_ARGUMENT for options that can't be used, and where packages are not installed; QUEUE_UNAVAILABLE and
 *   STORAGE_UNAVAILABLE where queue or storage don't answer; MODEL_* and DEVICE_UNAVAILABLE
 */
export async function createWorker(options: WorkerOptions): Promise<UpresWorker> {
  const { createWorker: create } = await import('./farm/worker.js').catch(asMissing);
  return create(options);
}

function asMissing(cause: unknown): never {
  const missing = hasCode(cause, 'ERR_MODULE_NOT_FOUND') && messageOf(cause);
  if (!missing || !peers.some((peer) => missing.includes(`'${peer}'`))) throw cause;
  throw new UpresError('BAD_ARGUMENT', `the server needs some packages more: npm install ${peers.join(' ')}`, {
    cause,
  });
}
