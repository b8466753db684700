import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import HtmlWebpackPlugin from 'html-webpack-plugin';
import MiniCssExtractPlugin from 'mini-css-extract-plugin';
import { describe, expect, it } from 'vitest';
import UpresPluginDefault, { UpresPlugin, type UpresPluginOptions } from 'upres/webpack';
import { build, bundlers, makeSite } from './support/webpack.js';

const { webpack } = bundlers;
// The sites lie outside of the package, so names of loaders would not be found.
const cssLoader = createRequire(import.meta.url).resolve('css-loader');
const nothingToSay = { errors: [], warnings: [] };

describe('with other plugins', () => {
  it('css-loader and mini-css-extract-plugin', async () => {
    const site = makeSite();
    site.write('src/index.js', `import './a.css';`);
    site.write('src/a.css', `@import './b.css'; .a { background: url("./logo.png?upscale=2&model=art") }`);
    site.write('src/b.css', `.b { background: image-set(url(logo.png?upscale=1) 1x, url(logo.png?upscale=2) 2x) }`);
    const rules = [{ test: /\.css$/, use: [MiniCssExtractPlugin.loader, cssLoader], type: 'javascript/auto' }];
    const plugins = [new MiniCssExtractPlugin()];
    expect(await build(webpack, site.configuration({ target: 'web', module: { rules }, plugins }))).toEqual(
      nothingToSay,
    );
    const css = readFileSync(site.path('dist/main.css'), 'utf8');
    expect(css.match(/\/static\/logo(@2x)?\.[0-9a-f]{8}\.png/g)).toHaveLength(3);
    expect(site.emitted().filter((name) => name.endsWith('.png'))).toHaveLength(3);
  });

  it('css-loader that leaves URLs alone: the directive is refused', async () => {
    const site = makeSite();
    site.write('src/index.js', `import './a.css';`);
    site.write('src/a.css', `.a { background: url("./logo.png?upscale=2") }`);
    const use = [MiniCssExtractPlugin.loader, { loader: cssLoader, options: { url: false } }];
    const rules = [{ test: /\.css$/, use, type: 'javascript/auto' }];
    const plugins = [new MiniCssExtractPlugin()];
    const { errors } = await build(webpack, site.configuration({ target: 'web', module: { rules }, plugins }));
    expect(errors).toEqual([expect.stringContaining('main.css still has "./logo.png?upscale=2" in it')]);
  });

  it('html-webpack-plugin, whose pages are compiled by a child', async () => {
    const site = makeSite();
    site.write('src/index.js', `import './logo.png?upscale=2';`);
    site.write(
      'src/index.ejs',
      `<% const photo = require('./drawing.png?upscale=1;2&as=img').default %>` +
        `<img src="<%= require('./logo.png?upscale=2') %>"><img src="<%= photo.src %>" width="<%= photo.width %>">`,
    );
    const plugins = [new HtmlWebpackPlugin({ template: './src/index.ejs' })];
    expect(await build(webpack, site.configuration({ target: 'web', plugins }))).toEqual(nothingToSay);
    const page = readFileSync(site.path('dist/index.html'), 'utf8');
    expect(page).toMatch(/<img src="\/static\/logo@2x\.[0-9a-f]{8}\.png">/);
    expect(page).toMatch(/<img src="\/static\/drawing\.[0-9a-f]{8}\.png" width="160">/);
    expect(site.emitted().filter((name) => name.endsWith('.png'))).toHaveLength(3);
  });

  it('webpack’s own HTML: src, srcset, style elements and attributes', async () => {
    const site = makeSite();
    site.write(
      'src/index.html',
      `<!doctype html><style>body { background: url(./logo.png?upscale=2) }</style>
       <img src="./logo.png?upscale=2" srcset="./logo.png?upscale=2 2x, ./logo.png?upscale=3&amp;format=webp 3x">
       <p style="background: url('./drawing.png?upscale=2')"></p>`,
    );
    const configuration = site.configuration({
      entry: './src/index.html',
      target: 'web',
      output: { library: { type: 'var', name: 'page' } },
      experiments: { html: true, css: true },
    });
    expect(await build(webpack, configuration)).toEqual(nothingToSay);
    const page = readFileSync(site.path('dist/index.html'), 'utf8');
    const urls = page.match(/[\w@/]+\.[0-9a-f]{8}\.\w+/g)?.map((url) => url.replace(/\.[0-9a-f]{8}/, ''));
    expect(urls).toEqual([
      '/static/logo@2x.png',
      '/static/logo@2x.png',
      '/static/logo@2x.png',
      '/static/logo@3x.webp',
      '/static/drawing@2x.png',
    ]);
  });
});

