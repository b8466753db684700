import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A new folder under the system's temporary folder, removed when the tests of the file (or of the `describe`) are done. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'upres-test-'));
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}
