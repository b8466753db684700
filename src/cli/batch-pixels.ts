/**
 * How far a batch is, in source pixels. An image counts for the pixels that it has, however many passes its network makes
 * over them, so that the bar's end is known before any work starts.
 */
export class BatchPixels {
  readonly #images = new Map<string, { readonly pixels: number; fraction: number }>();
  readonly #now: () => number;
  #start: number;
  #total = 0;
  #done = 0;

  /** @param now a clock in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#start = now();
  }

  /** Announces an image. */
  add(image: string, pixels: number): void {
    this.#images.set(image, { pixels, fraction: 0 });
    this.#total += pixels;
  }

  /** Starts the clock anew, once the work begins. */
  start(): void {
    this.#start = this.#now();
  }

  /** @param fraction 0..1; a smaller one than before is ignored, as are images that were not announced */
  advance(image: string, fraction: number): void {
    const entry = this.#images.get(image);
    const next = Math.min(1, fraction);
    if (entry === undefined || !(next > entry.fraction)) return;
    this.#done += (next - entry.fraction) * entry.pixels;
    entry.fraction = next;
  }

  get totalPixels(): number {
    return this.#total;
  }

  get donePixels(): number {
    return this.#done;
  }

  /** Source pixels per second since the start. */
  get rate(): number {
    const seconds = (this.#now() - this.#start) / 1000;
    return seconds > 0 ? this.#done / seconds : 0;
  }

  /** Seconds until the end at this rate; undefined while nothing is known. */
  get secondsLeft(): number | undefined {
    return this.rate > 0 ? Math.max(0, this.#total - this.#done) / this.rate : undefined;
  }
}
