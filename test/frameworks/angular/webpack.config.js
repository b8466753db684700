const { UpresPlugin } = require('upres/webpack');

module.exports = {
  module: { rules: [{ test: /\.(?:png|jpg)$/, type: 'asset/resource' }] },
  plugins: [new UpresPlugin({ model: 'art' })],
};
