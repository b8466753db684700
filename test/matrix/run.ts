/* Tries all places, bases, orders and style compilers with each Vite, in builds, servers' bundles and development: right, or an error. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type * as ViteModule from 'vite';
import upres from 'upres/vite';
import { tryBuild, tryServer } from './cell.js';
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

const [asked] = process.argv.slice(2);
if (asked !== undefined) await tryAll(asked);
else {
  // At once: much of a build is one thread's work, or waiting.
  const outcomes = await Promise.all(versions.map((version) => inProcess(version)));
  process.exitCode = outcomes.some((code) => code !== 0) ? 1 : 0;
}

/** In a process of its own, since a release of Vite brings a compiler of its own. */
async function inProcess(version: string): Promise<number | null> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), version], { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

/** Prints what is wrong with one release of Vite; the exit code says whether anything is. */
async function tryAll(version: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'upres-matrix-packages-'));
  const sites: { readonly name: string; readonly problems: readonly string[] }[] = [];
  const note = (name: string, problems: readonly string[]): void => {
    sites.push({ name, problems });
    console.error(`${name}: ${problems.length === 0 ? 'right' : problems.join('; ')}`);
  };
  try {
    const installed = install(version, folder);
    const vite = (await import(
      pathToFileURL(createRequire(join(installed, 'x.js')).resolve('vite')).href
    )) as typeof ViteModule;
    const common = { vite, upres, packages: installed, cache: join(folder, 'cache'), places };
    for (const transformer of transformers) {
      for (const order of orders) {
        const name = `Vite ${vite.version}, ${transformer}, ${order}`;
        for (const base of bases) {
          note(`${name}, base "${base}", build`, await tryBuild({ ...common, base, order, transformer }));
        }
        for (const base of ['/', '/site/'] as const) {
          note(`${name}, base "${base}", development`, await tryServer({ ...common, base, order, transformer }));
        }
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const wrong = sites.flatMap(({ name, problems }) => problems.map((problem) => `${name}: ${problem}`));
  console.log(`Vite ${version}: ${sites.length} sites of ${places.length} places each; ${wrong.length} wrong`);
  for (const line of wrong) console.log(line);
  process.exitCode = wrong.length > 0 ? 1 : 0;
}

function install(version: string, folder: string): string {
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
