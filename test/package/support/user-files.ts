/** Configurations of a project with all cases, as their authors write them. */
export const configurations = {
  'vite.config.js': `import { defineConfig } from 'vite';
import upres from 'upres/vite';

export default defineConfig({
  root: 'src',
  plugins: [upres()],
  build: {
    outDir: '../out/vite',
    // Every picture as a file, and a script that runs without a page.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
`,

  // Its cache is off, so that nothing comes from another tool's build.
  'webpack.config.cjs': `const { join } = require('node:path');
const { UpresPlugin } = require('upres/webpack');
const MiniCssExtractPlugin = require('mini-css-extract-plugin');

module.exports = {
  mode: 'production',
  cache: { type: 'filesystem', cacheDirectory: join(__dirname, 'out/webpack-cache'), buildDependencies: { config: [__filename] } },
  entry: './src/main.js',
  output: { path: join(__dirname, 'out/webpack'), publicPath: '/' },
  module: { rules: [{ test: /\\.css$/, use: [MiniCssExtractPlugin.loader, 'css-loader'] }] },
  plugins: [new UpresPlugin({ cache: false }), new MiniCssExtractPlugin()],
};
`,

  'build-with-webpack.cjs': `const webpack = require('webpack');

webpack(require('./webpack.config.cjs'), (error, stats) => {
  if (error) throw error;
  if (stats.hasErrors() || stats.hasWarnings()) throw new Error(stats.toString());
});
`,

  'gulpfile.mjs': `import { readFileSync } from 'node:fs';
import { dest, parallel, src } from 'gulp';
import upres from 'upres/gulp';

const { gulp } = JSON.parse(readFileSync('cases.json', 'utf8'));

const tasks = gulp.map(({ source, options }, index) => {
  const upscale = () =>
    src(\`src/\${source}\`, { encoding: false })
      .pipe(upres({ cache: 'out/gulp-cache', ...options }))
      .pipe(dest(\`out/gulp/\${index}\`));
  upscale.displayName = source;
  return upscale;
});

export default parallel(...tasks);
`,

  'core.js': `import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { Upscaler } from 'upres';

const { core } = JSON.parse(readFileSync('cases.json', 'utf8'));
const upscaler = new Upscaler();
await mkdir('out/core', { recursive: true });
await Promise.all(
  core.flatMap(({ source, options }, index) =>
    options.map(async (option, i) => {
      const { data } = await upscaler.upscale(\`src/\${source}\`, option);
      await writeFile(\`out/core/\${index}-\${i}\`, data);
    }),
  ),
);
await upscaler.dispose();
`,

  'required.cjs': `const { Upscaler, ThreadSafeNetwork } = require('upres');
const { UpresPlugin, default: webpackPlugin } = require('upres/webpack');
console.log(typeof Upscaler, typeof ThreadSafeNetwork);
console.log(typeof require('upres/vite').upres, typeof require('upres/gulp').upres, typeof require('upres/rollup').upres, typeof require('upres/esbuild').upres, typeof require('upres/next').upres);
console.log(UpresPlugin === webpackPlugin && typeof new UpresPlugin().apply);
`,
} as const;

function configuration(resolution: object): string {
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    target: 'es2022',
    lib: ['es2023', 'dom'],
    types: ['node', 'upres/vite/client'],
    skipLibCheck: false,
    ...resolution,
  };
  return JSON.stringify({ compilerOptions, include: ['typed'] });
}

