import type { AssetOptions } from '#upres/asset/options.js';
import type { ReportEntry } from '#upres/asset/report.js';
import { UpresError } from '#upres/errors.js';
import type { Compilation } from 'webpack';
import { forgetGone, pipelineOf } from './pipelines.js';

/** What a summary has said already: compilers may share a pipeline, and a watching one ends many builds. */
const told = new WeakSet<ReportEntry>();

/** Says what was done, if anything was done since it was last said. */
export async function saySummary(compilation: Compilation, options: AssetOptions): Promise<void> {
  const { compiler } = compilation;
  const pipeline = pipelineOf(compiler, options);
  forgetGone(compilation, options);
  const entries = pipeline.report.entries().filter((entry) => !told.has(entry));
  if (entries.length === 0) return;
  for (const entry of entries) told.add(entry);
  const logger = compiler.getInfrastructureLogger('upres');
  const say = (line: string): void => {
    logger.info(line);
  };
  await pipeline.finish(say, entries).catch((error: unknown) => {
    throw error instanceof UpresError
      ? new Error(`${error.file ?? 'upres'}: ${error.message}`, { cause: error })
      : error;
  });
}
