import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as newest from 'vite';
import * as oldest from 'vite-oldest';
import upres from 'upres/vite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tryBuild, tryServer, type Cell } from '../matrix/cell.js';
import { places } from '../matrix/places.js';

// `npm run matrix` tries them all, components too, whose compilers are no dependencies of this project.
let folder: string;
let cell: Omit<Cell, 'vite' | 'base'>;

beforeAll(async () => {
  await mkdir('out', { recursive: true });
  // Here vite-imagetools and Sass are found.
  folder = await mkdtemp(resolve('out/matrix-'));
  cell = {
    upres,
    packages: folder,
    cache: join(folder, 'cache'),
    order: 'last',
    transformer: 'postcss',
    places: places.filter(({ needs = [] }) => needs.every((name) => name === 'sass')),
  };
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

it('builds every place right behind vite-imagetools, with a relative base', async () => {
  expect(cell.places.length).toBeGreaterThan(10);
  expect(await tryBuild({ ...cell, vite: newest, base: './' })).toEqual([]);
});

it('serves every place right in development, below a base, with the oldest Vite', async () => {
  expect(await tryServer({ ...cell, vite: oldest as unknown as typeof newest, base: '/site/' })).toEqual([]);
});
