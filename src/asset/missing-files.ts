import { existsSync, mkdtempSync, rmSync, watch, writeFileSync, type FSWatcher } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

/**
 * Files that are not there yet, for `build.watch`: Rolldown watches only what exists (measured with 1.2; Rollup watches both), so
 * modules depend on a stamp that is written when such a file appears.
 */
export class MissingFiles {
  private folder: string | undefined;
  private readonly byFolder = new Map<string, { readonly names: Set<string>; readonly watcher: FSWatcher }>();

  /** A file that changes when one of these appears. */
  stampFor(files: readonly string[]): string {
    for (const file of files) this.expect(dirname(file), basename(file));
    if (this.folder === undefined) {
      this.folder = mkdtempSync(join(tmpdir(), 'upres-watch-'));
      this.touch();
    }
    return this.stamp(this.folder);
  }

  close(): void {
    for (const { watcher } of this.byFolder.values()) watcher.close();
    this.byFolder.clear();
    if (this.folder !== undefined) rmSync(this.folder, { recursive: true, force: true });
    this.folder = undefined;
  }

  private expect(folder: string, name: string): void {
    const known = this.byFolder.get(folder);
    if (known) {
      known.names.add(name);
      return;
    }
    const names = new Set([name]);
    const watcher = watch(folder, { persistent: false }, (_, changed) => {
      if (changed !== null && names.has(changed) && existsSync(join(folder, changed))) this.touch();
    });
    // A folder that goes away takes its images with it: that is the bundler's matter.
    watcher.on('error', () => {
      watcher.close();
    });
    this.byFolder.set(folder, { names, watcher });
  }

  private touch(): void {
    if (this.folder !== undefined) writeFileSync(this.stamp(this.folder), String(performance.now()));
  }

  private readonly stamp = (folder: string): string => join(folder, 'stamp');
}
