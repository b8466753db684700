import { UpresPlugin } from 'upres/webpack';

export default {
  title: 'Fixture',
  url: 'https://example.com',
  baseUrl: '/',
  presets: [['classic', { docs: { routeBasePath: 'docs' }, blog: false, theme: { customCss: './src/style.css' } }]],
  plugins: [() => ({ name: 'upres', configureWebpack: () => ({ plugins: [new UpresPlugin({ model: 'art' })] }) })],
};