describe('rules of one’s own', () => {
  it('UpresPlugin.rules, without the plugin', async () => {
    const site = makeSite();
    site.write('src/index.js', `export { default as set } from './logo.png?upscale=1;2&as=srcset';`);
    const rules = UpresPlugin.rules(site.options());
    expect(await build(webpack, { ...site.configuration({ module: { rules } }), plugins: [] })).toEqual(nothingToSay);
    expect(site.exported().set).toMatch(/^\/static\/[0-9a-f]+\.png 1x, \/static\/[0-9a-f]+\.png 2x$/);
  });

  it('the loader alone', async () => {
    const site = makeSite();
    site.write('src/index.js', `export { default as url } from './logo.png?upscale=2&format=webp';`);
    const use = { loader: UpresPlugin.loader, options: site.options() };
    const rules = [{ resourceQuery: /[?&]upscale/, type: 'asset/resource', use }];
    expect(await build(webpack, { ...site.configuration({ module: { rules } }), plugins: [] })).toEqual(nothingToSay);
    expect(site.exported().url).toMatch(/^\/static\/[0-9a-f]+\.webp$/);
  });

  it('options of the loader are checked too', async () => {
    const site = makeSite();
    site.write('src/index.js', `import './logo.png?upscale=2';`);
    const use = { loader: UpresPlugin.loader, options: { qualty: 80 } };
    const rules = [{ resourceQuery: /[?&]upscale/, type: 'asset/resource', use }];
    const { errors } = await build(webpack, { ...site.configuration({ module: { rules } }), plugins: [] });
    expect(errors.join()).toContain("options has an unknown property 'qualty'");
  });
});

describe('options', () => {
  it('has one plugin under two names', () => {
    expect(UpresPluginDefault).toBe(UpresPlugin);
  });

  it.for([
    [{ qualty: 80 }, "options has an unknown property 'qualty'"],
    [{ onError: 'ignore' }, 'options.onError should be one of these'],
    [{ cache: true }, 'options.cache should be one of these'],
    [{ device: 'gpu' }, 'options.device should be one of these:\n   "auto" | "cpu" | "webgpu"'],
    [{ model: 'arts' }, 'there is no model "arts". Did you mean "art"?'],
    [{ quality: 101 }, 'quality must be a whole number from 1 to 100, not 101'],
    [{ defaults: { include: '*.png', upscale: 99 } }, 'upscale must be a number from 1 to 8, not 99'],
  ] as const)('%j: %s', ([options, words]) => {
    expect(() => new UpresPlugin(options as never)).toThrow(words);
  });

  it('name the loader after everything that results depend on', () => {
    const identOf = (options: UpresPluginOptions): string => UpresPlugin.rules(options)[0]!.use[0]!.ident;
    expect(identOf({ quality: 80 })).toBe(identOf({ quality: 80 }));
    expect(identOf({ quality: 80 })).not.toBe(identOf({ quality: 81 }));
    expect(identOf({ device: 'webgpu' })).not.toBe(identOf({ device: 'cpu' }));
    expect(identOf({ cache: '/here', threads: 1 })).toBe(identOf({ cache: '/there', threads: 8 }));
  });

  it('a report that can’t be written fails the build by its name', async () => {
    const site = makeSite();
    site.write('src/index.js', `import './logo.png?upscale=2';`);
    site.write('taken', 'a file');
    const configuration = site.configuration({}, { report: 'taken/report.html' });
    await expect(build(webpack, configuration)).rejects.toThrow(`${site.path('taken/report.html')}: the report`);
  });

  it('take presets and rules by path into account', async () => {
    const site = makeSite();
    site.write(
      'src/index.js',
      `
      export { default as set } from './logo.png?upscale&preset=retina';
      export { default as webp } from './drawing.png?upscale';`,
    );
    const options = {
      presets: { retina: 'upscale=1;2&as=srcset' },
      defaults: { include: 'src/drawing.*', upscale: 3, format: 'webp' },
    };
    expect(await build(webpack, site.configuration({}, options))).toEqual(nothingToSay);
    const { set, webp } = site.exported();
    expect(set).toMatch(/^\/static\/logo\.\w+\.png 1x, \/static\/logo@2x\.\w+\.png 2x$/);
    expect(webp).toMatch(/drawing@3x\.\w+\.webp$/);
  });
});
