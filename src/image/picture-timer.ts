import { throwIfAborted } from '../abort.js';
import { inCodecSlot } from './codec/codec-slots.js';

/** Whose picture it is, as far as that decides when it gets its turn. */
export interface TurnOptions {
  /** Pictures of one client share its turn; default: each picture has its own. */
  readonly client?: object | undefined;
  /** Higher goes first; default 0. */
  readonly priority?: number | undefined;
  /** When it fires, codecs that wait for their turn are not begun: ABORTED. */
  readonly signal?: AbortSignal | undefined;
}

/** Runs the codecs of one picture in its turn, and adds up where its time went, in milliseconds. */
export class PictureTimer {
  codecMs = 0;
  inferenceMs = 0;

  constructor(private readonly options: TurnOptions = {}) {}

  /**
   * Runs a decoder, encoder or reducer of sharp, and counts its time but not its waiting.
   * @param pixels that it works on: the larger of what goes in and what comes out
   * @param bytes that it holds besides; reducers hold next to nothing
   */
  codec<T>(pixels: number, bytes: number, work: () => Promise<T>): Promise<T> {
    const { client = this, priority = 0, signal } = this.options;
    return inCodecSlot({ pixels, bytes, lane: client, priority, signal }, async () => {
      throwIfAborted(signal);
      const start = performance.now();
      try {
        return await work();
      } finally {
        this.codecMs += performance.now() - start;
      }
    });
  }

  /** Between two steps of a codec's work: ABORTED where no one wants it any more. */
  throwIfAborted(): void {
    throwIfAborted(this.options.signal);
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
