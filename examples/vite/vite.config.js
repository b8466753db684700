import upres from 'upres/vite';

export default {
  build: { outDir: '../../out/vite', emptyOutDir: true },
  plugins: [
    upres({
      // Drawings have a network of their own.
      defaults: { include: '../images/clipart-*', model: 'art' },
      presets: { thumbnail: 'width=120&upscale=1;2;3&as=img' },
      // Images of this folder are made sharper although nothing in the page says so.
      auto: { include: '../images/chelsea.webp' },
    }),
  ],
};
