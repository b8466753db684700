import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import gulp from 'gulp';
import upresGulp from 'upres/gulp';
import upresVite from 'upres/vite';
import { UpresPlugin } from 'upres/webpack';
import { build, createLogger } from 'vite';
import webpack from 'webpack';
import { describe, expect, it, vi } from 'vitest';
import { startRemote, type RemoteServer } from '../asset/support/remote-server.js';
import { main } from '../cli/support/command.js';
import { runChild } from '../support/child.js';
import { temporaryFolder } from '../support/folders.js';

const sample = fileURLToPath(new URL('../../examples/images/palette.png', import.meta.url));

interface Cache {
  readonly folder: string;
  readonly remote: string;
  readonly mode: 'read-write';
}

/** Makes `picture.png` twice as large in a folder of its own, as its users do; all that is said goes into `said`. */
type Tool = (folder: string, cache: Cache, said: string[]) => Promise<unknown>;

const tools: Readonly<Record<string, Tool>> = {
  Vite: async (folder, cache, said) => {
    await writeFile(join(folder, 'main.js'), "import url from './picture.png?upscale=2';\nconsole.log(url);\n");
    await writeFile(join(folder, 'index.html'), '<script type="module" src="main.js"></script>');
    const customLogger = createLogger('warn');
    customLogger.warn = (message) => said.push(message);
    const upres = upresVite({ cache });
    await build({ root: folder, configFile: false, customLogger, plugins: [upres], build: { assetsInlineLimit: 0 } });
  },

  webpack: async (folder, cache, said) => {
    await writeFile(join(folder, 'main.js'), "console.log(new URL('./picture.png?upscale=2', import.meta.url));\n");
    const compiler = webpack({
      mode: 'development',
      devtool: false,
      context: folder,
      entry: './main.js',
      output: { path: join(folder, 'dist') },
      plugins: [new UpresPlugin({ cache })],
      infrastructureLogging: {
        level: 'warn',
        stream: { write: (text: string) => said.push(text) } as unknown as NodeJS.WritableStream,
      },
    });
    const stats = await promisify(compiler.run.bind(compiler))();
    await promisify(compiler.close.bind(compiler))();
    if (!stats || stats.hasErrors()) throw new Error(stats?.toString('errors-warnings'));
    said.push(...(stats.toJson({ all: false, warnings: true }).warnings ?? []).map(({ message }) => message));
  },

  Gulp: async (folder, cache, said) => {
    const spy = vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
    const stream = gulp.src('picture.png', { cwd: folder, encoding: false });
    await finished(
      stream
        .pipe(upresGulp({ cache, upscale: 2 }))
        .pipe(gulp.dest(join(folder, 'dist')))
        .resume(),
    );
    spy.mockRestore();
  },

  'the command': async (folder, { remote, mode, folder: own }, said) => {
    const flags = ['--remote-cache', remote, '--remote-cache-mode', mode, '--cache', own];
    const child = await runChild(main, [join(folder, 'picture.png'), '-o', `${join(folder, 'dist')}/`, ...flags]);
    expect(child).toMatchObject({ code: 0 });
    said.push(...child.stderr.split('\n'));
  },
};

/** A machine of its own: what it made, and what it said of its remote cache. */
async function clone(tool: string, remote: string): Promise<{ bytes: Buffer; said: string[] }> {
  const folder = temporaryFolder();
  await copyFile(sample, join(folder, 'picture.png'));
  await writeFile(join(folder, 'package.json'), '{ "name": "site", "private": true }');
  await mkdir(join(folder, 'dist'));
  const said: string[] = [];
  await tools[tool]!(folder, { folder: temporaryFolder(), remote, mode: 'read-write' }, said);
  const names = await readdir(join(folder, 'dist'), { recursive: true });
  const picture = names.find((name) => name.endsWith('.png'))!;
  return {
    bytes: await readFile(join(folder, 'dist', picture)),
    said: said.filter((line) => line.includes('remote cache')),
  };
}

const methods = ({ asked }: RemoteServer): string[] => asked.map((line) => line.split(' ')[0]!);

describe('a remote cache', () => {
  it(
    'has what one tool of one machine made for every other tool of another, which computes nothing',
    { timeout: 240_000 },
    async () => {
      const remote = await startRemote();
      const [first, ...others] = Object.keys(tools);
      const made = await clone(first!, remote.url);
      expect(methods(remote)).toEqual(['GET', 'PUT']);
      for (const tool of others) {
        const { bytes, said } = await clone(tool, remote.url);
        expect(bytes.equals(made.bytes), tool).toBe(true);
        expect(said).toEqual([]);
      }
      // What is computed is uploaded.
      expect(methods(remote)).toEqual(['GET', 'PUT', 'GET', 'GET', 'GET']);

      // Poisoned, and cut short: what lies there is no one's word.
      const [[key, good]] = [...remote.stored] as [[string, Buffer]];
      const damages = [Buffer.concat([good.subarray(0, -1), Buffer.from([good.at(-1)! ^ 1])]), good.subarray(0, -100)];
      for (const tool of Object.keys(tools)) {
        for (const damaged of damages) {
          remote.stored.set(key, damaged);
          const { bytes, said } = await clone(tool, remote.url);
          expect(bytes.equals(made.bytes), tool).toBe(true);
          expect(said, tool).toEqual([expect.stringContaining('is not used: ')]);
          // And is made good again.
          expect(remote.stored.get(key)!.subarray(-100)).toEqual(good.subarray(-100));
        }
      }

      // Slow, and dead: nothing fails, and one line says so.
      const slow = await startRemote((_, response) => Boolean(setTimeout(() => response.writeHead(404).end(), 5000)));
      const dead = await startRemote((_, response) => Boolean(response.destroy()));
      for (const [{ url }, reason] of [
        [slow, 'it is too slow'],
        [dead, 'other side closed'],
      ] as const) {
        // Side by side, since most of it is waiting; each asks another place, for those of one process leave one alone together.
        await Promise.all(
          Object.keys(tools).map(async (tool, place) => {
            const { bytes, said } = await clone(tool, `${url}?place=${place}`);
            expect(bytes.equals(made.bytes), tool).toBe(true);
            expect(said, tool).toEqual([expect.stringContaining(`is left alone: ${reason}`)]);
          }),
        );
      }
    },
  );
});
