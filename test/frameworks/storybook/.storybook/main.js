import upres from 'upres/vite';

export default {
  framework: '@storybook/html-vite',
  stories: ['../src/*.stories.js'],
  core: { disableTelemetry: true },
  viteFinal: (config) => ({ ...config, plugins: [...config.plugins, upres()] }),
};
