import { workPixels, type Job, type JobImage } from '../jobs/job.js';

/** What an image costs besides its pixels, in pixels: reading, decoding, encoding, writing. */
const costOfAny = 100_000;

/** What the queue calls an image; it takes no `:`. */
export const nameOf = (id: string, place: number): string => `${id}_${place}`;

/** @returns undefined for a name that is none of ours */
export function imageOf(name: string): { readonly id: string; readonly place: number } | undefined {
  const [, id, place] = /^([\w-]{22})_(\d+)$/.exec(name) ?? [];
  return id === undefined ? undefined : { id, place: Number(place) };
}

/** Whether it has not ended. */
export const isOpen = ({ state }: JobImage): boolean => state === 'queued' || state === 'running';

/** An image as the queue knows it. */
export interface Queued {
  readonly name: string;
  /** In pixels. */
  readonly cost: number;
}

/** One image of a job. */
export function queuedOf({ id, images }: Job, place: number): Queued {
  return { name: nameOf(id, place), cost: costOfAny + workPixels(images[place]!) };
}

/** Those images of a job that have not ended. */
export function openImages(job: Job): Queued[] {
  return job.images.flatMap((image, place) => (isOpen(image) ? [queuedOf(job, place)] : []));
}
