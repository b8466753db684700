import type { EnvironmentModuleNode, Plugin } from 'vite';
import type { SessionOf } from './sessions.js';

/** When a source changes, or one made by hand appears next to it or goes away, what shows it is loaded again. */
export function hotPlugin(session: SessionOf): Plugin {
  return {
    name: 'upres:hot',
    apply: 'serve',
    hotUpdate({ file, modules }) {
      const { dependents } = session(this.environment);
      const { moduleGraph, hot, name } = this.environment;
      // A page is no module that could be replaced.
      if (name === 'client' && dependents.isInPages(file)) hot.send({ type: 'full-reload', path: '*' });
      const more = dependents.modulesOf(file).map((id) => moduleGraph.getModuleById(id));
      const found = more.filter((module): module is EnvironmentModuleNode => module !== undefined);
      return found.length === 0 ? undefined : [...new Set([...modules, ...found])];
    },
  };
}
