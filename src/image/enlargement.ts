import { throwIfAborted, unlessAborted } from '../abort.js';
import { UpresError } from '../errors.js';
import type { EncodeOptions } from './codec/encode-options.js';
import { PictureTimer, type TurnOptions } from './picture-timer.js';
import type { Frame, Progress } from '../pixels.js';
import type { StripFile } from './strips/strip-file.js';

/** One for all: by itself a signal makes an error of its own, with a trace, each time. */
const ended = new UpresError('ABORTED', 'nothing hangs on it any more');

/** What becomes of a picture's pixels, as far as each of its files says so for itself. */
export type Encoding = Pick<EncodeOptions, 'format' | 'quality' | 'lossless'>;

/** A picture of the size that was asked for, and the memory that it is in. */
export interface Pixels {
  /** Its frames; or a file where it is too large to be in memory as a whole. */
  readonly picture: readonly Frame[] | StripFile;
  /** What all encodings have in common. */
  readonly settings: Omit<EncodeOptions, keyof Encoding>;
  /** Bytes that the picture was let in with. */
  readonly bytes: number;
  /** Bytes of these that are not pixels: the source. */
  readonly overhead: number;
  /** Gives back all of the memory but `keep` bytes; default 0. */
  readonly release: (keep?: number) => void;
}

/** How an enlargement is to be made: it ends when the signal fires. */
export interface Making {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

/** Whose encoding it is. */
export interface EncodingOptions extends TurnOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/**
 * One source at one size through one network, while it is under way: any number of encodings hang on it, and each can be given
 * up without the others. It ends with the last one: when no caller wants it any more, its network is stopped.
 */
export class Enlargement<Facts extends Pixels> {
  private readonly stop = new AbortController();
  private readonly listeners = new Set<(progress: Progress) => void>();
  private readonly pixels: Promise<Facts>;
  private wanted = 0;
  private encoding = 0;
  /** As many encoders as there is memory for. */
  private most = Infinity;
  private readonly waiting: (() => void)[] = [];

  /** @param ended called when no caller may join any more */
  constructor(
    make: (making: Making) => Promise<Facts>,
    private readonly ended: () => void,
  ) {
    this.pixels = make({
      signal: this.stop.signal,
      onProgress: (progress) => {
        for (const listener of this.listeners) listener(progress);
      },
    });
    this.pixels.catch(() => undefined);
  }

  /** @throws ABORTED for this encoding alone; OUTPUT_UNWRITABLE; what `make` throws */
  async encode(
    encoding: Encoding,
    { signal, onProgress, ...turn }: EncodingOptions,
  ): Promise<{ readonly data: Uint8Array; readonly codecMs: number; readonly facts: Facts }> {
    this.wanted++;
    if (onProgress) this.listeners.add(onProgress);
    try {
      const facts = await unlessAborted(this.pixels, signal);
      const timer = new PictureTimer({ client: this, ...turn, signal });
      const data = await this.inTurn(facts, signal, () => encodePicture(facts, encoding, timer));
      throwIfAborted(signal);
      return { data, codecMs: timer.codecMs, facts };
    } finally {
      if (onProgress) this.listeners.delete(onProgress);
      if (--this.wanted === 0) await this.end(signal);
    }
  }

  private async inTurn<T>(pixels: Facts, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    this.settle(pixels);
    if (this.encoding >= this.most) await new Promise<void>((begin) => this.waiting.push(begin));
    else this.encoding++;
    try {
      throwIfAborted(signal);
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.encoding--;
    }
  }

  /**
   * Gives back the memory of what is not needed any more: the pixels of the source and of the network. What stays are those of
   * the result, and one more copy for each encoder that may work on them at once; those who come later share these.
   */
  private settle({ bytes, overhead, picture, release }: Facts): void {
    if (isInFile(picture)) {
      release(overhead);
      return;
    }
    const copy = bytesOf(picture);
    const fitting = Math.min(this.most, Math.floor((bytes - overhead - copy) / copy));
    this.most = Math.max(1, Math.min(fitting, this.wanted));
    release(overhead + copy * (1 + this.most));
  }

  private async end(signal: AbortSignal): Promise<void> {
    this.ended();
    this.stop.abort(signal.reason ?? ended);
    const [made] = await Promise.allSettled([this.pixels]);
    if (made.status !== 'fulfilled') return;
    made.value.release();
    if (isInFile(made.value.picture)) await made.value.picture.remove();
  }
}

const isInFile = (picture: Pixels['picture']): picture is StripFile => !Array.isArray(picture);

async function encodePicture(
  { picture, settings }: Pixels,
  encoding: Encoding,
  timer: PictureTimer,
): Promise<Uint8Array> {
  const all = { ...settings, ...encoding };
  if (isInFile(picture)) return (await import('./strips/encode-strips.js')).encodeStrips(picture, all, timer);
  return (await import('./codec/encode.js')).encode(picture, all, timer);
}

const bytesOf = (frames: readonly Frame[]): number =>
  frames.reduce((sum, { colour, alpha }) => sum + colour.data.byteLength + (alpha?.data.byteLength ?? 0), 0);
