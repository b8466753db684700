import { defineConfig } from 'astro/config';
import upres from 'upres/astro';

export default defineConfig({ image: { service: upres() }, devToolbar: { enabled: false } });
