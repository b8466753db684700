import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as rolldown from 'rolldown';
import * as rollup from 'rollup';
import sharp from 'sharp';
import upres, { type UpresRollupOptions } from 'upres/rollup';
import { describe, expect, it } from 'vitest';
import { runChild } from '../support/child.js';
import { temporaryFolder } from '../support/folders.js';
import { cases, refused } from './cases.js';
import { urlsIn } from './support/value.js';
import { coreBytes, makeSite, type Site } from './support/vite-site.js';

const cache = temporaryFolder();

interface Output {
  readonly warnings: string[];
  /** What the entry exports. */
  readonly value: () => Promise<unknown>;
  /** Names of the emitted images. */
  readonly images: () => string[];
}

interface Options extends UpresRollupOptions {
  /** A plugin behind ours. */
  readonly other?: Other;
  readonly entry?: string;
}

/** What both bundlers take for a plugin. */
interface Other {
  readonly name: string;
  readonly resolveId?: (source: string) => string | null;
  readonly load?: (id: string) => { code: string; moduleType: 'js' } | null;
  readonly generateBundle?: (this: {
    emitFile: (file: { type: 'asset'; fileName: string; source: string }) => unknown;
  }) => void;
}

const script = (code: string) => ({ code, moduleType: 'js' }) as const;

interface Bundler {
  readonly name: string;
  readonly build: (site: Site, options?: Options) => Promise<Output>;
  /** Calls back after each build that succeeded. */
  readonly watch: (site: Site, built: () => void) => { close: () => Promise<void> };
}

function outputOf(site: Site, warnings: string[]): Output {
  const entry = pathToFileURL(site.path('dist/main.js')).href;
  return {
    warnings,
    value: async () => ((await import(`${entry}?${performance.now()}`)) as { default: unknown }).default,
    images: () => readdirSync(site.path('dist/assets')),
  };
}

const bundlers: readonly Bundler[] = [
  {
    name: `Rollup ${rollup.VERSION}`,
    build: async (site, { entry = 'main.js', other, ...options } = {}) => {
      const warnings: string[] = [];
      const bundle = await rollup.rollup({
        input: site.path(entry),
        plugins: [upres({ cache, ...options }), other],
        onLog: (level, log) => level === 'warn' && warnings.push(log.message),
      });
      await bundle.write({ dir: site.path('dist') });
      await bundle.close();
      return outputOf(site, warnings);
    },
    watch: (site, built) => {
      const watcher = rollup.watch({
        input: site.path('main.js'),
        plugins: [upres({ cache })],
        output: { dir: site.path('dist') },
        watch: { buildDelay: 20 },
        onLog: () => undefined,
      });
      watcher.on('event', (event) => {
        if (event.code === 'BUNDLE_END') void event.result.close();
        if (event.code === 'END') built();
      });
      return watcher;
    },
  },
  {
    name: `Rolldown ${rolldown.VERSION}`,
    build: async (site, { entry = 'main.js', other, ...options } = {}) => {
      const warnings: string[] = [];
      const bundle = await rolldown.rolldown({
        input: site.path(entry),
        plugins: [upres({ cache, ...options }), other],
        onLog: (level, log) => level === 'warn' && warnings.push(log.message),
      });
      await bundle.write({ dir: site.path('dist') });
      await bundle.close();
      return outputOf(site, warnings);
    },
    watch: (site, built) => {
      const watcher = rolldown.watch({
        input: site.path('main.js'),
        plugins: [upres({ cache })],
        output: { dir: site.path('dist') },
        watch: { buildDelay: 20 },
        onLog: () => undefined,
      });
      watcher.on('event', async (event) => {
        if (event.code === 'BUNDLE_END') await event.result.close();
        if (event.code === 'END') built();
      });
      return watcher;
    },
  },
];

