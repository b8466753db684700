import { mkdirSync } from 'node:fs';
import S3rver from '@20minutes/s3rver';

/**
 * A server that speaks S3 and keeps its objects in a folder: `node s3-server.js FOLDER PORT BUCKET`. It prints its port. Its parent
 * may ask it by a message, and hears how many requests of each kind there were.
 */
const [directory, port, name] = process.argv.slice(2);
mkdirSync(directory, { recursive: true });
const server = new S3rver({
  directory,
  port: Number(port),
  address: '127.0.0.1',
  silent: true,
  // It takes the path of a bucket for another than the one that was signed.
  allowMismatchedSignatures: true,
  configureBuckets: [{ name }],
});
/** Its folders come and go with what is in them, and it loses its way where two requests change them at once. */
let changes = Promise.resolve();
server.middleware.unshift((context, next) => {
  if (context.method === 'GET' || context.method === 'HEAD') return next();
  const change = changes.then(next);
  changes = change.catch(() => undefined);
  return change;
});
/** @type {Record<string, number>} */
const requests = {};
server.middleware.unshift((context, next) => {
  const kind = context.method === 'GET' && context.query['list-type'] !== undefined ? 'LIST' : context.method;
  requests[kind] = (requests[kind] ?? 0) + 1;
  return next();
});
process.on('message', () => process.send?.(requests));
const address = await server.run();
process.stdout.write(`${address.port}\n`);
