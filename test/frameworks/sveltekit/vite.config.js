import adapter from '@sveltejs/adapter-static';
import { sveltekit } from '@sveltejs/kit/vite';
import { defineConfig } from 'vite';
import upres from 'upres/vite';

export default defineConfig({ plugins: [sveltekit({ adapter: adapter() }), upres()] });
