import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import HtmlWebpackPlugin from 'html-webpack-plugin';
import MiniCssExtractPlugin from 'mini-css-extract-plugin';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { Compiler } from 'webpack';
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
    site.write('src/a.css', `@import './b.css'; .a { background: url("./logo.png?upscale=2&model=natural") }`);
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

  it.for([
    ['names a file of the project', 'src/a.json', '{"a":"./logo.png?upscale=2"}', './logo.png?upscale=2'],
    [
      'escapes what it names',
      'src/a.json',
      String.raw`["logo.png?upscale=2\u0026model=auto"]`,
      'logo.png?upscale=2&model=auto',
    ],
    ['names no file', 'src/a.json', '{"a":"/elsewhere/photo.png?upscale=2"}', undefined],
    ['is a sentence', 'src/a.json', '{"description":"Write logo.png?upscale=2"}', undefined],
    ['has the names of modules', 'stats.json', '{"modules":["./src/logo.png?upscale=2"]}', undefined],
    ['has the name of no module', 'stats.json', '{"url":"./src/logo.png?upscale=3"}', './src/logo.png?upscale=3'],
  ] as const)('JSON that %s', async ([, file, json, left]) => {
    for (const bundler of Object.values(bundlers)) {
      const site = makeSite();
      const isAsset = file.startsWith('src/');
      site.write(
        'src/index.js',
        `import './logo.png?upscale=2'; ${isAsset ? `new URL('./a.json', import.meta.url);` : ''}`,
      );
      if (isAsset) site.write(file, json);
      const writeStatistics = (compiler: Compiler): void => {
        compiler.hooks.thisCompilation.tap('statistics', (compilation) => {
          const stage = compiler.webpack.Compilation.PROCESS_ASSETS_STAGE_SUMMARIZE;
          compilation.hooks.processAssets.tap({ name: 'statistics', stage }, () => {
            if (!isAsset) compilation.emitAsset(file, new compiler.webpack.sources.RawSource(json));
          });
        });
      };
      const { errors } = await build(bundler, site.configuration({ plugins: [writeStatistics] }));
      expect(errors, bundler.name).toEqual(
        left === undefined ? [] : [expect.stringContaining(`.json still has "${left}"`)],
      );
    }
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

describe('loaders of other rules for images', () => {
  const asText = 'module.exports = () => "export default 1"; module.exports.raw = true;';
  const pitching =
    'module.exports = () => ""; module.exports.pitch = () => "export default 2"; module.exports.raw = true;';

  it.for([
    ['a script of every image, as file-loader', asText, { type: 'javascript/auto' }],
    ['before it is read, as responsive-loader', pitching, { type: 'javascript/auto' }],
    ['of an asset', asText, { type: 'asset/resource' }],
    ['first of all', asText, { enforce: 'pre' }],
    ['last of all', asText, { enforce: 'post' }],
    ['where nothing else is said', asText, {}],
  ] as const)('that make %s leave those with directives alone', async ([, code, more]) => {
    const site = makeSite();
    site.write('loader.cjs', code);
    site.write(
      'src/index.js',
      `export { default as one } from './logo.png?upscale=2';
       export { default as set } from './logo.png?upscale=1;2&as=srcset';
       export const file = new URL('./drawing.png?upscale=2', import.meta.url).pathname;`,
    );
    const rules = [{ test: /\.png$/, use: [site.path('loader.cjs')], ...more }];
    expect(await build(webpack, site.configuration({ module: { rules } }))).toEqual(nothingToSay);
    expect(site.exported()).toMatchObject({
      one: expect.stringMatching(/^\/static\/logo@2x\.\w+\.png$/) as string,
      set: expect.stringMatching(/logo\.\w+\.png 1x, .*logo@2x\.\w+\.png 2x$/) as string,
    });
    const pictures = site.emitted().filter((name) => name.endsWith('.png'));
    expect(pictures).toHaveLength(3);
    for (const name of pictures) {
      expect((await sharp(site.path('dist', name)).metadata()).format).toBe('png');
    }
  });

  it('of plugins that give all queries of a file one module', async () => {
    const site = makeSite();
    site.write(
      'src/index.js',
      `export { default as two } from './logo.png?upscale=2'; export { default as three } from './logo.png?upscale=3';`,
    );
    const known = new Map<string, string>();
    const merging = (compiler: Compiler): void => {
      compiler.hooks.normalModuleFactory.tap('merging', (factory) => {
        factory.hooks.afterResolve.tap('merging', ({ createData }) => {
          const file = createData.resource!.split('?')[0]!;
          createData.resource = known.get(file) ?? createData.resource!;
          known.set(file, createData.resource);
        });
      });
    };
    expect(await build(webpack, site.configuration({ plugins: [merging] }))).toEqual(nothingToSay);
    const { two, three } = site.exported();
    expect([two, three]).toEqual([expect.stringContaining('logo@2x'), expect.stringContaining('logo@3x')]);
  });

  it('that change our pictures where the plugin can’t prevent it are named', async () => {
    const site = makeSite();
    site.write('loader.cjs', asText);
    site.write('src/index.js', `import './logo.png?upscale=2';`);
    const late = (compiler: Compiler): void => {
      compiler.hooks.normalModuleFactory.tap('late', (factory) => {
        factory.hooks.afterResolve.tap({ name: 'late', stage: 2_000_000 }, ({ createData }) => {
          if (createData.resource!.includes('?'))
            createData.loaders!.unshift({ loader: site.path('loader.cjs'), options: null, ident: null, type: null });
        });
      });
    };
    const { errors } = await build(webpack, site.configuration({ plugins: [late] }));
    expect(errors).toEqual([expect.stringMatching(/logo\.png\?upscale=2" is no picture: .*loader\.cjs/)]);
  });

  it('thread-loader’s processes are told apart from webpack', async () => {
    const site = makeSite();
    const { default: load } = (await import(UpresPlugin.loader)) as {
      default: (this: unknown, source: Buffer) => void;
    };
    const error = await new Promise((resolve) => {
      const context = {
        async: () => resolve,
        getOptions: () => ({}),
        rootContext: site.folder,
        resourceQuery: '?upscale=2',
        resourcePath: site.path('src/logo.png'),
      };
      load.call(context, Buffer.alloc(0));
    });
    expect(String(error)).toContain('thread-loader');
  });
});

describe('require()', () => {
  it('gives the URL, and as `default` where that is asked for', async () => {
    const asked = {
      member: `module.exports = require('./logo.png?upscale=2').default;`,
      destructured: `const { default: url } = require('./logo.png?upscale=2'); module.exports = url;`,
      constant: `const picture = require('./logo.png?upscale=2'); module.exports = picture.default;`,
      called: `const picture = require('./logo.png?upscale=2'); module.exports = String(picture.default);`,
      either: `const picture = require('./logo.png?upscale=2'); module.exports = picture.default || picture;`,
    };
    const site = makeSite();
    for (const [name, code] of Object.entries(asked)) site.write(`src/${name}.js`, code);
    const modules = Object.keys(asked).map((name) => `exports.${name} = require('./${name}.js');`);
    site.write('src/index.js', `exports.url = require('./logo.png?upscale=2'); ${modules.join('\n')}`);
    expect(await build(webpack, site.configuration())).toEqual(nothingToSay);
    const { url, ...others } = site.exported();
    expect(url).toMatch(/^\/static\/logo@2x\.\w+\.png$/);
    expect(others).toEqual(Object.fromEntries(Object.keys(asked).map((name) => [name, url])));
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
    expect(errors.join()).toContain('there is no option "qualty". Did you mean "quality"?');
  });
});

describe('options', () => {
  it('has one plugin under two names', () => {
    expect(UpresPluginDefault).toBe(UpresPlugin);
  });

  it.for([
    [{ qualty: 80 }, 'there is no option "qualty". Did you mean "quality"?'],
    [{ onError: 'ignore' }, 'onError must be one of fail, original, resize, not "ignore"'],
    [{ cache: true }, 'cache must be a folder, false, or { remote }, not true'],
    [{ device: 'gpu' }, 'device must be one of auto, cpu, wasm, webgpu, cuda, dml, coreml, not "gpu"'],
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

describe('what is too old, or is no webpack', () => {
  it('is refused by the plugin, which says what it needs', () => {
    const old: unknown = { webpack: { version: '5.20.0' } };
    expect(() => {
      new UpresPlugin().apply(old as Compiler);
    }).toThrow('UpresPlugin needs webpack 5.36 or newer, or Rspack; this is 5.20.0');
    expect(() => {
      new UpresPlugin().apply(Object.create(null) as Compiler);
    }).toThrow('this is an older one');
  });

  it('is refused by the loader', async () => {
    const { default: loader } = (await import(UpresPlugin.loader)) as {
      default: (this: unknown, source: Buffer) => void;
    };
    const error = await new Promise((resolve) => {
      loader.call({ async: () => resolve, resourcePath: '/site/a.png' }, Buffer.alloc(0));
    });
    expect(error).toMatchObject({
      message: expect.stringMatching(/a\.png: the loader of upres needs webpack 5\.36/) as string,
    });
  });
});
