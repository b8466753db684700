import type { Candidate, LocalPicture, Transform } from './astro.js';
import type { ServiceConfig } from './options.js';

/** Astro's own way to candidates. */
export type Candidates = (wanted: Transform) => Promise<Candidate[]>;

/**
 * The candidates of a picture's `srcset`: those that its author wants, whatever the size of the source, and where nothing is said,
 * those of the option `densities`.
 */
export async function candidatesOf(
  usual: Candidates,
  options: Transform,
  { densities, maxWidth }: ServiceConfig,
): Promise<Candidate[]> {
  const { src } = options;
  if (typeof src === 'string' || src.format === 'svg') return usual(options);
  const layout = options['data-astro-image'];
  const extra = densities
    .filter((density) => density !== 1)
    .filter((density) => src.width <= maxWidth || (options.width ?? src.width) * density <= src.width);
  if (layout !== undefined) {
    const widest = layout === 'full-width' ? src.width : (options.width ?? src.width);
    const more = extra.map((density) => Math.round(widest * density)).filter((width) => width > src.width);
    return withoutCeiling(usual, { ...options, widths: [...(options.widths ?? []), ...more] }, src);
  }
  if (options.widths !== undefined) return withoutCeiling(usual, options, src);
  // The picture itself stands for density 1.
  const wanted = options.densities ?? (extra.length > 0 ? extra : undefined);
  return usual(wanted === undefined ? options : { ...options, densities: [...wanted] });
}

/** Astro leaves out widths above that of the source, which it reads from the picture. */
async function withoutCeiling(usual: Candidates, options: Transform, src: LocalPicture): Promise<Candidate[]> {
  const { width = src.width } = options;
  const height = options.height ?? Math.round((width * src.height) / src.width);
  const widest = Math.max(src.width, ...(options.widths ?? []));
  const candidates = await usual({ ...options, width, height, src: { ...src, width: widest } });
  return candidates.map((candidate) => ({ ...candidate, transform: { ...candidate.transform, src } }));
}
