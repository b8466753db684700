// Builds the page with a rule that hands all images to one loader, as configurations of before webpack 5 have it. Argument: which.
const { writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { UpresPlugin } = require('upres/webpack');
const webpack = require('webpack');

const [which] = process.argv.slice(2);

const rules = {
  'file-loader': () => ({ use: ['file-loader'], type: 'javascript/auto' }),
  'url-loader': () => ({ use: [{ loader: 'url-loader', options: { limit: 8192 } }], type: 'javascript/auto' }),
  'responsive-loader': () => ({
    use: [{ loader: 'responsive-loader', options: { adapter: require('responsive-loader/sharp') } }],
    type: 'javascript/auto',
  }),
  'thread-loader': () => ({ use: ['thread-loader'], type: 'asset/resource' }),
  'image-minimizer': () => ({ type: 'asset' }),
};

/** It adds its loader to all images, and afterwards looks at the files, too. */
function minimizer() {
  const Plugin = require('image-minimizer-webpack-plugin');
  const options = { encodeOptions: { jpeg: { quality: 60 }, webp: { quality: 60 } } };
  return new Plugin({
    minimizer: { implementation: Plugin.sharpMinify, options },
    generator: [{ preset: 'webp', implementation: Plugin.sharpGenerate, options }],
  });
}

const compiler = webpack({
  mode: 'production',
  context: __dirname,
  entry: './src/index.js',
  output: { path: join(__dirname, 'dist'), clean: true },
  module: {
    rules: [
      { test: /\.(?:png|jpg)$/, ...rules[which]() },
      { test: /\.css$/, use: ['style-loader', 'css-loader'] },
    ],
  },
  optimization: { minimizer: which === 'image-minimizer' ? ['...', minimizer()] : ['...'] },
  performance: { hints: false },
  plugins: [new UpresPlugin({ model: 'art', presets: { both: 'upscale=1;2&as=srcset' } })],
});
compiler.run((error, stats) => {
  if (error || stats.hasErrors() || stats.hasWarnings()) throw error ?? new Error(stats.toString('errors-warnings'));
  writeFileSync(join(__dirname, 'dist/index.html'), '<!doctype html><body><script src="main.js"></script></body>');
  compiler.close(() => {});
});
