import { availableParallelism } from 'node:os';
import { FairQueue, type QueueMember } from '../../network/pool/fair-queue.js';

/** Pixels from which on a codec's job counts as long: an AVIF of this many takes half a second. */
const longPixels = 2 ** 20;

/** Threads on which sharp works, and the file system with it (libuv's pool; the variable is read by Node itself). */
const poolThreads = Number(process.env.UV_THREADPOOL_SIZE) || 4;

/** More codecs at once than cores would only hold more memory. */
const atOnce = Math.max(1, Math.min(availableParallelism(), poolThreads));

interface Waiting extends QueueMember {
  readonly begin: () => void;
}

/** A counting semaphore whose places are given by turns. */
class Slots {
  private readonly queue = new FairQueue<Waiting>();

  constructor(private free: number) {}

  async run<T>(turn: QueueMember, work: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free--;
    else
      await new Promise<void>((begin) => {
        this.queue.add({ ...turn, begin });
      });
    try {
      return await work();
    } finally {
      this.release();
    }
  }

  private release(): void {
    const next = this.queue.next();
    if (next) {
      this.queue.charge(next, next.largestPiece);
      this.queue.remove(next);
      next.begin();
    } else {
      this.free++;
    }
  }
}

/** Long jobs leave one thread of the pool to short ones: a thumbnail does not wait for the encoders of posters. */
const longJobs = new Slots(Math.max(1, Math.min(atOnce, poolThreads - 1)));
const shortJobs = new Slots(atOnce);

/**
 * Runs a decoder, encoder or reducer of sharp when there is a thread for it; by turns, since all pictures of the process
 * share them.
 * @param pixels that it works on: the larger of what goes in and what comes out
 */
export function inCodecSlot<T>(
  pixels: number,
  turn: Pick<QueueMember, 'lane' | 'priority'>,
  work: () => Promise<T>,
): Promise<T> {
  return (pixels >= longPixels ? longJobs : shortJobs).run({ ...turn, largestPiece: pixels }, work);
}
