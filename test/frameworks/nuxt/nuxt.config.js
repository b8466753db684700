import upres from 'upres/vite';

export default defineNuxtConfig({
  compatibilityDate: '2026-01-01',
  devtools: { enabled: false },
  css: ['~/assets/main.css'],
  vite: { plugins: [upres()] },
});
