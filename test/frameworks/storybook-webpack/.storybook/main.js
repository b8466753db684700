import { UpresPlugin } from 'upres/webpack';

export default {
  framework: '@storybook/react-webpack5',
  stories: ['../src/*.stories.js'],
  addons: ['@storybook/addon-webpack5-compiler-swc'],
  core: { disableTelemetry: true },
  webpackFinal: (config) => ({ ...config, plugins: [...config.plugins, new UpresPlugin({ model: 'art' })] }),
};