/** TypeScript of such a project. What must not type-check says so, so that nothing is \`any\`. */
export const typedFiles = {
  'tsconfig.json': configuration({ module: 'nodenext' }),
  // As older projects have it: TypeScript then knows nothing of a package's "exports".
  'tsconfig.node10.json': configuration({
    module: 'es2022',
    moduleResolution: 'node10',
    ignoreDeprecations: '6.0',
    esModuleInterop: true,
  }),

  'typed/site.ts': `import url from './a.png?upscale=2';
import srcset from './a.png?upscale=1;2&as=srcset';
import img from './a.png?upscale=1;2&model=art&as=img';
import picture from './a.png?upscale=1;2&format=png;webp&as=picture';
import metadata from './a.png?upscale=2&as=metadata';

export const texts: string[] = [url, srcset, img.src, img.srcset, picture.img.src, metadata.src, ...picture.sources.map(({ type }) => type)];
export const sizes: number[] = [img.width, img.height, metadata.width, metadata.displayWidth];
// @ts-expect-error a URL is a string
export const wrong: number = url;
// @ts-expect-error no such directive
import('./a.png?upscale=2&as=imge');
`,

  'typed/core.ts': `import { builtinLabels, probe, ThreadSafeNetwork, Upscaler, UpresError, type UpscaleResult } from 'upres';

const upscaler = new Upscaler({ threads: 2 });
export const result: UpscaleResult = await upscaler.upscale('a.png', { upscale: 3, model: 'art', format: 'webp' });
export const network: ThreadSafeNetwork = await ThreadSafeNetwork.loadBuiltinNatural({ scale: 2 });
export const info: number = (await probe('a.png')).width;
export const labels: string[] = builtinLabels().map(({ label }) => label);
export const isOurs = (error: unknown): boolean => error instanceof UpresError && error.code === 'INPUT_NOT_FOUND';
// @ts-expect-error no such format
await upscaler.upscale('a.png', { format: 'bmp' });
`,

  'typed/vite.config.ts': `import { defineConfig } from 'vite';
import upres, { type UpresViteOptions } from 'upres/vite';

const options: UpresViteOptions = { model: 'art', dev: 'preview', auto: { include: '**/*.png' } };
export default defineConfig({ plugins: [upres(options)] });
// @ts-expect-error auto says which images it is for
upres({ auto: {} });
`,

  'typed/bundlers.ts': `import upresEsbuild, { type UpresEsbuildOptions } from 'upres/esbuild';
import upresRollup, { type UpresRollupOptions } from 'upres/rollup';

const shared: UpresEsbuildOptions & UpresRollupOptions = { model: 'art', leftovers: 'warn' };
export const names: string[] = [upresEsbuild(shared).name, upresRollup(shared).name];
// @ts-expect-error no such choice
upresRollup({ leftovers: 'warm' });
`,

  'typed/webpack.config.ts': `import { UpresPlugin, type UpresPluginOptions } from 'upres/webpack';
import type { Configuration } from 'webpack';

const options: UpresPluginOptions = { model: 'art', onError: 'resize' };
export const configuration: Configuration = {
  module: { rules: UpresPlugin.rules(options) },
  plugins: [new UpresPlugin(options)],
};
// @ts-expect-error no such option
new UpresPlugin({ modle: 'art' });
`,

  'typed/astro.ts': `import upres, { type UpresAstroOptions } from 'upres/astro';

const options: UpresAstroOptions = { model: 'art', densities: [1, 2] };
export const entrypoint: string = upres(options).entrypoint;
// @ts-expect-error no such option
upres({ density: 2 });
`,

  'typed/next.config.ts': `import upres, { type UpresNextOptions } from 'upres/next';

const options: UpresNextOptions = { model: 'art', leftovers: 'warn' };
export default upres(options)({ reactStrictMode: true });
// @ts-expect-error no such option
upres({ modle: 'art' });
`,

  'typed/imagetools.ts': `import { upscaling, type UpscalingOptions } from 'upres/imagetools';

const options: UpscalingOptions = { model: 'art' };
export const plugins: object[] = upscaling([{ name: 'imagetools' }], options);
// @ts-expect-error no such option
upscaling([], { modle: 'art' });
`,

  'typed/server.ts': `import { createServer, type ServerOptions } from 'upres/server';

const options: ServerOptions = { port: 0, limits: { frames: 10 } };
export const url: string | undefined = (await createServer(options)).url;
// @ts-expect-error no such option
await createServer({ prot: 0 });
`,

  'typed/gulpfile.ts': `import { dest, src } from 'gulp';
import upres, { type GulpOptions } from 'upres/gulp';

const options: GulpOptions = { upscale: [1, 2, 3], format: ['webp', 'png'], quality: { webp: 80 } };
export const upscale = () => src('images/**', { encoding: false }).pipe(upres(options)).pipe(dest('dist'));
// @ts-expect-error no such option
upres({ upscle: 2 });
`,
} as const;
