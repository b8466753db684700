// Builds a site with webpack. Arguments: site, folder for the result, cache of the plugin (left out: no plugin).
import { promisify } from 'node:util';
import webpack from 'webpack';
import { networks } from '../site-files.js';
import { readOrder, report } from './build.js';

const { site, out, cache } = readOrder();
const plugins = cache === undefined ? [] : [new (await import('upres/webpack')).UpresPlugin({ cache, ...networks })];
await report(async () => {
  const compiler = webpack({
    mode: 'production',
    context: site,
    entry: './index.html',
    experiments: { html: true, css: true },
    output: { path: out, clean: true },
    module: { rules: [{ test: /\.(?:png|jpe?g|webp)$/, resourceQuery: { not: /upscale/ }, type: 'asset/resource' }] },
    // Such pictures are heavier than what webpack thinks right for a page.
    performance: { hints: false },
    plugins,
  });
  const stats = await promisify(compiler.run.bind(compiler))();
  if (stats === undefined || stats.hasErrors())
    throw new Error(stats?.toString('errors-only') ?? 'webpack built nothing');
  for (const { message } of stats.toJson({ all: false, warnings: true }).warnings ?? []) console.error(message);
  await promisify(compiler.close.bind(compiler))();
});
