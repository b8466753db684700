const { UpresPlugin } = require('upres/webpack');
const mix = require('laravel-mix');

mix
  .setPublicPath('dist')
  .js('src/index.js', 'dist')
  .css('src/style.css', 'dist')
  .copy('src/index.html', 'dist')
  .webpackConfig({ plugins: [new UpresPlugin({ model: 'art' })] });
