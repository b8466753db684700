import type { Job } from './job.js';

/** How far a job is. */
export interface JobProgress {
  /** Pixels of the sources: of images that have ended all, of those that are computed a share. */
  readonly donePixels: number;
  readonly totalPixels: number;
  /** An estimate from the job's own throughput since it was begun; absent before there is one, and at the end. */
  readonly secondsLeft?: number;
  /** The code of what the job waits for, such as a disk that is full; absent where nothing holds it up. */
  readonly waitsFor?: string;
}

interface Throughput {
  readonly since: number;
  readonly pixels: number;
}

/** Less than this share of a job says nothing about the rest. */
const leastShare = 0.02;

/** How far the images are that are being computed, which is forgotten with the process: it is not needed afterwards. */
export class ProgressBook {
  /** By job, then by image: the share that is done, 0 to 1. */
  private readonly shares = new Map<string, Map<number, number>>();
  /** What a job had done when this process first began one of its images. */
  private readonly throughputs = new Map<string, Throughput>();

  /** @param now milliseconds, of any beginning */
  constructor(private readonly now: () => number = () => performance.now()) {}

  begin(job: Job, place: number): void {
    if (!this.throughputs.has(job.id))
      this.throughputs.set(job.id, { since: this.now(), pixels: this.donePixels(job) });
    const shares = this.shares.get(job.id) ?? new Map<number, number>();
    this.shares.set(job.id, shares.set(place, 0));
  }

  /** @param share of an image that is done, 0 to 1 */
  note(id: string, place: number, share: number): void {
    const shares = this.shares.get(id);
    if (shares?.has(place)) shares.set(place, share);
  }

  end(id: string, place: number): void {
    this.shares.get(id)?.delete(place);
  }

  forget(id: string): void {
    this.shares.delete(id);
    this.throughputs.delete(id);
  }

  of(job: Job): JobProgress {
    const totalPixels = job.images.reduce((sum, { pixels }) => sum + pixels, 0);
    const donePixels = this.donePixels(job);
    const secondsLeft = this.secondsLeft(job, donePixels, totalPixels);
    return { donePixels, totalPixels, ...(secondsLeft !== undefined && { secondsLeft }) };
  }

  private donePixels(job: Job): number {
    const shares = this.shares.get(job.id);
    const done = job.images.reduce((sum, { state, pixels }, place) => {
      if (state === 'queued' || state === 'cancelled') return sum;
      return sum + (state === 'running' ? (shares?.get(place) ?? 0) * pixels : pixels);
    }, 0);
    return Math.floor(done);
  }

  private secondsLeft(job: Job, donePixels: number, totalPixels: number): number | undefined {
    const throughput = this.throughputs.get(job.id);
    if (!throughput || job.state !== 'running') return undefined;
    const done = donePixels - throughput.pixels;
    if (done < leastShare * totalPixels) return undefined;
    const seconds = (((this.now() - throughput.since) / done) * (totalPixels - donePixels)) / 1000;
    return Math.ceil(seconds);
  }
}
