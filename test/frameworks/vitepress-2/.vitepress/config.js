import { defineConfig } from 'vitepress';
import upres from 'upres/vite';

export default defineConfig({ base: '/folder/', vite: { plugins: [upres()] } });
