import { mkdirSync } from 'node:fs';
import S3rver from '@20minutes/s3rver';

/**
 * A server that speaks S3 and keeps its objects in a folder: `node s3-server.js FOLDER PORT BUCKET`. It prints its port.
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
const address = await server.run();
process.stdout.write(`${address.port}\n`);
