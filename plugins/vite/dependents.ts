import type { ViteDevServer } from 'vite';

/** What in the development server depends on which files. */
export class Dependents {
  /** Ids of modules by file. */
  private readonly modules = new Map<string, Set<string>>();
  private readonly pages = new Set<string>();
  private server: ViteDevServer | undefined;

  watch(server: ViteDevServer): void {
    this.server = server;
  }

  add(file: string, moduleId: string): void {
    this.modules.set(file, (this.modules.get(file) ?? new Set()).add(moduleId));
    this.watchFile(file);
  }

  addToPages(file: string): void {
    this.pages.add(file);
    this.watchFile(file);
  }

  modulesOf(file: string): readonly string[] {
    return [...(this.modules.get(file) ?? [])];
  }

  isInPages(file: string): boolean {
    return this.pages.has(file);
  }

  /** The root is watched already. */
  private watchFile(file: string): void {
    if (this.server && !file.startsWith(`${this.server.config.root}/`)) this.server.watcher.add(file);
  }
}
