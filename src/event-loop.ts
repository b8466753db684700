/** This many small steps (reading or writing a value, about a nanosecond each) are done between two looks at the clock. */
const bandSteps = 1 << 15;

/** Whatever is worked on yields after this long, and after this many steps, however fast the machine. */
const sliceMs = 6;
const sliceSteps = 1 << 18;

/** Those who wait for their slice, first come first served. */
const waiting: (() => void)[] = [];

/**
 * Waits for a slice of the thread's time. One is given in each turn of the event loop, however many work at once: between
 * two slices, whatever else came up (requests, answers of threads, timers) is attended to.
 */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(serveNext);
  });
}

function serveNext(): void {
  // What waits for the promise runs before anything else does; an immediate made in an immediate is for the next turn.
  if (waiting.length > 1) setImmediate(serveNext);
  waiting.shift()?.();
}

/** Tells long work when its slice is over. */
export class TimeSlice {
  private steps = 0;
  private end = performance.now() + sliceMs;

  /** Counts steps; true when it is time to yield. */
  isOver(steps: number): boolean {
    this.steps += steps;
    return this.steps >= sliceSteps || performance.now() >= this.end;
  }

  /** Waits for the next slice. */
  async renew(): Promise<void> {
    await yieldToEventLoop();
    this.steps = 0;
    this.end = performance.now() + sliceMs;
  }
}

/**
 * Works on many rows (of a picture, or whatever comes in pieces) without keeping the event loop waiting: in bands of rows, in
 * slices of a few milliseconds. What is small is done before this returns.
 *
 * @param rows how many there are
 * @param stepsPerRow about how many values are read or written for each
 * @param work is called for the rows from `from` to before `to`, in ascending order, each once
 */
export async function inBands(
  rows: number,
  stepsPerRow: number,
  work: (from: number, to: number) => void,
): Promise<void> {
  const band = Math.max(1, Math.floor(bandSteps / Math.max(1, stepsPerRow)));
  const slice = new TimeSlice();
  for (let from = 0; from < rows; from += band) {
    const to = Math.min(rows, from + band);
    work(from, to);
    if (slice.isOver(band * stepsPerRow) && to < rows) await slice.renew();
  }
}

type Values = Uint8Array | Uint16Array | Float32Array;

/** Values are copied several at a time. */
const copiedAtOnce = 8;
const copyBlock = 1 << 16;

/** Copies values without keeping the event loop waiting: of many megabytes that takes a good while. */
export async function copyInBands(from: Values, to: Values, offset = 0): Promise<void> {
  await inBands(Math.ceil(from.length / copyBlock), copyBlock / copiedAtOnce, (first, end) => {
    to.set(from.subarray(first * copyBlock, end * copyBlock), offset + first * copyBlock);
  });
}
