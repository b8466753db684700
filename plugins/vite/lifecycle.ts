import type { Plugin } from 'vite';
import { autoSummary } from './auto.js';
import type { SessionOf } from './sessions.js';

/**
 * What is said and done at the end. Environments may be built one after the other, at once, or again and again: the last build
 * that is under way releases the threads, whether it succeeded or failed, so that the process can end.
 */
export function lifecyclePlugin(session: SessionOf): Plugin {
  return {
    name: 'upres:lifecycle',
    apply: 'build',
    buildStart() {
      const { builds } = session(this.environment);
      builds.underWay++;
      builds.complete = false;
    },
    generateBundle: {
      order: 'post',
      handler() {
        session(this.environment).builds.complete = true;
      },
    },
    async closeBundle() {
      const own = session(this.environment);
      const { builds, config, pipeline } = own;
      builds.underWay = Math.max(0, builds.underWay - 1);
      try {
        // A server's bundle has no files of ours: what was made for it is what the browser's has.
        if (builds.complete && this.environment.config.build.emitAssets) {
          const log = (line: string): void => {
            config.logger.info(line);
          };
          await pipeline.finish(log);
          const auto = autoSummary(own);
          if (auto) log(auto);
        }
      } finally {
        // A watching build will soon want the threads again; idle, they keep no process from ending.
        if (builds.underWay === 0) await own.forget({ threads: !this.meta.watchMode });
      }
    },
    async closeWatcher() {
      const own = session(this.environment);
      own.missingFiles.close();
      await own.forget();
    },
  };
}
