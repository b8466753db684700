import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Whether a path, as it stands in a URL of a script, leads to a file. Of a template with parts, as in `./icons/${name}.png`, the folder
 * is all that is known.
 */
export function leadsToFile(folder: string, path: string): boolean {
  const part = path.indexOf('${');
  if (part < 0) return existsSync(join(folder, path));
  const known = path.slice(0, path.lastIndexOf('/', part) + 1);
  return /[^/]/.test(known) && existsSync(join(folder, known));
}
