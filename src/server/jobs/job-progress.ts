import { hasEnded, type Job } from './job.js';

/** How an image that is computed comes on; what is left out stays as it was. */
export interface WorkReport {
  /** What is done, 0 to 1. */
  readonly share?: number;
  /** The code of what it waits for. */
  readonly waitsFor?: string;
}

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
  /** By job, then by image. */
  private readonly reports = new Map<string, Map<number, WorkReport>>();
  /** What a job had done when this process first began one of its images. */
  private readonly throughputs = new Map<string, Throughput>();

  /** @param now milliseconds, of any beginning */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Notes how an image comes on; with nothing, that it has ended. */
  note(job: Job, place: number, report?: WorkReport): void {
    const reports = this.reports.get(job.id) ?? new Map<number, WorkReport>();
    if (report) this.reports.set(job.id, reports.set(place, { ...reports.get(place), ...report }));
    else reports.delete(place);
    if (report && !this.throughputs.has(job.id)) {
      this.throughputs.set(job.id, { since: this.now(), pixels: this.donePixels(job) });
    }
  }

  /** Forgets how a job's images come on, and remembers how fast they did. */
  clear(id: string): void {
    this.reports.delete(id);
  }

  forget(id: string): void {
    this.reports.delete(id);
    this.throughputs.delete(id);
  }

  of(job: Job): JobProgress {
    const totalPixels = job.images.reduce((sum, { pixels }) => sum + pixels, 0);
    const donePixels = this.donePixels(job);
    const secondsLeft = this.secondsLeft(job, donePixels, totalPixels);
    const waits = hasEnded(job) ? [] : [...(this.reports.get(job.id)?.values() ?? [])];
    const waitsFor = waits.find((report) => report.waitsFor !== undefined)?.waitsFor;
    return {
      donePixels,
      totalPixels,
      ...(secondsLeft !== undefined && { secondsLeft }),
      ...(waitsFor !== undefined && { waitsFor }),
    };
  }

  private donePixels(job: Job): number {
    const reports = this.reports.get(job.id);
    const done = job.images.reduce((sum, { state, pixels }, place) => {
      if (state === 'queued' || state === 'cancelled') return sum;
      return sum + (state === 'running' ? (reports?.get(place)?.share ?? 0) * pixels : pixels);
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
