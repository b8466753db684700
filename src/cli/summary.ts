import type { Skipped } from './collect.js';
import type { Made } from './outcome.js';
import { count, duration, megapixels } from './words.js';

export interface Totals {
  readonly made: readonly Made[];
  readonly failed: number;
  /** Outputs that a dry run would have made; undefined where it is none. */
  readonly foreseen?: number | undefined;
  /** Inputs that were not finished when the run was interrupted. */
  readonly stopped: number;
  readonly skipped: Skipped;
  readonly seconds: number;
}

/** The last words of a run: what was made, what was not, and what was skipped. */
export function summary({ made, failed, foreseen, stopped, skipped, seconds }: Totals): string[] {
  const byHand = made.filter(({ fallback, job }) => fallback === undefined && job.override).length;
  const upscaled = made.filter(({ fallback, job }) => fallback === undefined && !job.override);
  const sum = (key: 'sourcePixels' | 'outputPixels') => upscaled.reduce((total, outcome) => total + outcome[key], 0);
  const unchanged = made.filter((outcome) => outcome.unchanged).length;
  const cached = made.filter((outcome) => outcome.cached).length;
  const asides = [
    ...(cached > 0 ? [`${cached} from the cache`] : []),
    ...(unchanged > 0 ? [`${unchanged} unchanged`] : []),
  ];
  const lines = [
    foreseen !== undefined
      ? `${count(foreseen, 'image')} would be upscaled; nothing was written.`
      : upscaled.length === 0
        ? 'No image was upscaled.'
        : `${count(upscaled.length, 'image')} upscaled, ${megapixels(sum('sourcePixels'))} to ${megapixels(sum('outputPixels'))}, ` +
          `in ${duration(seconds)}${asides.length > 0 ? ` (${asides.join(', ')})` : ''}.`,
  ];
  const choices = chosen(upscaled);
  if (choices !== '') lines.push(`auto took ${choices}.`);
  const elsewhere = otherDevices(upscaled);
  if (elsewhere !== '') lines.push(`Computed on ${elsewhere}.`);
  if (byHand > 0) lines.push(`${count(byHand, 'picture')} made by hand, not computed.`);
  const originals = made.filter(({ fallback }) => fallback?.kind === 'original').length;
  const resized = made.filter(({ fallback }) => fallback?.kind === 'resize').length;
  if (originals > 0) lines.push(`${count(originals, 'original')} copied unchanged, because of errors.`);
  if (resized > 0) lines.push(`${count(resized, 'image')} resized without a network, because of errors.`);
  if (failed > 0) lines.push(`${failed} failed.`);
  if (stopped > 0) lines.push(`Stopped: ${count(stopped, 'image')} not finished.`);
  const passed = skippedKinds(skipped);
  if (passed !== '') lines.push(`Skipped: ${passed}.`);
  return lines;
}

/** Which networks `--model auto` took, the most frequent first; why is in the lines of each image. */
function chosen(upscaled: readonly Made[]): string {
  const models = upscaled.flatMap(({ model, modelReason }) =>
    model !== undefined && modelReason !== undefined ? [model] : [],
  );
  return byFrequency(models);
}

/** Which devices computed, unless it was the CPU all the time. */
function otherDevices(upscaled: readonly Made[]): string {
  const devices = upscaled.flatMap(({ device }) => device ?? []);
  return devices.every((device) => device === 'cpu') ? '' : byFrequency(devices);
}

/** `webgpu for 3, cpu for 1` */
function byFrequency(words: readonly string[]): string {
  const times = new Map<string, number>();
  for (const word of words) times.set(word, (times.get(word) ?? 0) + 1);
  const descending = [...times].sort(([a, more], [b, less]) => less - more || (a < b ? -1 : 1));
  return descending.map(([word, n]) => `${word} for ${n}`).join(', ');
}

function skippedKinds({ variants, others }: Skipped): string {
  const kinds = [...others].sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    ...(variants > 0 ? [count(variants, 'larger variant')] : []),
    ...kinds.map(([ext, n]) =>
      ext === '' ? count(n, 'file without extension', 'files without extension') : `${n} ${ext}`,
    ),
  ].join(', ');
}