describe.each(bundlers)('$name', (bundler) => {
  it('gives imports what their queries ask for, with the core’s bytes', async () => {
    const site = await makeSite({
      'main.js': `${cases.map(({ source, query }, i) => `import v${i} from './${source}?${query}';`).join('\n')}
        export default [${cases.map((_, i) => `v${i}`).join()}];`,
    });
    const output = await bundler.build(site);
    const values = (await output.value()) as unknown[];
    for (const [index, { source, query, files, value }] of cases.entries()) {
      const urls = urlsIn(values[index], value);
      expect(urls, JSON.stringify(values[index])).toHaveLength(files.length);
      const core = await coreBytes(site, source, query);
      for (const [i, file] of files.entries()) {
        const bytes = readFileSync(fileURLToPath(urls![i]!));
        const { width, height, format } = await sharp(bytes).metadata();
        expect({ width, height, format }).toEqual(file);
        expect(Buffer.compare(bytes, core.get(`${width} ${format}`)!), `${urls![i]!} differs from the core's`).toBe(0);
      }
    }
    const names = output.images().map((name) => name.replace(/-[\w-]{8}(?=\.)/, ''));
    expect(names.sort()).toEqual([
      'drawing-200w.webp',
      'drawing-240w.png',
      'drawing.png',
      'drawing@2x.png',
      'drawing@3x.png',
      'icon@2x.png',
      'icon@4x.png',
      'logo.png',
      'logo.webp',
      'logo@1.5x.png',
      'logo@2x.png',
      'logo@2x.webp',
      'photo-320w.jpg',
    ]);
    expect(output.warnings).toEqual([]);
  });

  it('reads new URL() and import()', async () => {
    const site = await makeSite({
      'main.js': `const late = await import('./logo.png?upscale=3');
        export default [new URL('./logo.png?upscale=2#x', import.meta.url).href, late.default];`,
    });
    const [url, late] = (await (await bundler.build(site)).value()) as [string, string];
    expect(url).toMatch(/\/assets\/logo@2x-[\w-]{8}\.png#x$/);
    expect(await sharp(fileURLToPath(url.replace('#x', ''))).metadata()).toMatchObject({ width: 20 });
    expect(await sharp(fileURLToPath(late)).metadata()).toMatchObject({ width: 30 });
  });

  it.each(refused)('refuses ?$query', async ({ query, words }) => {
    const site = await makeSite({ 'main.js': `export { default } from './logo.png?${query}';` });
    await expect(bundler.build(site)).rejects.toThrow(words);
    await expect(bundler.build(site)).rejects.toThrow(`logo.png?${query}`);
  });

  it('names an image that is not there', async () => {
    const site = await makeSite({ 'main.js': `export { default } from './nowhere.png?upscale=2';` });
    await expect(bundler.build(site)).rejects.toThrow('nowhere.png?upscale=2');
  });

  it('does with a damaged image what onError says', async () => {
    const site = await makeSite({ 'main.js': `export { default } from './broken.jpg?upscale=2';` });
    await site.write('broken.jpg', readFileSync(site.path('photo.jpg')).subarray(0, 5000));
    await expect(bundler.build(site)).rejects.toThrow('broken.jpg');
    const output = await bundler.build(site, { onError: 'original' });
    expect(readFileSync(fileURLToPath((await output.value()) as string))).toEqual(
      readFileSync(site.path('broken.jpg')),
    );
    expect(output.warnings.join()).toContain('broken.jpg');
  });

  it('finds directives that nothing read', async () => {
    const site = await makeSite({ 'main.js': `const name = 'logo'; export default ['logo.png?upscale=2', name];` });
    await expect(bundler.build(site)).rejects.toThrow('"logo.png?upscale=2" is still in main.js');
    expect((await bundler.build(site, { leftovers: 'warn' })).warnings.join()).toContain('logo.png?upscale=2');
    expect((await bundler.build(site, { leftovers: 'ignore' })).warnings).toEqual([]);
    // What names no file is someone else's.
    await site.write('main.js', `export default 'elsewhere.png?upscale=2';`);
    expect((await bundler.build(site)).warnings).toEqual([]);
  });

  it.each([
    'new URL(`./${name}.png?upscale=2`, import.meta.url)',
    "new URL('./' + name + '.png?upscale=2', import.meta.url)",
    'import(`./${name}.png?upscale=2`)',
  ])('tells what no one can know before it runs: %s', async (code) => {
    const site = await makeSite({ 'main.js': `const { name } = globalThis; export default ${code};` });
    const told = `can’t carry a directive: ${/(?<=\()[^,)]+/.exec(code)![0]}`;
    await expect(bundler.build(site)).rejects.toThrow(told);
    expect((await bundler.build(site, { leftovers: 'warn' })).warnings.join()).toContain(told);
    const { warnings } = await bundler.build(site, { leftovers: 'ignore' });
    expect(warnings.join()).not.toContain('directive');
  });

  it('finds directives in style sheets that another plugin puts together', async () => {
    const css = 'p { background: url(../logo.png?upscale=2) }';
    const site = await makeSite({ 'main.js': `import './deep/main.css'; export default 1;`, 'deep/main.css': css });
    const other: Other = {
      name: 'extracts',
      load: (id) => (id.endsWith('.css') ? script('export default 1') : null),
      generateBundle() {
        this.emitFile({ type: 'asset', fileName: 'main.css', source: css });
      },
    };
    await expect(bundler.build(site, { other })).rejects.toThrow('"../logo.png?upscale=2" is still in main.css');
  });

  it('leaves names alone that other plugins make up, as for what require() gives', async () => {
    const site = await makeSite({});
    const image = site.path('logo.png?upscale=2');
    await site.write('main.js', `export { default } from ${JSON.stringify(`\0${image}?proxy`)};`);
    const other: Other = {
      name: 'proxies',
      resolveId: (source) => (source.startsWith('\0') ? source : null),
      load: (id) => (id === `\0${image}?proxy` ? script(`export { default } from ${JSON.stringify(image)};`) : null),
    };
    expect(await (await bundler.build(site, { other })).value()).toMatch(/\/assets\/logo@2x-[\w-]{8}\.png$/);
  });

  it('makes again what changed, and takes a picture made by hand as soon as it is there', async () => {
    const site = await makeSite({ 'main.js': `export { default } from './logo.png?upscale=1;2&as=srcset';` });
    let wake: () => void = () => undefined;
    const watcher = bundler.watch(site, () => {
      wake();
    });
    const next = async (previous?: unknown): Promise<string> => {
      for (;;) {
        const text = await outputOf(site, [])
          .value()
          .catch(() => previous);
        if (text !== previous) return text as string;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    };
    try {
      const first = await next();
      await site.copy('text.png', 'logo.png');
      const second = await next(first);
      expect(second).not.toBe(first);
      await site.copy('clipart-icon.png', 'logo@2x.png');
      const third = await next(second);
      const large = /(\S+) 2x$/.exec(third)![1]!;
      expect(Buffer.compare(readFileSync(fileURLToPath(large)), readFileSync(site.path('logo@2x.png')))).toBe(0);
    } finally {
      await watcher.close();
    }
  });

  it('lets the process end by itself', async () => {
    const site = await makeSite({ 'main.js': `export { default } from './logo.png?upscale=2';` });
    const tool = bundler.name.split(' ')[0]!.toLowerCase();
    const here = (name: string): string => JSON.stringify(import.meta.resolve(name));
    await site.write(
      'build.mjs',
      `import { ${tool} } from ${here(tool)}; import upres from ${here('upres/rollup')};
       const bundle = await ${tool}({ input: ${JSON.stringify(site.path('main.js'))}, plugins: [upres({ cache: false })] });
       await bundle.write({ dir: ${JSON.stringify(join(site.folder, 'dist'))} });`,
    );
    expect(await runChild(site.path('build.mjs'), [])).toMatchObject({ code: 0 });
  });
});

it.each([
  ['main.ts', 'const url: string = '],
  ['main.tsx', 'export const page = <p />; const url: string = '],
  ['main.jsx', 'export const page = <p />; const url = '],
])('reads new URL() in %s, which Rolldown compiles itself', async (entry, start) => {
  const code = `${start}new URL('./logo.png?upscale=2', import.meta.url).href; export default url;`;
  const site = await makeSite({ [entry]: code, 'node_modules/react/jsx-runtime.js': 'export const jsx = () => 1;' });
  const output = await bundlers[1]!.build(site, { entry });
  expect(await output.value()).toMatch(/\/assets\/logo@2x-[\w-]{8}\.png$/);
});

it('refuses options that do not exist', () => {
  // @ts-expect-error a misspelt name
  expect(() => upres({ qualty: 80 })).toThrow('Did you mean "quality"?');
  // @ts-expect-error no such choice
  expect(() => upres({ leftovers: 'warm' })).toThrow('Did you mean "warn"?');
});
