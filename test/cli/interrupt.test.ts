import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { execute, sharedCache, upres } from './support/command.js';
import { type Folder, makeFolder } from './support/folder.js';
import { picture } from './support/pictures.js';

let small: Uint8Array;
/** Seconds of work. */
let large: Uint8Array;

beforeAll(async () => {
  small = await picture(24, 16);
  large = await picture(2400, 2400);
});

afterAll(() => rm(sharedCache, { recursive: true, force: true }));

/** Sends the signals as soon as the first, small image is done; the large ones are in the network then, or waiting for it. */
async function interrupted(folder: Folder, signals: NodeJS.Signals[], args: string[] = []) {
  await folder.write({ 'a.png': small, 'b.png': large, 'c.png': large, 'd.png': large });
  let sent = false;
  return upres(['.', ...args], {
    cwd: folder.path,
    onStderr: (text, child) => {
      if (sent || !text.includes('a@2x.png')) return;
      sent = true;
      for (const signal of signals) child.kill(signal);
    },
  });
}

test.each<[NodeJS.Signals, number]>([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
])('%s stops the work, keeps what is done, leaves nothing half, and exits %i', async (signal, exitCode) => {
  await using folder = await makeFolder();
  const result = await interrupted(folder, [signal], ['--json']);
  expect({ code: result.code, signal: result.signal }, result.stderr).toEqual({ code: exitCode, signal: null });
  expect(result.stderr).toContain(`Stopping (${signal}); once more kills at once.`);
  expect(result.stderr).toContain('Stopped: 3 images not finished.');
  expect(result.stdout.trim().split('\n')).toHaveLength(1);
  expect(await folder.list()).toEqual(['a.png', 'a@2x.png', 'b.png', 'c.png', 'd.png']);
});

describe('a second signal kills at once', () => {
  test('while the command is stopping', async () => {
    await using folder = await makeFolder();
    await folder.write({
      'a.png': small,
      'b.png': large,
      // Stopping takes a tile's time or less: this makes it long enough for another signal to come first.
      'preload.cjs': `process.on('exit', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30_000));`,
    });
    let sent: NodeJS.Signals | undefined;
    let again: NodeJS.Timeout | undefined;
    const result = await upres(['a.png', 'b.png'], {
      cwd: folder.path,
      env: { NODE_OPTIONS: `--require ${folder.join('preload.cjs')}` },
      onStderr: (text, child) => {
        if (text.includes('Stopping') && sent !== 'SIGTERM') {
          sent = 'SIGTERM';
          // One that comes in the instant between the end of the work and the end of the watch over signals finds no one who
          // listens to it any more; users press again, and so does this.
          again = setInterval(() => child.kill('SIGTERM'), 100);
          child.kill('SIGTERM');
        } else if (text.includes('a@2x.png') && sent === undefined) {
          sent = 'SIGINT';
          child.kill('SIGINT');
        }
      },
    }).finally(() => {
      clearInterval(again);
    });
    expect({ code: result.code, signal: result.signal }, result.stderr).toEqual({ code: null, signal: 'SIGTERM' });
    expect(await folder.list()).toEqual(['a.png', 'a@2x.png', 'b.png', 'preload.cjs']);
  });

  test.each([
    ['the second one', ['ready', 'first'], undefined],
    ['the first one, after a time', ['ready'], 100],
  ])('while the work goes on, and takes temporary files with it: %s', async (_, cues, mostMs) => {
    await using folder = await makeFolder();
    const url = (name: string) => JSON.stringify(new URL(`../../dist/cli/${name}.js`, import.meta.url).href);
    await folder.write({
      'busy.mjs': `import { watchInterrupts } from ${url('interrupt')};
        import { writeTempFile } from ${url('temp-file')};
        await writeTempFile('.', Buffer.from('half'));
        const interrupts = watchInterrupts((signal) => console.error('first', signal, interrupts.signal.aborted), ${mostMs});
        setInterval(() => {}, 1000);
        console.error('ready');`,
    });
    const sent = new Set<string>();
    const result = await execute(process.execPath, ['busy.mjs'], {
      cwd: folder.path,
      onStderr: (text, child) => {
        for (const cue of cues) {
          if (!text.includes(cue) || sent.has(cue)) continue;
          sent.add(cue);
          child.kill('SIGINT');
        }
      },
    });
    expect(result).toEqual({ code: null, signal: 'SIGINT', stdout: '', stderr: 'ready\nfirst SIGINT false\n' });
    expect(await folder.list()).toEqual(['busy.mjs']);
  });
});

test('SIGKILL leaves nothing under an output’s name', async () => {
  await using folder = await makeFolder();
  const result = await interrupted(folder, ['SIGKILL']);
  expect(result.signal).toBe('SIGKILL');
  const left = (await folder.list()).filter((name) => !/^\.upres-[0-9a-f]+\.tmp$/.test(name));
  expect(left).toEqual(['a.png', 'a@2x.png', 'b.png', 'c.png', 'd.png']);
});

test('--quiet still says that it stops', async () => {
  await using folder = await makeFolder();
  await folder.write({ 'a.png': small, 'b.png': large, 'c.png': large });
  const result = await upres(['.', '--quiet', '--json'], {
    cwd: folder.path,
    onStart: (child) => {
      child.stdout?.once('data', () => child.kill('SIGINT'));
    },
  });
  expect(result.code).toBe(130);
  expect(result.stderr).toBe('Stopping (SIGINT); once more kills at once.\n');
});
