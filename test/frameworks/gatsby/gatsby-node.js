const { UpresPlugin } = require('upres/webpack');

exports.onCreateWebpackConfig = ({ actions }) =>
  actions.setWebpackConfig({ plugins: [new UpresPlugin({ model: 'art' })] });
