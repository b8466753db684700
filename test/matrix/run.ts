/* Tries all places, bases, orders and style compilers with each Vite, in builds, servers' bundles and development: right, or an error. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as ViteModule from 'vite';
import upres from 'upres/vite';
import { tryBuild, tryServer, type Cell } from './cell.js';
import { bases, orders, places, transformers } from './places.js';

const versions = ['6.4', '7', '8'] as const;
const packages = [
  'sass',
  'lightningcss',
  'vue',
  '@vitejs/plugin-vue',
  'svelte',
  '@sveltejs/vite-plugin-svelte',
  'vite-imagetools',
];

const folder = mkdtempSync(join(tmpdir(), 'upres-matrix-packages-'));
const asked = process.argv.slice(2);
let tried = 0;
const wrong: string[] = [];
try {
  for (const version of versions.filter((each) => asked.length === 0 || asked.includes(each))) {
    const place = install(version);
    const vite = (await import(
      pathToFileURL(createRequire(join(place, 'x.js')).resolve('vite')).href
    )) as typeof ViteModule;
    for (const transformer of transformers) {
      for (const order of orders) {
        for (const base of bases) {
          const cell: Cell = {
            vite,
            upres,
            packages: place,
            cache: join(folder, 'cache'),
            base,
            order,
            transformer,
            places,
          };
          note(`Vite ${vite.version}, ${transformer}, ${order}, base "${base}", build`, await tryBuild(cell));
        }
        for (const base of ['/', '/site/'] as const) {
          const cell: Cell = {
            vite,
            upres,
            packages: place,
            cache: join(folder, 'cache'),
            base,
            order,
            transformer,
            places,
          };
          note(`Vite ${vite.version}, ${transformer}, ${order}, base "${base}", development`, await tryServer(cell));
        }
      }
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${tried} sites of ${places.length} places each; ${wrong.length} wrong`);
for (const line of wrong) console.log(line);
process.exitCode = wrong.length > 0 ? 1 : 0;

function install(version: string): string {
  const place = process.env.UPRES_MATRIX_PACKAGES ?? join(folder, version);
  if (process.env.UPRES_MATRIX_PACKAGES !== undefined) return resolve(place);
  execFileSync('mkdir', ['-p', place]);
  writeFileSync(join(place, 'package.json'), '{ "private": true, "type": "module" }');
  const svelte =
    version === '6.4'
      ? '@sveltejs/vite-plugin-svelte@5'
      : version === '7'
        ? '@sveltejs/vite-plugin-svelte@6'
        : undefined;
  const wanted = packages.map((name) => (name === '@sveltejs/vite-plugin-svelte' && svelte ? svelte : name));
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefix', place];
  execFileSync('npm', ['install', ...options, `vite@${version}`, ...wanted], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return place;
}

function note(site: string, problems: readonly string[]): void {
  tried++;
  console.error(`${site}: ${problems.length === 0 ? 'right' : problems.join('; ')}`);
  wrong.push(...problems.map((problem) => `${site}: ${problem}`));
}
