import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { findBlocks, markOwn } from '#upres/image/dering/drawn-colours.js';
import { findEdges, measureResiduals } from '#upres/image/dering/reduction.js';
import { settleCells } from '#upres/image/dering/dering.js';
import { settleCovered } from '#upres/image/dering/settle-cover.js';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folders.js';

const thread = new URL('../../dist/network/pool/thread.cjs', import.meta.url);
const recorder = new URL('../fixtures/record-imports.js', import.meta.url);
const foreign = new URL('../fixtures/dying-rows.js', import.meta.url).href;

interface Answer {
  readonly kind: string;
  readonly error?: { readonly message: string };
}

/** Has a thread by itself do no rows of a module. */
async function ask(module: string, name: string): Promise<{ answer: Answer; modules: readonly string[] }> {
  const list = join(temporaryFolder(), 'loaded.txt');
  const worker = new Worker(thread, {
    workerData: { state: new SharedArrayBuffer(8), releaseAfter: 1000 },
    env: { ...process.env, UPRES_LOADED: list },
    execArgv: ['--import', recorder.href],
  });
  const cell = (): Int32Array => new Int32Array(new SharedArrayBuffer(4));
  const order = { order: 1, module, name, given: {}, from: 0, to: 0, index: 0, begun: cell(), cancelled: cell() };
  worker.postMessage({ kind: 'rows', ...order });
  const [answer] = (await once(worker, 'message')) as [Answer];
  await worker.terminate();
  const modules = readFileSync(list, 'utf8')
    .split('\n')
    .filter((url) => url.startsWith(pathToFileURL(process.cwd()).href) && url !== recorder.href && url !== thread.href);
  return { answer, modules };
}

describe('the file that threads run', () => {
  it.each([settleCells, settleCovered, findBlocks, markOwn, findEdges, measureResiduals])(
    'has the rows of $name in itself, and imports no module',
    async ({ module, name }) => {
      const { answer, modules } = await ask(module, name);
      // Nothing was given to work on: that the function was called is all there is to see.
      expect(answer.kind).toBe('failed');
      expect(answer.error?.message).toMatch(/Cannot (?:read properties|destructure property)|undefined/);
      expect(modules).toEqual([]);
    },
  );

  it('imports rows of other modules', async () => {
    const { answer, modules } = await ask(foreign, 'none');
    expect(answer.kind).toBe('failed');
    expect(modules).toEqual([foreign]);
  });
});
