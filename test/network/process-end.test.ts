import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { runChild, type ChildOptions, type ChildResult } from '../support/child.js';
import { temporaryFolder } from '../support/folders.js';
import { plainNetwork } from '../support/networks.js';

const script = fileURLToPath(new URL('./fixtures/ending.js', import.meta.url));
const cacheFolder = temporaryFolder();
const otherFile = join(temporaryFolder(), 'other.onnx');

/** Ends a process in one of the ways of `ending.js`. */
async function end(how: string, wait = 0, options: ChildOptions = {}, folder = cacheFolder): Promise<ChildResult> {
  const result = await runChild(script, [how, folder, String(wait), otherFile], options);
  expect(result.hung, `${how} after ${wait} ms hung:\n${result.stdout}${result.stderr}`).toBe(false);
  return result;
}

/** What the process printed, and that it ended well. */
function report({ code, signal, stdout, stderr }: ChildResult): Record<string, unknown> {
  expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** Moments spread over the beginning of the work, its middle, and what lies between. */
const moments = [0, 5, 17, 60];

let hash: unknown;
beforeAll(async () => {
  writeFileSync(otherFile, plainNetwork({ width: 192, depth: 6 }));
  ({ hash } = report(await end('normal')));
});

describe('a process', () => {
  it('ends by itself after its work, although no one disposed the network', async () => {
    expect(report(await end('normal'))).toEqual({ hash });
  });

  it('is not kept alive by an idle network', async () => {
    const { code, signal, stderr } = await end('idle network');
    expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
  });

  it('is kept alive by a call until its result is there', async () => {
    expect(report(await end('call not awaited'))).toEqual({ hash });
  });

  it('ends with the exit code that was set', async () => {
    const { code, signal, stdout } = await end('exit code set in mid-run');
    expect({ code, signal }).toEqual({ code: 5, signal: null });
    expect(JSON.parse(stdout)).toEqual({ hash });
  });

  it.each(moments)('ends with the code of process.exit() in mid-run (after %i ms)', async (wait) => {
    const { code, signal, stderr } = await end('exit in mid-run', wait);
    expect({ code, signal, stderr }).toEqual({ code: 7, signal: null, stderr: '' });
  });

  // A load takes some hundred milliseconds: starting a thread, loading the runtime, optimising, trial runs, writing.
  it.each([0, 40, 90, 180, 300])(
    'ends with the code of process.exit() while a network is being prepared (after %i ms)',
    async (wait) => {
      const { code, signal, stderr } = await end('exit while preparing', wait, {}, temporaryFolderOf(wait));
      expect({ code, signal, stderr }).toEqual({ code: 7, signal: null, stderr: '' });
    },
  );

  it.each(moments)(
    'ends with the code of process.exit() while a network is being disposed (after %i ms)',
    async (wait) => {
      const { code, signal, stderr } = await end('exit while disposing', wait);
      expect({ code, signal, stderr }).toEqual({ code: 7, signal: null, stderr: '' });
    },
  );

  it.each([0, 11, 60])('ends with code 1 after an uncaught exception in mid-run (after %i ms)', async (wait) => {
    const { code, signal, stderr } = await end('uncaught exception', wait);
    expect({ code, signal }).toEqual({ code: 1, signal: null });
    expect(stderr).toContain('no one catches this');
  });

  it('ends with code 1 after an unhandled rejection in mid-run', async () => {
    const { code, signal, stderr } = await end('unhandled rejection', 15);
    expect({ code, signal }).toEqual({ code: 1, signal: null });
    expect(stderr).toContain('no one handles this');
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('ends by %s in mid-run, as it would without a network', async (name) => {
    for (const wait of [0, 25]) {
      const { code, signal } = await end('signal', wait, { onLine: (_, child) => child.kill(name) });
      expect({ code, signal }).toEqual({ code: null, signal: name });
    }
  });

  it.each([0, 11, 60])('ends with its code while an attached worker has calls (after %i ms)', async (wait) => {
    const { code, signal, stderr } = await end('exit while an attached worker has calls', wait);
    expect({ code, signal, stderr }).toEqual({ code: 7, signal: null, stderr: '' });
  });
});

describe('dispose() in mid-run', () => {
  it('finishes the work and lets the process end', async () => {
    expect(report(await end('dispose in mid-run'))).toEqual({ hash, threads: 0 });
  });

  it.each(moments)('with { cancel: true } drops it and lets the process end (after %i ms)', async (wait) => {
    expect(report(await end('dispose with cancel in mid-run', wait))).toEqual({ code: 'ABORTED', threads: 0 });
  });
});

describe('a thread that dies', () => {
  it('is replaced, and what it was given is computed again', async () => {
    expect(report(await end('a thread is killed'))).toEqual({ hash, threads: 2, kept: 1 });
  });

  it.each([0, 9, 31])('harms no result, also with all others at once (after %i ms)', async (wait) => {
    expect(report(await end('all threads are killed at once', wait))).toEqual({ hash });
  });

  it('twice on the same tile ends the call with THREAD_DIED, and only that call', async () => {
    expect(report(await end('the same tile loses its thread twice'))).toMatchObject({
      failure: { code: 'THREAD_DIED' },
      hash,
    });
  });
});

describe('an attached worker', () => {
  it.each([0, 30, 80])('that calls process.exit() in mid-run harms no one (after %i ms)', async (wait) => {
    expect(report(await end('an attached worker exits in mid-run', wait))).toEqual({ worker: 3, hash });
  });
});

/** A cache folder of its own for each moment, so that the network is always prepared anew. */
function temporaryFolderOf(wait: number): string {
  return join(cacheFolder, `prepared-${wait}`);
}
