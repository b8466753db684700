import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { rspack } from '@rspack/core';
import MiniCssExtractPlugin from 'mini-css-extract-plugin';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import type { Configuration, WebpackPluginInstance } from 'webpack';
import { build, bundlers, emittedBytes, makeSite, type Bundler } from './support/webpack.js';

const cssLoader = createRequire(import.meta.url).resolve('css-loader');

/** The ways that CSS takes into files of its own. */
const styles: Record<string, { bundler: Bundler; rule?: object; plugin?: WebpackPluginInstance; css?: Configuration }> =
  {
    'mini-css-extract-plugin': {
      bundler: bundlers.webpack,
      rule: { use: [MiniCssExtractPlugin.loader, cssLoader], type: 'javascript/auto' },
      plugin: new MiniCssExtractPlugin(),
    },
    'CSS of webpack': { bundler: bundlers.webpack, css: { experiments: { css: true } } },
    CssExtractRspackPlugin: {
      bundler: bundlers.rspack,
      rule: { use: [rspack.CssExtractRspackPlugin.loader, cssLoader], type: 'javascript/auto' },
      plugin: new rspack.CssExtractRspackPlugin() as never,
    },
    'CSS of Rspack': { bundler: bundlers.rspack, rule: { type: 'css' } },
  };

/** How assets are called, and what one has to be called for a factor. */
const filenames: [filename: string | undefined, called: (factor: 1 | 2) => RegExp][] = [
  [undefined, (factor) => (factor === 2 ? /^logo@2x\.[0-9a-f]{8}\.png$/ : /^logo\.[0-9a-f]{8}\.png$/)],
  ['[name][ext]', (factor) => (factor === 2 ? /^logo@2x\.png$/ : /^logo\.png$/)],
  ['i/[hash][ext]', () => /^i\/[0-9a-f]+\.png$/],
  ['i/[name].[contenthash:6][ext]', (factor) => (factor === 2 ? /^i\/logo@2x\.\w{6}\.png$/ : /^i\/logo\.\w{6}\.png$/)],
];

const table = Object.keys(styles).flatMap((style) =>
  filenames.map(([filename, called]) => ({ style, filename: filename ?? 'the usual name', called })),
);

it.each(table)(
  '$style, $filename: an image of a script and of CSS is one file',
  async ({ style, filename, called }) => {
    const { bundler, rule, plugin, css } = styles[style]!;
    const site = makeSite();
    site.write(
      'src/index.js',
      `import './a.css'; import './b.css';
     import one from './logo.png?upscale=1'; import two from './logo.png?upscale=2';
     console.log(one, two, new URL('./logo.png?upscale=2', import.meta.url));`,
    );
    site.write('src/a.css', `.a { background: image-set(url(logo.png?upscale=1) 1x, url("logo.png?upscale=2") 2x) }`);
    site.write('src/b.css', `.b { background: url(./logo.png?upscale=2) }`);
    const configuration = site.configuration({
      ...css,
      target: 'web',
      output: {
        library: { type: 'var', name: 'site' },
        ...(filename !== 'the usual name' && { assetModuleFilename: filename }),
      },
      module: { rules: rule ? [{ test: /\.css$/, ...rule }] : [] },
      plugins: plugin ? [plugin] : [],
    });
    expect(await build(bundler, configuration)).toEqual({ errors: [], warnings: [] });
    const pictures = site.emitted().filter((name) => name.endsWith('.png'));
    expect(pictures).toHaveLength(2);
    const inCss = new Set(readFileSync(site.path('dist/main.css'), 'utf8').match(/[\w@./]+\.png/g));
    expect([...inCss].map((url) => url.replace('/static/', '')).sort()).toEqual(pictures);
    const script = readFileSync(site.path('dist/main.js'), 'utf8');
    for (const picture of pictures) {
      expect(script).toContain(`"${picture}"`);
      const { width } = await sharp(emittedBytes(site, picture)).metadata();
      expect(picture).toMatch(called(width === 20 ? 2 : 1));
    }
  },
);

it.each(Object.values(bundlers))(
  '$name: an image of a script, and of a script that a loader runs within the build, is one file',
  async (bundler) => {
    const site = makeSite();
    site.write(
      'run.cjs',
      `module.exports = function () {
         const done = this.async();
         this.importModule('./theme.js', {}, (error, { default: theme } = {}) => done(error, 'export default ' + JSON.stringify(theme)));
       };`,
    );
    const both = `import one from './logo.png?upscale=1'; import two from './logo.png?upscale=2';`;
    site.write('src/theme.js', `${both} export default [one, two];`);
    site.write('src/run.js', '');
    site.write('src/index.js', `${both} import theme from './run.js'; export const pictures = [[one, two], theme];`);
    const configuration = site.configuration({
      output: { assetModuleFilename: '[name][ext]' },
      module: { rules: [{ test: /run\.js$/, use: site.path('run.cjs') }] },
    });
    expect(await build(bundler, configuration)).toEqual({ errors: [], warnings: [] });
    const pictures = ['/static/logo.png', '/static/logo@2x.png'];
    expect(site.exported().pictures).toEqual([pictures, pictures]);
    expect((await sharp(emittedBytes(site, pictures[1]!)).metadata()).width).toBe(20);
  },
);
