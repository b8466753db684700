import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Question } from './protocol.js';

/** The environment's variable that tells Turbopack's processes where to ask. */
export const addressVariable = 'UPRES_NEXT_SOCKET';
export const inputsHeader = 'x-upres-inputs';

/**
 * Offers to compute for Turbopack's processes. It runs loaders in several of these, and starts and ends them as it likes; so they
 * all ask the first process that has read the configuration, which has one pool of threads and one cache.
 */
export function offer(): void {
  if (process.env[addressVariable] !== undefined) return;
  const folder = temporaryFolder();
  if (folder === undefined) return;
  const address = process.platform === 'win32' ? `\\\\.\\pipe\\${folder.replace(/\W/g, '-')}` : join(folder, 'next');
  process.env[addressVariable] = address;
  process.once('exit', () => {
    rmSync(folder, { recursive: true, force: true });
  });
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const question = JSON.parse(Buffer.concat(chunks).toString()) as Question;
      // `answer` never fails: what goes wrong is an answer, too.
      void import('./answer.js')
        .then(({ answer }) => answer(question))
        .then(({ inputs, body, failed }) => {
          const headers = { [inputsHeader]: encodeURIComponent(JSON.stringify(inputs)), Connection: 'close' };
          response.writeHead(failed ? 422 : 200, headers).end(body);
        });
    });
  });
  // Where no one can listen, each process computes by itself.
  server.on('error', () => {
    Reflect.deleteProperty(process.env, addressVariable);
  });
  server.listen(address);
  server.unref();
}

/** @returns undefined where nothing can be written, as in some containers: there each process computes by itself */
function temporaryFolder(): string | undefined {
  try {
    return mkdtempSync(join(tmpdir(), 'upres-'));
  } catch {
    return undefined;
  }
}

/** Says what was done, when a build is complete. */
export async function finish(): Promise<void> {
  const { finishAll } = await import('./answer.js');
  await finishAll();
}
