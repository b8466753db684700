import type { Plugin } from 'vite';
import { autoSummary } from './auto.js';
import type { Session } from './session.js';

/**
 * What is said and done at the end. Environments may be built one after the other, at once, or again and again: the last build
 * that is under way releases the threads, whether it succeeded or failed, so that the process can end.
 */
export function lifecyclePlugin(session: () => Session): Plugin {
  let building = 0;
  let complete = false;
  return {
    name: 'upres:lifecycle',
    apply: 'build',
    buildStart() {
      building++;
      complete = false;
    },
    generateBundle: {
      order: 'post',
      handler() {
        complete = true;
      },
    },
    async closeBundle() {
      const { config, pipeline } = session();
      building = Math.max(0, building - 1);
      try {
        // A server's bundle has no files of ours: what was made for it is what the browser's has.
        if (complete && this.environment.config.build.emitAssets) {
          const log = (line: string): void => {
            config.logger.info(line);
          };
          await pipeline.finish(log);
          const auto = autoSummary(session());
          if (auto) log(auto);
        }
      } finally {
        // A watching build will soon want the threads again; idle, they keep no process from ending.
        if (building === 0) await session().forget({ threads: !this.meta.watchMode });
      }
    },
    async closeWatcher() {
      session().missingFiles.close();
      await session().forget();
    },
  };
}
