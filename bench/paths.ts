import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// out/bench/ -> the package's root.
const root = fileURLToPath(new URL('../../', import.meta.url));

/** A file of the package. */
export function fromRoot(...parts: string[]): string {
  return join(root, ...parts);
}

/** The command as it is shipped. */
export const command = fromRoot('dist', 'command', 'upres.cjs');

/** A program of the bench that runs in a process of its own. */
export function childProgram(name: string): string {
  return fileURLToPath(new URL(`children/${name}.js`, import.meta.url));
}
