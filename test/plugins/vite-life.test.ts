import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import type { Rolldown } from 'vite';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { build, configOf, makeLog, makeSite, vites, type Site } from './support/vite-site.js';

type WatcherEvent = Parameters<Parameters<Rolldown.RolldownWatcher['on']>[1]>[0] & { code?: string; error?: Error };

const page = '<!doctype html><script type="module" src="/main.js"></script>';

describe.for(vites)('builds of Vite $version, one after the other', (vite) => {
  const files = {
    'index.html': `<!doctype html><img alt="" src="drawing.png?upscale=1;2&as=img"><script type="module" src="/main.js"></script>`,
    'main.js': `import './a.css'; import url from './logo.png?upscale=2'; console.log(url);`,
    'a.css': 'p { background: url(logo.png?upscale=3) }',
  };

  it('compute once, say so in one table, and give the same bytes and names from the cache', async () => {
    const site = await makeSite(files);
    const run = async (): Promise<{ text: string; contents: [string, string][] }> => {
      const log = makeLog();
      const built = await build(site, { vite, log, cache: 'cache', config: { logLevel: 'info' } });
      const contents = [...built.files.keys()].map((name): [string, string] => [name, built.text(name)]);
      return { text: log.lines.join('\n'), contents };
    };
    const cold = await run();
    expect(cold.text).toMatch(/logo@2x\.png +10×10 → 20×20 .* anime \(.*\), [\d.]+ s/);
    expect(cold.text.match(/pictures \(/g)).toHaveLength(1);
    expect(cold.text).toContain('4 pictures (3 computed, 1 as they were)');
    const warm = await run();
    expect(warm.text).toContain('4 pictures (3 from the cache, 1 as they were)');
    expect(warm.contents).toEqual(cold.contents);
  });

  it('recompute what changed, and nothing else', async () => {
    const site = await makeSite(files);
    const summary = async (model: string): Promise<string | undefined> => {
      const log = makeLog();
      await build(site, { vite, log, model, cache: 'cache', config: { logLevel: 'info' } });
      return log.lines.find((line) => line.includes('pictures ('));
    };
    await summary('bilinear');
    await site.copy('clipart-icon.png', 'logo.png');
    expect(await summary('bilinear')).toContain('(2 computed, 1 from the cache, 1 as they were)');
    expect(await summary('bicubic')).toContain('(3 computed, 1 as they were)');
  });

  it('say nothing in a silent build, and no table after a failure', async () => {
    const output = (['log', 'warn', 'error'] as const).map((name) => vi.spyOn(console, name));
    await build(await makeSite(files), { vite });
    for (const spy of output) expect(spy).not.toHaveBeenCalled();
    vi.restoreAllMocks();
    const failed = makeLog();
    const site = await makeSite({ ...files, 'a.css': 'p { background: url(nowhere.png?upscale=3) }' });
    await expect(build(site, { vite, log: failed, config: { logLevel: 'info' } })).rejects.toThrow('nowhere.png');
    expect(failed.lines.join('\n')).not.toContain('pictures (');
  });

  it('give the original or a resize in an image’s place where the options say so, and tell', async () => {
    const site = await makeSite({
      'index.html': '<!doctype html><img alt="" src="broken.png?upscale=2"><img alt="" src="logo.png?upscale=2">',
    });
    const logo = await readFile(site.path('photo.jpg'));
    await site.write('broken.png', logo.subarray(0, logo.length / 2));
    await expect(build(site, { vite })).rejects.toThrow('broken.png?upscale=2');
    const log = makeLog();
    const built = await build(site, { vite, log, onError: 'original', config: { logLevel: 'info' } });
    expect(log.lines.join('\n')).toContain('1 left as they were after an error');
    expect([...built.files.keys()].some((name) => /^assets\/broken@2x-[\w-]+\.png$/.test(name))).toBe(true);
  });

  it('follow sources while watching, and pictures that are made by hand', async () => {
    const site = await makeSite({
      'index.html': page,
      'main.js': `import url from './logo.png?upscale=2'; console.log(url);`,
    });
    const config = vite.mergeConfig(configOf(site, { vite, model: 'bicubic' }), {
      build: { watch: {}, outDir: site.path('dist') },
    });
    const watcher = (await vite.build(config)) as unknown as Rolldown.RolldownWatcher;
    onTestFinished(() => watcher.close());
    const ended = (): Promise<void> =>
      new Promise((resolve, reject) => {
        const listen = (event: WatcherEvent): void => {
          if (event.code === 'ERROR') reject(event.error!);
          if (event.code === 'END') {
            watcher.off('event', listen);
            resolve();
          }
        };
        watcher.on('event', listen);
      });
    const width = async (): Promise<number | undefined> => {
      const [name] = (await readdir(site.path('dist/assets'))).filter((file) => file.endsWith('.png'));
      return name === undefined
        ? undefined
        : (await sharp(await readFile(site.path(`dist/assets/${name}`))).metadata()).width;
    };
    await ended();
    expect(await width()).toBe(20);
    await site.copy('clipart-icon.png', 'logo.png');
    await vi.waitFor(async () => {
      expect(await width()).toBe(320);
    }, 20_000);
    await site.copy('text.png', 'logo@2x.png');
    const { width: own } = await sharp(site.path('logo@2x.png')).metadata();
    await vi.waitFor(async () => {
      expect(await width()).toBe(own);
    }, 20_000);
  });
});

describe.for(['vite', 'vite-oldest'])('a process that builds with %s', (vite) => {
  /** Exit code and output of a script that builds, in a process of its own that nothing ends from outside. */
  async function run(site: Site): Promise<{ code: number | null; output: string }> {
    const script = `import { build } from '${vite}'; import upres from 'upres/vite';
      await build({ root: ${JSON.stringify(site.folder)}, configFile: false, logLevel: 'warn', plugins: [upres({ cache: 'cache' })] })
        .catch((error) => { console.error(error.message); process.exitCode = 3; });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { code, output };
  }

  it('ends by itself', async () => {
    const site = await makeSite({ 'index.html': '<!doctype html><img alt="" src="logo.png?upscale=2">' });
    expect(await run(site)).toEqual({ code: 0, output: '' });
  });

  it('ends by itself after a failure, with much still under way', async () => {
    const site = await makeSite({
      'index.html': page,
      'main.js': `import a from './large.png?upscale=4'; import b from './logo.png?upscale=9'; console.log(a, b);`,
    });
    await site.copy('astronaut.png', 'large.png');
    const { code, output } = await run(site);
    expect(output).toContain('upscale must be a number from 1 to 8, not 9');
    expect(code).toBe(3);
  });
});

describe.for(vites)('an application of several environments in Vite $version', (vite) => {
  const files = {
    'index.html': page,
    'main.js': `import './a.css'; import url from './logo.png?upscale=2'; console.log(url);`,
    'a.css': 'p { background: url(logo.png?upscale=3) }',
    'server.js': `import './a.css'; import facts from './dist/.vite/manifest.json'; console.log(facts);`,
  };

  it.for([true, false])(
    'that share plugins (%s) have a session each, and one may take what another made',
    async (shared) => {
      const site = await makeSite(files);
      const builder = await vite.createBuilder(
        vite.mergeConfig(configOf(site, { vite }), {
          builder: { sharedPlugins: shared },
          build: { assetsInlineLimit: 0, manifest: true, write: true, outDir: site.path('dist') },
          environments: {
            client: {},
            ssr: { build: { outDir: site.path('server'), rollupOptions: { input: site.path('server.js') } } },
          },
        }),
      );
      await builder.build(builder.environments.client!);
      const manifest = JSON.parse(await readFile(site.path('dist/.vite/manifest.json'), 'utf8')) as object;
      expect(Object.keys(manifest)).toContain('logo.png?upscale=3');
      await builder.build(builder.environments.ssr!);
      expect(await readFile(site.path('server/server.js'), 'utf8')).toContain('logo.png?upscale=3');
    },
  );
});
