import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { defaultLimits } from '#src/server/service/limits.js';
import { parseServeOptions } from '#src/cli/serve-command.js';
import { childEnvironment, main, upres } from '../cli/support/command.js';
import { temporaryFolder } from '../support/folders.js';
import { ask, imageFile, metric, upscale } from './support/server.js';

const token = 'a-token-for-the-command';

interface Served {
  readonly url: string;
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

/** `upres serve` in a process of its own, once it listens. */
async function serve(flags: readonly string[], env: Record<string, string> = {}): Promise<Served> {
  const folder = temporaryFolder();
  const args = ['serve', '--port', '0', '--folder', folder, '--cache', join(folder, 'results'), ...flags];
  const child = spawn(process.execPath, [main, ...args], {
    cwd: folder,
    env: childEnvironment(undefined, env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
  }));
  while (!stdout.includes('\n')) {
    const early = await Promise.race([once(child.stdout, 'data').then(() => undefined), ended]);
    if (early) throw new Error(`it ended: ${stderr}`);
  }
  const url = /http:\S+/.exec(stdout)![0];
  return { url, child, ended, stdout: () => stdout, stderr: () => stderr };
}

describe('upres serve', () => {
  test('prints one line with its URL, serves, and ends well when it is asked to', async () => {
    const server = await serve([]);
    expect(server.stdout()).toBe(`upres listens on ${server.url}\n`);
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect((await upscale(server, await imageFile(8, 8), '?upscale=2')).status).toBe(200);
    server.child.kill('SIGTERM');
    expect(await server.ended).toEqual({ code: 0, signal: null });
    expect(server.stderr()).toBe('Finishing what runs (SIGTERM); once more kills at once.\n');
  });

  test('the first signal lets it finish what runs', async () => {
    const server = await serve([]);
    const running = upscale(server, await imageFile(300, 300, 'jpeg'), '?upscale=4');
    while ((await metric(server, 'upres_threads_busy')) === 0);
    server.child.kill('SIGINT');
    expect((await running).status).toBe(200);
    expect(await server.ended).toEqual({ code: 0, signal: null });
  });

  test('the second one ends it at once', async () => {
    const server = await serve([]);
    const running = upscale(server, await imageFile(600, 600, 'jpeg'), '?upscale=4&model=real');
    while ((await metric(server, 'upres_threads_busy')) === 0);
    server.child.kill('SIGTERM');
    while ((await ask(server, '/readyz')).status === 200);
    server.child.kill('SIGTERM');
    await expect(running).rejects.toThrow();
    expect(await server.ended).toEqual({ code: null, signal: 'SIGTERM' });
  });

  test('tokens come by the environment or in a file, and let it listen to others', async () => {
    const file = join(temporaryFolder(), 'tokens');
    await writeFile(file, `# of the team\n${token}-1\n\n  ${token}-2  \n`);
    const server = await serve(['--host', '0.0.0.0', '--token-file', file], { UPRES_TOKENS: `${token}-3,${token}-4` });
    const local = { url: server.url.replace('0.0.0.0', '127.0.0.1') };
    for (const number of [1, 2, 3, 4]) {
      const headers = { authorization: `Bearer ${token}-${number}` };
      expect((await ask(local, '/v1/models', { headers })).status).toBe(200);
    }
    expect((await ask(local, '/v1/models')).status).toBe(401);
    server.child.kill('SIGTERM');
    expect((await server.ended).code).toBe(0);
    expect(server.stdout() + server.stderr()).not.toContain(token);
  });

  test.each([
    [['--host', '0.0.0.0'], /needs tokens/],
    [['--limit', 'bodyByte=3'], /Did you mean "bodyBytes"/],
    [['--limit', 'bodyBytes'], /name=value/],
    [['--limit', 'bodyBytes=many'], /--limit bodyBytes must be a number/],
    [['--port', '99999'], /port/],
    [['--model', 'naturl'], /Did you mean "natural"/],
    [['--device', 'gpu'], /device/],
    [['--models', 'mine=/nowhere/mine.onnx'], /no file/],
    [['--token-file', '/nowhere/tokens'], /can't be read/],
    [['--hots', 'x'], /--host/],
    [['more'], /argument/],
  ])('wrong usage: %j', async (flags, message) => {
    const { code, stderr, stdout } = await upres(['serve', ...flags], { cwd: temporaryFolder() });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });

  test('a port that is in use', async () => {
    const server = await serve([]);
    const { port } = new URL(server.url);
    const folder = temporaryFolder();
    const { code, stderr } = await upres(['serve', '--port', port, '--folder', folder], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toContain('is in use');
    server.child.kill('SIGTERM');
    await server.ended;
  });
});

describe('flags', () => {
  test('numbers with units', async () => {
    const { limits } = await parseServeOptions(
      { limit: ['inputPixels=1.5M', 'bodyBytes=4Mi', 'requestSeconds=0.5'] },
      {},
    );
    expect(limits).toEqual({ inputPixels: 1_500_000, bodyBytes: 4 * 2 ** 20, requestSeconds: 0.5 });
  });

  test('the help tells every limit, in words that the flag takes', async () => {
    const { stdout } = await upres(['serve', '--help'], { cwd: temporaryFolder() });
    const shown = [...stdout.matchAll(/^ {2}(\w+=\S+)$/gm)].map(([, text]) => text!);
    expect((await parseServeOptions({ limit: shown }, {})).limits).toEqual(defaultLimits);
  });
});

test('where the server’s packages are not installed, it says how to', async () => {
  const hook = `export async function resolve(name, context, next) {
    if (name === 'fastify') {
      throw Object.assign(new Error("Cannot find package 'fastify' imported from x"), { code: 'ERR_MODULE_NOT_FOUND' });
    }
    return next(name, context);
  }`;
  const register = `import { register } from 'node:module'; register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hook)}`)});`;
  const folder = temporaryFolder();
  const { code, stderr } = await upres(['serve', '--folder', folder], {
    cwd: folder,
    env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(register)}` },
  });
  expect(code).toBe(2);
  expect(stderr).toContain(
    'npm install fastify @fastify/accepts @fastify/multipart @fastify/swagger prom-client typebox',
  );
});
