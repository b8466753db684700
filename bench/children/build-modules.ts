// Builds a project of scripts without pictures. Arguments: `webpack` or `rspack`, its mode, whether to minimise (`true`), the project,
// folder for the result, whether with the plugin (`true`).
import { promisify } from 'node:util';
import type { Compiler, Configuration } from 'webpack';

const [tool = '', mode = '', minimize = '', project = '', out = '', withPlugin = ''] = process.argv.slice(2);
const bundler = tool === 'rspack' ? (await import('@rspack/core')).rspack : (await import('webpack')).default;
const configuration: Configuration = {
  mode: mode as 'production' | 'development',
  context: project,
  entry: './0.js',
  output: { path: out, clean: true },
  optimization: { minimize: minimize === 'true' },
  performance: { hints: false },
  plugins: withPlugin === 'true' ? [new (await import('upres/webpack')).UpresPlugin()] : [],
};
// Rspack has webpack's configuration and its compiler's methods.
const compiler = (bundler as (configuration: Configuration) => Compiler)(configuration);
const stats = await promisify(compiler.run.bind(compiler))();
if (stats === undefined || stats.hasErrors()) throw new Error(stats?.toString('errors-only') ?? 'nothing was built');
await promisify(compiler.close.bind(compiler))();
