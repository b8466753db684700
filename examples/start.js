// `npm start`: upscales the sample pictures with the command, as a user would, lays before and after side by side, compares
// pictures with their true doubles, and builds a small site with Vite.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { writeContactSheet } from './contact-sheet.js';
import { pairs as knownPairs, writePairs } from './pairs.js';

const root = new URL('..', import.meta.url);
const path = (name) => fileURLToPath(new URL(name, root));
const command = path(JSON.parse(readFileSync(new URL('package.json', root), 'utf8')).bin.upres);

function run(...words) {
  const { status } = spawnSync(process.execPath, words, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

run(command, path('examples/images'), '--out', path('out/images'), '--overwrite');

const sheet = path('out/contact-sheet.png');
await writeContactSheet(path('examples/images'), path('out/images'), sheet);
const pairs = path('out/pairs.png');
await writePairs(pairs, ['bicubic', 'auto'], await knownPairs());
run(path('node_modules/vite/bin/vite.js'), 'build', path('examples/vite'));

console.log(`
The sample pictures at twice their size:        ${path('out/images')}
Before (enlarged smoothly) and after, together: ${sheet}
Icon, logo, chart, photograph and pixel art next to their true doubles: ${pairs}
A site built with Vite (npx serve it):          ${path('out/vite')}`);
