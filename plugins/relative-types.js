// Run by `npm run build`: TypeScript's older resolution (`moduleResolution: node`) does not know the names that package.json has
// under "imports", so what the plugins' types import is written as paths.
import { globSync } from 'tinyglobby';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';

const built = new URL('../dist/', import.meta.url);

for (const file of globSync('plugins/**/*.d.ts', { cwd: built })) {
  const up = relative(dirname(file), '.').replaceAll('\\', '/');
  const path = new URL(file, built);
  const text = readFileSync(path, 'utf8');
  const written = text.replaceAll(/(from |import\()(['"])#upres\//g, `$1$2${up}/`);
  if (written !== text) writeFileSync(path, written);
}
