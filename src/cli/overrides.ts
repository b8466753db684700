import type { OwnOutputs } from '../asset/own-outputs.js';
import { Overrides } from '../asset/overrides.js';
import type { Source } from '../image/image-source.js';
import type { Target } from '../image/target.js';
import { defined } from '../schema.js';
import { canonicalPaths } from './canonical.js';
import type { Job } from './plan.js';

/**
 * The jobs of one input, each with the picture made by hand that it is made of, where there is one. What lies in an output's own place
 * is not taken: whether that may be replaced, its writing will say.
 * @param source the input
 */
export async function withOverrides(
  jobs: readonly Job[],
  source: Source,
  outputs: OwnOutputs,
  { upscale = 1 }: Target,
): Promise<Job[]> {
  const { bytes, path: file } = jobs[0]!.input;
  if (bytes !== undefined || upscale === 1) return [...jobs];
  const overrides = new Overrides(file, source, outputs);
  const canonicalPath = canonicalPaths();
  const all: Job[] = [];
  for (const job of jobs) {
    const found = await overrides.find(upscale, job.format);
    const isOutput = found !== undefined && (await canonicalPath(found.file)) === (await canonicalPath(job.output));
    all.push(found === undefined || isOutput ? job : { ...job, override: found.image });
  }
  return all;
}

/** For `--json`: the picture made by hand that an output is made of. */
export function overrideOf({ override }: Job): { override?: string } {
  return defined({ override: override?.file });
}

/** The same for people, after other facts. */
export function byHand({ override }: Job): string {
  return override?.file === undefined ? '' : `, from ${override.file}, made by hand`;
}
