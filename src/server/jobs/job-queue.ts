import { FairQueue } from '../../network/pool/fair-queue.js';
import type { Client } from '../service/client.js';
import { workPixels, type Job } from './job.js';

/** What is known of an image's turn before it is taken. */
export interface QueuedTurn {
  readonly lane: Client;
  /** How often it was begun before, and did not end. */
  readonly attempts: number;
}

/** An image whose turn has come. */
export interface QueuedImage extends QueuedTurn {
  readonly id: string;
  readonly place: number;
  readonly pixels: number;
}

/** Images of one job that wait, and were begun equally often. They share a turn, so that who looks for the next one sees few. */
interface QueuedJob extends QueuedTurn {
  readonly id: string;
  readonly priority: number;
  /** Pixels of the largest image. */
  largestPiece: number;
  /** Pixels by place, in the order in which they are taken. */
  readonly waiting: Map<number, number>;
}

/**
 * Images of all jobs that wait. Clients take turns by pixels, and so do the jobs of each: a small job is soon done, however
 * much was asked for besides.
 */
export class JobQueue {
  private readonly fair = new FairQueue<QueuedJob>(({ lane }) => lane);
  /** By job, then by how often the images were begun. */
  private readonly byJob = new Map<string, Map<number, QueuedJob>>();

  /** Adds those images of a job that wait, and are not here yet. */
  add(job: Job, client: Client): void {
    const own = this.byJob.get(job.id) ?? new Map<number, QueuedJob>();
    const known = new Set([...own.values()].flatMap(({ waiting }) => [...waiting.keys()]));
    for (const [place, image] of job.images.entries()) {
      if (image.state !== 'queued' || known.has(place)) continue;
      const { attempts } = image;
      const pixels = workPixels(image);
      const turn = own.get(attempts) ?? this.turn(job.id, client, attempts);
      own.set(attempts, turn);
      turn.waiting.set(place, pixels);
      turn.largestPiece = Math.max(turn.largestPiece, pixels);
    }
    for (const turn of own.values()) this.fair.add(turn);
    if (own.size > 0) this.byJob.set(job.id, own);
  }

  /** Takes the image whose turn it is among those that `ready` accepts. */
  next(ready: (turn: QueuedTurn) => boolean): QueuedImage | undefined {
    const turn = this.fair.next(ready);
    if (!turn) return undefined;
    const { id, lane, attempts, waiting } = turn;
    for (const [place, pixels] of waiting) {
      waiting.delete(place);
      this.fair.charge(turn, pixels);
      if (waiting.size === 0) this.drop(turn);
      return { id, place, pixels, lane, attempts };
    }
    throw new Error('a turn without images is not in the queue');
  }

  /** Lets a job's images go. */
  remove(id: string): void {
    for (const turn of this.byJob.get(id)?.values() ?? []) this.drop(turn);
  }

  private turn(id: string, lane: Client, attempts: number): QueuedJob {
    // An image that was begun before and did not end may be what ended its server: it must not hold up the others again.
    return { id, lane, attempts, priority: -attempts, largestPiece: 0, waiting: new Map() };
  }

  private drop(turn: QueuedJob): void {
    this.fair.remove(turn);
    const own = this.byJob.get(turn.id);
    own?.delete(turn.attempts);
    if (own?.size === 0) this.byJob.delete(turn.id);
  }
}
