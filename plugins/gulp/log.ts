import type { AssetPipeline } from '#upres/asset/pipeline.js';
import { pluginName } from './errors.js';

export interface GulpLog {
  readonly warn: (message: string) => void;
  /** One line at the end, or with `--verbose` one for each file. */
  readonly summary: (pipeline: AssetPipeline, untouched: readonly string[]) => Promise<void>;
}

/** This many names of files that passed untouched are said. */
const mostNames = 3;

/** Lines that look like Gulp's own, unless the command line has `--silent`. */
export function gulpLog(argv: readonly string[] = process.argv): GulpLog {
  const silent = argv.includes('--silent') || argv.includes('-S');
  const verbose = argv.includes('--verbose');
  const info = (message: string): void => {
    if (!silent) process.stdout.write(line(message));
  };
  return {
    warn: (message) => {
      process.stderr.write(line(message));
    },
    summary: async (pipeline, untouched) => {
      if (verbose) {
        await pipeline.finish(info);
        for (const name of untouched) info(`${name}  passed untouched`);
        return;
      }
      await pipeline.settle();
      await pipeline.writeReport();
      const entries = pipeline.report.entries();
      const made = entries.length > 0 ? [pipeline.report.summary(entries)] : [];
      const parts = untouched.length > 0 ? [...made, describeUntouched(untouched)] : made;
      if (parts.length > 0) info(parts.join('; '));
    },
  };
}

function describeUntouched(names: readonly string[]): string {
  const more = names.length > mostNames ? ', …' : '';
  return `${names.length} passed untouched (${names.slice(0, mostNames).join(', ')}${more})`;
}

function line(message: string): string {
  return `[${new Date().toTimeString().slice(0, 8)}] ${pluginName}: ${message}\n`;
}
