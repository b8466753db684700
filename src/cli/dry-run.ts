import { Source } from '../image/image-source.js';
import { planPicture } from '../image/plan.js';
import { pictureOptions } from './job.js';
import type { RunOptions } from './options.js';
import type { Job } from './plan.js';
import { byHand, overrideOf } from './overrides.js';
import { inputInWords, outputInWords, standardStream } from './streams.js';
import { checkOutput, type WriteOptions } from './write-output.js';

/** What a job would come to, as far as a header tells. */
export interface Foreseen {
  readonly job: Job;
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  /** Output width divided by source width. */
  readonly upscale: number;
  readonly notes: readonly string[];
}

/**
 * Looks at the picture's header and at the place of its output, and computes and writes nothing.
 * @throws UpresError as the job itself would; a picture whose pixels are damaged is found out only there
 */
export async function foresee(
  job: Job,
  options: RunOptions,
  write: Omit<WriteOptions, 'makeFolder'>,
): Promise<Foreseen> {
  const { input, output } = job;
  const header = await (job.override ?? new Source(input.bytes ?? input.path)).header();
  const { target, frames, warnings } = planPicture(
    header,
    pictureOptions(job, options),
    job.override?.file ?? input.path,
  );
  if (output !== standardStream) await checkOutput(output, undefined, write);
  return {
    job,
    width: target.width,
    height: target.height,
    frames,
    upscale: target.width / header.width,
    notes: warnings.map((warning) => `${inputInWords(input.path)}: ${warning}`),
  };
}

/** One line of `--dry-run --json`. */
export interface ForeseenLine {
  readonly input: string;
  readonly output: string;
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly upscale: number;
  readonly dryRun: true;
  readonly override?: string;
  readonly notes?: readonly string[];
}

export function foreseenLine({ job, width, height, frames, upscale, notes }: Foreseen): ForeseenLine {
  return {
    input: job.input.path,
    output: job.output,
    width,
    height,
    frames,
    upscale: Math.round(upscale * 1e4) / 1e4,
    dryRun: true,
    ...overrideOf(job),
    ...(notes.length > 0 ? { notes } : {}),
  };
}

export function foreseenText({ job, width, height }: Foreseen): string {
  return `${inputInWords(job.input.path)} → ${outputInWords(job.output)} (${width}×${height}${byHand(job)})`;
}
