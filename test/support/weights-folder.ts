import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A folder for this run's prepared networks: each is prepared once, by the first test that wants it, and neither what the user has
 * nor what an earlier run has left is used. Tests about the folder itself have their own.
 */
export default function setup(): (() => void) | undefined {
  // Once, though it is called for each project.
  if (process.env.UPRES_CACHE_FOLDER !== undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'upres-weights-'));
  process.env.UPRES_CACHE_FOLDER = folder;
  return () => {
    rmSync(folder, { recursive: true, force: true });
  };
}
