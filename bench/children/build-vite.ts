// Builds a site with Vite. Arguments: site, folder for the result, cache of the plugin (left out: no plugin).
import { build } from 'vite';
import { networks } from '../site-files.js';
import { readOrder, report } from './build.js';

const { site, out, cache } = readOrder();
const plugins = cache === undefined ? [] : [(await import('upres/vite')).upres({ cache, ...networks })];
await report(() =>
  build({ root: site, configFile: false, logLevel: 'warn', build: { outDir: out, emptyOutDir: true }, plugins }),
);
