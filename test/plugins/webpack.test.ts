import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { UpresPlugin } from 'upres/webpack';
import type { Compiler, WebpackPluginInstance } from 'webpack';
import { parseQuery } from '#src/asset/directives.js';
import { AssetPipeline } from '#src/asset/pipeline.js';
import { cases, refused } from './cases.js';
import { urlsIn } from './support/value.js';
import { build, bundlers, emittedBytes, makeSite } from './support/webpack.js';

/** Names without their hashes, sorted. */
const unhashed = (names: readonly string[]): string[] =>
  names.map((name) => name.replace(/\.[0-9a-f]{8}(?=\.)/, '.#')).sort();

/** A plugin that puts a file among the assets, as those that copy files do. */
function emitting(name: string, text: string): WebpackPluginInstance {
  return {
    apply: (compiler: Compiler) => {
      compiler.hooks.thisCompilation.tap('emit', (compilation) => {
        compilation.hooks.processAssets.tap('emit', () => {
          compilation.emitAsset(name, new compiler.webpack.sources.RawSource(text));
        });
      });
    },
  };
}

/** What has to hold in every bundler with webpack's interface. */
describe.for(Object.values(bundlers))('$name', (bundler) => {
  describe('imports in JavaScript', () => {
    const site = makeSite();
    let values: readonly unknown[] = [];
    let errors: readonly string[] = [];

    beforeAll(async () => {
      const imports = cases.map(({ source, query }, i) => `import v${i} from './${source}?${query}';`);
      site.write(
        'src/index.js',
        `${imports.join('\n')}\nexport const values = [${cases.map((_, i) => `v${i}`).join()}];`,
      );
      ({ errors } = await build(bundler, site.configuration()));
      values = site.exported().values as unknown[];
    });

    it('builds', () => {
      expect(errors).toEqual([]);
    });

    it.for(cases.map((one, index) => ({ ...one, index })))('$name', async ({ index, value, files, source, query }) => {
      const urls = urlsIn(values[index], value);
      expect(urls, JSON.stringify(values[index])).toHaveLength(files.length);
      const pipeline = new AssetPipeline(
        { cache: site.path('core-cache') },
        { root: site.folder, warn: () => undefined },
      );
      const plan = await pipeline.plan(site.path('src', source), parseQuery(query)!);
      for (const [i, file] of files.entries()) {
        const bytes = emittedBytes(site, urls![i]!);
        const { width, height, format } = await sharp(bytes).metadata();
        expect({ width, height, format }).toEqual(file);
        const variant = plan.variants.find((one) => one.width === file.width && one.format === file.format)!;
        const { data } = await pipeline.render(plan, variant);
        expect(Buffer.compare(data, bytes), `${urls![i]!} differs from the core's`).toBe(0);
      }
      await pipeline.close();
    });

    it('emits each file once, named after what it is', () => {
      expect(unhashed(site.emitted())).toEqual([
        'drawing-200w.#.webp',
        'drawing-240w.#.png',
        'drawing.#.png',
        'drawing@2x.#.png',
        'drawing@3x.#.png',
        'icon@2x.#.png',
        'icon@4x.#.png',
        'logo.#.png',
        'logo.#.webp',
        'logo@1.5x.#.png',
        'logo@2x.#.png',
        'logo@2x.#.webp',
        'main.js',
        'photo-320w.#.jpg',
      ]);
    });
  });

  describe('other positions', () => {
    it('new URL() with import.meta.url', async () => {
      const site = makeSite();
      site.write('src/index.js', `export const url = new URL('./logo.png?upscale=2', import.meta.url).pathname;`);
      expect(await build(bundler, site.configuration({ target: 'web' }))).toEqual({ errors: [], warnings: [] });
      expect(site.emitted()).toContainEqual(expect.stringMatching(/^logo@2x\.[0-9a-f]{8}\.png$/));
    });

    it('import() of a name that is known later', async () => {
      const site = makeSite();
      site.write(
        'src/index.js',
        'export const load = (name) => import(`./pictures/${name}.png?upscale=2&format=webp`);',
      );
      for (const name of ['a', 'b']) site.copy('palette.png', `src/pictures/${name}.png`);
      expect(await build(bundler, site.configuration())).toEqual({ errors: [], warnings: [] });
      const { load } = site.exported() as { load: (name: string) => Promise<{ default: string }> };
      expect((await load('b')).default).toMatch(/^\/static\/b@2x\.[0-9a-f]{8}\.webp$/);
    });

    it('url() and image-set() in CSS, in imported CSS too; a comment is no URL', async () => {
      const site = makeSite();
      site.write('src/index.js', `import './a.css';`);
      site.write(
        'src/a.css',
        `@import './b.css';\n/* logo.png?upscale=4 */\n.a { background: url(./logo.png?upscale=2) }`,
      );
      site.write('src/b.css', `.b { background: image-set(url(logo.png?upscale=1) 1x, url("logo.png?upscale=3") 3x) }`);
      const { css } = bundler;
      expect(await build(bundler, site.configuration({ ...css, target: 'web' }))).toEqual({ errors: [], warnings: [] });
      const css3 = readFileSync(site.path('dist/main.css'), 'utf8');
      expect(css3).not.toMatch(/\?upscale=[123]/);
      for (const name of ['logo@2x', 'logo', 'logo@3x'])
        expect(css3).toMatch(new RegExp(`/static/${name}\\.[0-9a-f]{8}\\.png`));
    });

    it('says that only JavaScript takes several files', async () => {
      const site = makeSite();
      site.write('src/index.js', `export default new URL('./logo.png?upscale=1;2&as=srcset', import.meta.url);`);
      const { errors } = await build(bundler, site.configuration({ target: 'web' }));
      expect(errors.join()).toContain('as=srcset is for imports in JavaScript');
    });

    it('gives URLs that work to files whose names have what means something in URLs', async () => {
      const site = makeSite();
      for (const name of ['src/a#b.png', 'src/c#d/50%25.png']) site.copy('palette.png', name);
      // So requests write a "#" that begins no fragment.
      const requests = ['./a\\0#b.png?upscale=2', './c\\0#d/50%25.png?upscale=2'];
      site.write(
        'src/index.js',
        requests.map((request, at) => `export { default as v${at} } from '${request}';`).join(''),
      );
      expect(await build(bundler, site.configuration())).toEqual({ errors: [], warnings: [] });
      const { v0, v1 } = site.exported() as { v0: string; v1: string };
      expect(unhashed([v0, v1])).toEqual(['/static/50_25@2x.#.png', '/static/a_b@2x.#.png']);
      for (const url of [v0, v1]) expect((await sharp(emittedBytes(site, url)).metadata()).format).toBe('png');
    });

    it.for(['!', '-!', '!!', '!./same.cjs!', '-!./same.cjs!'])(
      'never emits the small image where "%s" switches loaders off',
      async (prefix) => {
        const site = makeSite();
        site.write('src/same.cjs', 'module.exports = (source) => source; module.exports.raw = true;');
        site.write('src/index.js', `export { default } from '${prefix}./logo.png?upscale=2';`);
        const { errors } = await build(bundler, site.configuration());
        if (bundler.name === 'webpack') expect(errors).toEqual([]);
        if (errors.length === 0) expect(site.exported().default).toMatch(/logo@2x/);
        else expect(errors.join()).toMatch(/logo\.png/);
      },
    );

    it('leaves images without directives alone', async () => {
      const site = makeSite();
      site.write(
        'src/index.js',
        `import url from './logo.png'; import other from './logo.png?size=2'; export { url, other };`,
      );
      const rules = [{ test: /\.png$/, type: 'asset/resource' }];
      await build(bundler, site.configuration({ module: { rules } }));
      expect(site.exported()).toMatchObject({
        url: expect.stringMatching(/^\/static\/[0-9a-f]+\.png$/) as string,
        other: expect.stringMatching(/^\/static\/[0-9a-f]+\.png\?size=2$/) as string,
      });
    });
  });

  describe('what the configuration says about assets', () => {
    const entry = `export { default as one } from './logo.png?upscale=2'; export { default as set } from './logo.png?upscale=1;2&as=srcset';`;

    it.for([
      { name: 'output.assetModuleFilename', more: { output: { assetModuleFilename: 'img/[name][ext][query]' } } },
      {
        name: 'module.generator',
        more: { module: { generator: { 'asset/resource': { filename: 'img/[name][ext]' } } } },
      },
      {
        name: 'a rule for images',
        more: {
          module: {
            rules: [
              {
                test: /\.png$/,
                type: 'asset',
                parser: { dataUrlCondition: { maxSize: 100_000 } },
                generator: { filename: 'img/[name][ext]' },
              },
            ],
          },
        },
      },
    ])('names them by $name', async ({ more }) => {
      const site = makeSite();
      site.write('src/index.js', entry);
      expect(await build(bundler, site.configuration(more))).toEqual({ errors: [], warnings: [] });
      expect(site.exported()).toMatchObject({
        one: '/static/img/logo@2x.png',
        set: '/static/img/logo.png 1x, /static/img/logo@2x.png 2x',
      });
      expect(site.emitted()).toEqual(['img/logo.png', 'img/logo@2x.png', 'main.js']);
    });

    it('gives the server the same names without writing the files again', async () => {
      const site = makeSite();
      site.write('src/index.js', entry);
      await build(bundler, site.configuration());
      const client = { ...site.exported() };
      const module = { generator: { 'asset/resource': { emit: false } } };
      await build(bundler, site.configuration({ module, output: { path: site.path('server') } }));
      expect(site.exported('server/main.js')).toMatchObject(client);
      expect(site.emitted('server')).toEqual(['main.js']);
    });
  });

  describe('refuses', () => {
    it.for(refused)('$query', async ({ query, words }) => {
      const site = makeSite();
      site.write('src/index.js', `import './logo.png?${query}';`);
      const { errors } = await build(bundler, site.configuration());
      expect(errors).toHaveLength(1);
      expect(errors[0]).toContain(`logo.png?${query}`);
      expect(errors[0]).toContain(words);
      expect(errors[0]).not.toContain('    at ');
    });

    it.for([
      [
        'page.html',
        '<!-- logo.png?upscale=3 --><img srcset="a.png 1x, b.png?v=1&amp;upscale=2 2x">',
        'b.png?v=1&upscale=2',
      ],
      ['page.html', '<p style="background: url(a.png?upscale=2)">', 'a.png?upscale=2'],
      ['page.html', '<script>go("a.png?upscale=2")</script>', 'a.png?upscale=2'],
      ['page.css', '/* logo.png?upscale=3 */ .a { background: url("../a.png?upscale") }', '../a.png?upscale'],
      ['page.js', 'image.src = "/static/a.webp?upscale=2&model=art";', '/static/a.webp?upscale=2&model=art'],
      ['page.js', 'style.textContent = ".a { background: url(a.png?upscale=2) }"', 'a.png?upscale=2'],
    ] as const)('a directive that no one read, naming the file: %s', async ([name, text, url]) => {
      const site = makeSite();
      site.write('src/index.js', `import './logo.png?upscale=2';`);
      const { errors } = await build(bundler, site.configuration({ plugins: [emitting(name, text)] }));
      expect(errors).toHaveLength(1);
      expect(errors[0]).toContain(`${name} still has "${url}" in it`);
    });

    it.for([
      ['page.html', '<code>import "./a.png?upscale=2"</code>'],
      ['page.html', '<img src="https://elsewhere.example/a.png?upscale=2">'],
      ['page.css', '.a { background: url(//elsewhere.example/a.png?upscale=2) }'],
      ['page.js', '"Write a.png?upscale=2 for a larger one"'],
      ['page.js', 'fetch("/photos/a.jpg?upscale=false&w=300")'],
      ['page.js', String.raw`push([1,"",{"sourcesContent":[".a { background: url(\"./a.png?upscale=2\") }"]}])`],
      ['page.html', `<p class="bg-[url('./a.png?upscale=2')]">`],
      ['page.css', String.raw`.bg-\[url\(\'\.\/a\.png\?upscale\=2\'\)\] { background: url(/a@2x.png) }`],
    ] as const)('nothing that only looks like one: %s', async ([name, text]) => {
      const site = makeSite();
      site.write('src/index.js', `export { default as set } from './logo.png?upscale=1;2&as=srcset';`);
      const { errors } = await build(bundler, site.configuration({ plugins: [emitting(name, text)] }));
      expect(errors).toEqual([]);
    });

    it.for([
      ['warn', 0, 1],
      ['ignore', 0, 0],
      ['error', 1, 0],
    ] as const)('what is left over as an option says: %s', async ([leftovers, errors, warnings]) => {
      const site = makeSite();
      site.write('src/index.js', '');
      const plugins = [emitting('page.css', '.a { background: url(a.png?upscale=2) }')];
      const found = await build(bundler, site.configuration({ plugins }, { leftovers }));
      expect([found.errors.length, found.warnings.length]).toEqual([errors, warnings]);
    });

    it.for(['dist', 'dist/[fullhash]'])(
      'what is left over where errors keep nothing from being emitted, in %s',
      async (folder) => {
        const site = makeSite();
        site.write('src/index.js', '');
        const plugins = [emitting('page.css', '.a { background: url(a.png?upscale=2) }')];
        const { output, ...rest } = site.configuration({ plugins, optimization: { emitOnErrors: true } });
        const { errors } = await build(bundler, { ...rest, output: { ...output, path: site.path(folder) } });
        expect(errors).toHaveLength(1);
        expect(errors[0]).toContain('page.css still has "a.png?upscale=2" in it');
      },
    );

    it('a plugin that is there twice', async () => {
      const site = makeSite();
      site.write('src/index.js', '');
      const twice = [new UpresPlugin(site.options())];
      await expect(async () => build(bundler, site.configuration({ plugins: twice }))).rejects.toThrow('there twice');
    });

    it.for([{ mode: 'development' }, { mode: 'production', optimization: { moduleIds: 'named' } }] as const)(
      'no names of modules: %j',
      async (more) => {
        const site = makeSite();
        site.write(
          'src/index.js',
          `import('./lazy.js'); export { default as set } from './logo.png?upscale=1;2&as=srcset';`,
        );
        site.write('src/lazy.js', `export { default } from './logo.png?upscale=3';`);
        const { errors } = await build(bundler, site.configuration(more));
        expect(errors).toEqual([]);
      },
    );
  });

  describe('an image that fails', () => {
    const damaged = (site: ReturnType<typeof makeSite>): Uint8Array => {
      const bytes = readFileSync(site.path('src/drawing.png'));
      return bytes.subarray(0, bytes.length / 2);
    };
    const entry = `export { default as url } from './damaged.png?upscale=2&format=webp'; export { default as fine } from './logo.png?upscale=2';`;

    it('fails the build by name, and the others are made', async () => {
      const site = makeSite();
      site.write('src/index.js', entry);
      site.write('src/damaged.png', damaged(site));
      const { errors } = await build(bundler, site.configuration({ optimization: { emitOnErrors: true } }));
      expect(errors).toHaveLength(1);
      expect(errors[0]).toContain('src/damaged.png?upscale=2&format=webp: ');
      expect(errors[0]).not.toContain('    at ');
      expect(site.emitted()).toContainEqual(expect.stringMatching(/^logo@2x\./));
    });

    it('goes out as it is, with a warning and a name that fits it', async () => {
      const site = makeSite();
      site.write('src/index.js', entry);
      site.write('src/damaged.png', damaged(site));
      const { errors, warnings } = await build(bundler, site.configuration({}, { onError: 'original' }));
      expect(errors).toEqual([]);
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toContain('src/damaged.png');
      const { url } = site.exported();
      expect(url).toMatch(/\/damaged\.[0-9a-f]{8}\.png$/);
      expect(Buffer.compare(emittedBytes(site, String(url)), damaged(site))).toBe(0);
    });
  });
});
