import { availableParallelism } from 'node:os';

/** Adds up where the time of one picture went, in milliseconds. */
export class Meter {
  codecMs = 0;
  inferenceMs = 0;

  /** Runs a decoder, encoder or reducer of sharp, one for each core at most, and counts its time but not its waiting. */
  async codec<T>(work: () => Promise<T>): Promise<T> {
    await codecSlots.acquire();
    const start = performance.now();
    try {
      return await work();
    } finally {
      this.codecMs += performance.now() - start;
      codecSlots.release();
    }
  }

  /** Counts the time until all of a picture's planes and frames are through the network. */
  async inference<T>(work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    try {
      return await work();
    } finally {
      this.inferenceMs += performance.now() - start;
    }
  }
}

/** A counting semaphore, first come first served. */
class Slots {
  private readonly waiting: (() => void)[] = [];

  constructor(private free: number) {}

  acquire(): Promise<void> {
    if (this.free > 0) {
      this.free--;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  release(): void {
    const next = this.waiting.shift();
    if (next) next();
    else this.free++;
  }
}

// More codecs at once than cores would only hold more memory; libuv has four threads in any case.
const codecSlots = new Slots(availableParallelism());
