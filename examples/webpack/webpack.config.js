import { fileURLToPath, URL } from 'node:url';
import { UpresPlugin } from 'upres/webpack';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));

export default {
  mode: 'production',
  context: path('.'),
  // webpack reads pages and style sheets itself.
  entry: './src/index.html',
  experiments: { html: true, css: true },
  output: { path: path('../../out/webpack'), clean: true },
  plugins: [
    new UpresPlugin({
      // Drawings have a network of their own.
      defaults: { include: '../images/clipart-*', model: 'art' },
      presets: { thumbnail: 'width=120&upscale=1;2;3&as=img' },
    }),
  ],
};
