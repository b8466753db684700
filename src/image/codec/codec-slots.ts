import { availableParallelism, totalmem } from 'node:os';
import { Admission } from '../../network/pool/admission.js';
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

/** Bytes that all codecs of the process may hold, one that needs more excepted: that runs alone. */
const memory = new Admission(Math.min(totalmem() / 8, 2 ** 30));
/** What needs less is bounded by the number of threads. */
const smallBytes = 16 * 2 ** 20;

/** Long jobs leave one thread of the pool to short ones: a thumbnail does not wait for the encoders of posters. */
const longJobs = new Slots(Math.max(1, Math.min(atOnce, poolThreads - 1)));
const shortJobs = new Slots(atOnce);

/** A job for a decoder, encoder or reducer. */
export interface CodecJob extends Pick<QueueMember, 'lane' | 'priority'> {
  /** That it works on: the larger of what goes in and what comes out. */
  readonly pixels: number;
  /** That it holds besides. */
  readonly bytes: number;
  /** Ends the waiting: ABORTED. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs a decoder, encoder or reducer of sharp when there is memory and a thread for it; by turns, since all pictures of the process
 * share them.
 */
export async function inCodecSlot<T>(job: CodecJob, work: () => Promise<T>): Promise<T> {
  const { pixels, bytes, lane, priority, signal } = job;
  if (bytes < smallBytes) return inSlot(pixels, { lane, priority }, work);
  const release = await memory.admit(bytes, priority, signal, lane);
  try {
    return await inSlot(pixels, { lane, priority }, work);
  } finally {
    release();
  }
}

function inSlot<T>(pixels: number, turn: Pick<QueueMember, 'lane' | 'priority'>, work: () => Promise<T>): Promise<T> {
  return (pixels >= longPixels ? longJobs : shortJobs).run({ ...turn, largestPiece: pixels }, work);
}
