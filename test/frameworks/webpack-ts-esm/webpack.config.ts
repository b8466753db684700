import path from 'node:path';
import type webpack from 'webpack';
// in case you run into any typescript error when configuring `devServer`
import 'webpack-dev-server';
import HtmlPlugin from 'html-webpack-plugin';
import { UpresPlugin } from 'upres/webpack';

const config: webpack.Configuration = {
  mode: 'production',
  entry: './src/main.js',
  output: { path: path.resolve(import.meta.dirname, 'dist'), clean: true },
  module: {
    rules: [
      { test: /\.(?:png|jpg)$/, type: 'asset/resource' },
      { test: /\.css$/, use: ['style-loader', 'css-loader'] },
    ],
  },
  plugins: [new HtmlPlugin(), new UpresPlugin({ model: 'art', presets: { both: 'upscale=1;2&as=srcset' } })],
};

export default config;
