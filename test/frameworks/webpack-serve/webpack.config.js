import HtmlPlugin from 'html-webpack-plugin';
import { UpresPlugin } from 'upres/webpack';

export default {
  mode: 'production',
  entry: './src/main.js',
  output: { clean: true },
  module: {
    rules: [
      { test: /\.(?:png|jpg)$/, type: 'asset/resource' },
      { test: /\.css$/, use: ['style-loader', 'css-loader'] },
    ],
  },
  devServer: { hot: false },
  plugins: [new HtmlPlugin(), new UpresPlugin({ model: 'art', presets: { both: 'upscale=1;2&as=srcset' } })],
};
