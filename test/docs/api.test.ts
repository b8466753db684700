import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runChild } from '../support/child.js';
import { temporaryFolder } from '../support/folders.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const written = join(root, 'docs/api');

const pagesOf = (folder: string): Map<string, string> =>
  new Map(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
  );

describe('the pages of the public interface', () => {
  it('say all there is, without a warning, and are as old as the code: npm run docs:api', async () => {
    const folder = temporaryFolder();
    const { code, stdout, stderr } = await runChild(join(root, 'node_modules/typedoc/bin/typedoc'), ['--out', folder]);
    expect({ code, said: stdout + stderr }).toMatchObject({ code: 0 });
    expect(pagesOf(folder)).toEqual(pagesOf(written));
  });
});

describe('package.json', () => {
  it('names the types of each entry for older resolutions, too, and their pages', () => {
    const read = (name: string): unknown => JSON.parse(readFileSync(join(root, name), 'utf8'));
    const { exports, types, typesVersions } = read('package.json') as {
      readonly exports: Readonly<Record<string, string | { readonly types: string }>>;
      readonly types: string;
      readonly typesVersions: { readonly '*': Readonly<Record<string, readonly string[]>> };
    };
    const typed = Object.entries(exports).flatMap(([entry, target]) =>
      typeof target === 'string' ? [] : [[entry.slice(2), [target.types]] as const],
    );
    const [[, main], ...others] = typed as [(typeof typed)[0], ...typeof typed];
    expect([types]).toEqual(main);
    expect(typesVersions['*']).toEqual({ ...Object.fromEntries(others), '*': main });
    const { entryPoints } = read('typedoc.json') as { readonly entryPoints: readonly string[] };
    const documented = typed.map(([, [path]]) => path).filter((path) => path.endsWith('/index.d.ts'));
    expect(entryPoints.map((path) => `./dist/${path.replace(/^src\//, '').replace(/\.ts$/, '.d.ts')}`).sort()).toEqual(
      documented.sort(),
    );
  });
});
