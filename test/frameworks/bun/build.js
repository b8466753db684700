import { copyFileSync } from 'node:fs';
import upres from 'upres/esbuild';

await Bun.build({
  entrypoints: ['src/main.js'],
  outdir: 'dist',
  minify: true,
  plugins: [upres({ model: 'art' })],
  throw: true,
});
copyFileSync('index.html', 'dist/index.html');
