// Builds a site in a process of its own: webpack|rspack, the site's folder, and whether to close the compiler in the end.
import console from 'node:console';
import process from 'node:process';
import { rspack } from '@rspack/core';
import { UpresPlugin } from 'upres/webpack';
import webpack from 'webpack';

const [name, folder, ending] = process.argv.slice(2);
const compiler = (name === 'rspack' ? rspack : webpack)({
  mode: 'production',
  context: folder,
  entry: './src/index.js',
  output: { path: `${folder}/dist` },
  plugins: [new UpresPlugin({ cache: `${folder}/cache`, report: true })],
});
compiler.run((error, stats) => {
  console.log(error ? 'crashed' : stats.hasErrors() ? 'failed' : 'built');
  if (ending === 'close') compiler.close(() => console.log('closed'));
});
