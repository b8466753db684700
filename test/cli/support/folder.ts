import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A folder for one test, removed at its end: `await using folder = await makeFolder()`. */
export class Folder implements AsyncDisposable {
  constructor(readonly path: string) {}

  join(...parts: string[]): string {
    return path.join(this.path, ...parts);
  }

  /** Writes files, making their folders. */
  async write(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(path.dirname(this.join(name)), { recursive: true });
      await writeFile(this.join(name), content);
    }
  }

  /** All files, hidden ones too, relative, sorted, with forward slashes. */
  async list(): Promise<string[]> {
    const entries = await readdir(this.path, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory())
      .map((entry) => path.relative(this.path, path.join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
      .sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

export async function makeFolder(): Promise<Folder> {
  return new Folder(await mkdtemp(path.join(tmpdir(), 'upres-cli-')));
}
