import type { EnvironmentModuleNode, Plugin, ViteDevServer } from 'vite';
import type { Session } from './session.js';

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

/** When a source changes, or one made by hand appears beside it or goes away, what shows it is loaded again. */
export function hotPlugin(session: () => Session): Plugin {
  return {
    name: 'upres:hot',
    apply: 'serve',
    hotUpdate({ file, modules }) {
      const { dependents } = session();
      const { moduleGraph, hot, name } = this.environment;
      // A page is no module that could be replaced.
      if (name === 'client' && dependents.isInPages(file)) hot.send({ type: 'full-reload', path: '*' });
      const more = dependents.modulesOf(file).map((id) => moduleGraph.getModuleById(id));
      const found = more.filter((module): module is EnvironmentModuleNode => module !== undefined);
      return found.length === 0 ? undefined : [...new Set([...modules, ...found])];
    },
  };
}
