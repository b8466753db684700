import { solidStart } from '@solidjs/start/config';
import { nitro } from 'nitro/vite';
import { defineConfig } from 'vite';
import upres from 'upres/vite';

export default defineConfig({ plugins: [solidStart(), nitro(), upres()] });
