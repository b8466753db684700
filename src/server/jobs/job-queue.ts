import { FairQueue } from '../../network/fair-queue.js';
import type { Client } from '../client.js';
import type { Job } from './job.js';

/** An image that waits for its turn. */
export interface QueuedImage {
  readonly id: string;
  readonly place: number;
  readonly pixels: number;
  readonly lane: Client;
  readonly priority: number;
}

/**
 * Images of all jobs that wait. Clients take turns by pixels, and so do the images of each: a small image is soon done, however
 * much somebody else has asked for.
 */
export class JobQueue {
  private readonly fair = new FairQueue<QueuedImage>();
  private readonly byJob = new Map<string, Set<QueuedImage>>();

  /** Adds those images of a job that wait, and are not here yet. */
  add(job: Job, client: Client): void {
    const own = this.byJob.get(job.id) ?? new Set<QueuedImage>();
    const known = new Set([...own].map(({ place }) => place));
    for (const [place, { state, pixels, attempts }] of job.images.entries()) {
      if (state !== 'queued' || known.has(place)) continue;
      // An image that was begun before and did not end may be what ended its server: it must not hold up the others again.
      const image = { id: job.id, place, pixels, lane: client, priority: -attempts };
      own.add(image);
      this.fair.add(image);
    }
    if (own.size > 0) this.byJob.set(job.id, own);
  }

  /** Takes the image whose turn it is. */
  next(): QueuedImage | undefined {
    const image = this.fair.next(() => true);
    if (!image) return undefined;
    this.fair.charge(image, image.pixels);
    this.take(image);
    return image;
  }

  /** Lets a job's images go. */
  remove(id: string): void {
    for (const image of this.byJob.get(id) ?? []) this.take(image);
  }

  private take(image: QueuedImage): void {
    this.fair.remove(image);
    const own = this.byJob.get(image.id);
    own?.delete(image);
    if (own?.size === 0) this.byJob.delete(image.id);
  }
}
