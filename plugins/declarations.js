import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

/*
 * TypeScript finds `#upres/…` (and `#src/…`, which it writes for types that it infers) only where `moduleResolution` is one of the newer ones, and what webpack's own recipe for a
 * `webpack.config.ts` sets up is not: so the declarations of the plugins name the core by relative paths.
 */
const dist = join(import.meta.dirname, '../dist');
for (const name of readdirSync(join(dist, 'plugins'), { recursive: true })) {
  const file = join(dist, 'plugins', String(name));
  if (!file.endsWith('.d.ts')) continue;
  const text = readFileSync(file, 'utf8');
  const core = relative(dirname(file), dist).split(sep).join('/');
  const written = text.replaceAll(/(['"])#(?:upres|src)\//g, `$1${core}/`);
  if (written !== text) writeFileSync(file, written);
}
