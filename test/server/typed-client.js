// A client that is generated from /openapi.json (openapi-typescript, openapi-fetch) runs one whole job on a farm of a server and a
// worker: sent, followed, fetched, removed; its bytes are those of this machine. Needs the registry, and redis-server.
import { execFile, spawn } from 'node:child_process';
import console from 'node:console';
import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Upscaler } from '#src/image/upscale.js';
import { createServer as createFront, createWorker } from '#src/server/index.js';

const packages = ['openapi-typescript@7.13.0', 'openapi-fetch@0.17.0', 'typescript@5.9.3', '@types/node@20'];
const run = promisify(execFile);
const source = fileURLToPath(new URL('../../examples/images/clipart-car.png', import.meta.url));
const client = fileURLToPath(new URL('typed-client/client.ts', import.meta.url));

const folder = await mkdtemp(join(tmpdir(), 'upres-typed-client-'));
const free = createServer().listen(0, '127.0.0.1');
await once(free, 'listening');
const { port } = /** @type {import('node:net').AddressInfo} */ (free.address());
free.close();
const redis = spawn('redis-server', ['--port', `${port}`, '--bind', '127.0.0.1', '--save', ''], { stdio: 'ignore' });
try {
  const farm = { queue: `redis://127.0.0.1:${port}/0`, storage: join(folder, 'storage') };
  const front = await createFront({ port: 0, cache: false, ...farm });
  const worker = await createWorker({ cache: false, ...farm });
  const url = await front.listen();
  await writeFile(join(folder, 'package.json'), '{ "type": "module", "private": true }');
  await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...packages], { cwd: folder });
  await writeFile(join(folder, 'openapi.json'), await (await fetch(`${url}/openapi.json`)).text());
  const own = (/** @type {string[]} */ ...args) => run('npx', args, { cwd: folder });
  await own('openapi-typescript', 'openapi.json', '-o', 'api.ts');
  await copyFile(client, join(folder, 'client.ts'));
  const strict = ['--strict', '--noUncheckedIndexedAccess', '--exactOptionalPropertyTypes'];
  await own('tsc', ...strict, '--module', 'nodenext', '--target', 'es2023', 'client.ts').catch((error) => {
    throw new Error(error.stdout);
  });
  const result = join(folder, 'result.png');
  const { stdout } = await run(process.execPath, ['client.js', url, source, result], { cwd: folder });
  console.log(stdout.trim());
  const said = JSON.parse(stdout);
  const upscaler = new Upscaler();
  const { data } = await upscaler.upscale(await readFile(source), { model: 'natural' });
  const equal = (await readFile(result)).equals(data);
  const right = said.state === 'done' && said.last === 'done' && said.results.length === 2 && said.removed === 204;
  console.log(equal ? 'the bytes are those of this machine' : 'WRONG: other bytes');
  process.exitCode = right && equal ? 0 : 1;
  await Promise.all([upscaler.dispose(), worker.close(), front.close()]);
} finally {
  redis.kill();
  await rm(folder, { recursive: true, force: true });
}
