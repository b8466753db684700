import { reactRouter } from '@react-router/dev/vite';
import { defineConfig } from 'vite';
import upres from 'upres/vite';

export default defineConfig({ plugins: [reactRouter(), upres()] });
