import adapter from '@sveltejs/adapter-static';
import { enhancedImages } from '@sveltejs/enhanced-img';
import { sveltekit } from '@sveltejs/kit/vite';
import { defineConfig } from 'vite';
import { upscaling } from 'upres/imagetools';
import upres from 'upres/vite';

export default defineConfig({ plugins: [upscaling(enhancedImages()), sveltekit({ adapter: adapter() }), upres()] });
