// Builds the site: node examples/webpack/build.js
import console from 'node:console';
import process from 'node:process';
import webpack from 'webpack';
import configuration from './webpack.config.js';

const compiler = webpack(configuration);
compiler.run((error, stats) => {
  if (error) throw error;
  console.log(stats.toString({ preset: 'errors-warnings', assets: true, colors: process.stdout.isTTY }));
  console.log(`\nThe site: ${configuration.output.path}/index.html`);
  if (stats.hasErrors()) process.exitCode = 1;
  compiler.close(() => undefined);
});
