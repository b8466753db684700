import { createRequire } from 'node:module';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { promisify } from 'node:util';
import { build as esbuild } from 'esbuild';
import gulp from 'gulp';
import HtmlWebpackPlugin from 'html-webpack-plugin';
import MiniCssExtractPlugin from 'mini-css-extract-plugin';
import { rolldown } from 'rolldown';
import { rollup } from 'rollup';
import upresEsbuild from 'upres/esbuild';
import upresGulp, { type GulpOptions } from 'upres/gulp';
import upresRollup from 'upres/rollup';
import upresVite from 'upres/vite';
import { UpresPlugin } from 'upres/webpack';
import { build, createServer, type InlineConfig } from 'vite';
import webpack from 'webpack';
import { serveFolder, type Served } from './static-server.js';
import { writeSite } from './site.js';

/**
 * Builds the site in an empty folder, and serves what came out.
 * @param cache the folder of results, which all tools may share: they deliver the same pictures
 */
export type Tool = (folder: string, cache: string) => Promise<Served>;

export const tools: Readonly<Record<string, Tool>> = {
  Vite: async (folder, cache) => {
    writeSite(folder, 'vite');
    // Nothing inlined, so that what a browser asks for is seen.
    await build({ ...viteConfig(folder, cache), build: { assetsInlineLimit: 0 } });
    return serveFolder(join(folder, 'dist'));
  },

  'the development server of Vite': async (folder, cache) => {
    writeSite(folder, 'vite');
    const server = await createServer({ ...viteConfig(folder, cache), server: { host: '127.0.0.1', port: 0 } });
    await server.listen();
    const { port } = server.httpServer!.address() as { port: number };
    return { url: `http://127.0.0.1:${port}/`, close: () => server.close() };
  },

  webpack: async (folder, cache) => {
    writeSite(folder, 'webpack');
    // The site lies outside of the package, so the loader's name would not be found.
    const cssLoader = createRequire(import.meta.url).resolve('css-loader');
    const compiler = webpack({
      mode: 'production',
      context: folder,
      entry: './main.js',
      output: { path: join(folder, 'dist') },
      module: { rules: [{ test: /\.css$/, use: [MiniCssExtractPlugin.loader, cssLoader] }] },
      plugins: [
        new UpresPlugin({ cache }),
        new MiniCssExtractPlugin(),
        new HtmlWebpackPlugin({ template: './index.ejs' }),
      ],
      infrastructureLogging: { level: 'none' },
    });
    const stats = await promisify(compiler.run.bind(compiler))();
    await promisify(compiler.close.bind(compiler))();
    if (!stats || stats.hasErrors() || stats.hasWarnings()) throw new Error(stats?.toString('errors-warnings'));
    return serveFolder(join(folder, 'dist'));
  },

  Rollup: async (folder, cache) => {
    writeSite(folder, 'rollup');
    const bundle = await rollup({
      input: join(folder, 'main.js'),
      plugins: [upresRollup({ cache })],
      onLog: () => undefined,
    });
    await bundle.write({ dir: folder, entryFileNames: 'bundle.js' });
    await bundle.close();
    return serveFolder(folder);
  },

  Rolldown: async (folder, cache) => {
    writeSite(folder, 'rollup');
    const bundle = await rolldown({
      input: join(folder, 'main.js'),
      plugins: [upresRollup({ cache })],
      onLog: () => undefined,
    });
    await bundle.write({ dir: folder, entryFileNames: 'bundle.js' });
    await bundle.close();
    return serveFolder(folder);
  },

  esbuild: async (folder, cache) => {
    writeSite(folder, 'esbuild');
    await esbuild({
      absWorkingDir: folder,
      entryPoints: { bundle: 'main.js' },
      outdir: folder,
      bundle: true,
      format: 'esm',
      publicPath: '/',
      logLevel: 'error',
      plugins: [upresEsbuild({ cache })],
    });
    return serveFolder(folder);
  },

  Gulp: async (folder, cache) => {
    writeSite(folder, 'gulp');
    const dist = join(folder, 'dist');
    const upscale = (files: string, options: GulpOptions): Promise<void> =>
      finished(
        gulp
          .src(files, { cwd: folder, encoding: false })
          .pipe(upresGulp({ cache, ...options }))
          .pipe(gulp.dest(join(dist, 'img')))
          .resume(),
      );
    await Promise.all([
      finished(gulp.src(['index.html', 'style.css'], { cwd: folder }).pipe(gulp.dest(dist)).resume()),
      upscale('{photo.jpg,banner.webp}', { upscale: [1, 2, 3] }),
      upscale('drawing.png', { upscale: [1, 2, 3], format: ['avif', 'webp', 'png'], model: 'art' }),
      upscale('icon@2x.png', { upscale: [1, 2], model: 'art' }),
      upscale('logo.png', { model: 'art' }),
    ]);
    return serveFolder(dist);
  },
};

function viteConfig(folder: string, cache: string): InlineConfig {
  return {
    root: folder,
    cacheDir: join(folder, 'vite-cache'),
    configFile: false,
    logLevel: 'silent',
    plugins: [upresVite({ cache })],
  };
}
