/**
 * What a thread and the main thread tell each other without messages, because messages are not read while a thread computes
 * or while a process ends: a few numbers in shared memory.
 *
 * The rule that keeps processes from aborting: a thread announces BUSY before it enters the runtime and looks at STOP after
 * that; whoever wants to end it sets STOP before looking at BUSY. With Atomics' sequential consistency at least one of the
 * two sees the other, so no one ends a thread that is inside the runtime.
 */
const stateIndex = 0;
const stopIndex = 1;
const idle = 0;
const busy = 1;

export class ThreadState {
  private readonly cells: Int32Array;

  constructor(readonly buffer: SharedArrayBuffer = new SharedArrayBuffer(8)) {
    this.cells = new Int32Array(buffer);
  }

  /**
   * Runs something that must not be interrupted by the thread's end. Called by the thread itself.
   * @returns what it returned, or undefined without having called it when the thread is being stopped
   */
  async guard<T>(work: () => Promise<T>): Promise<T | undefined> {
    Atomics.store(this.cells, stateIndex, busy);
    try {
      if (this.stopping) return undefined;
      return await work();
    } finally {
      Atomics.store(this.cells, stateIndex, idle);
      Atomics.notify(this.cells, stateIndex);
    }
  }

  get stopping(): boolean {
    return Atomics.load(this.cells, stopIndex) === 1;
  }

  get computing(): boolean {
    return Atomics.load(this.cells, stateIndex) === busy;
  }

  /** From now on the thread enters the runtime no more. */
  stop(): void {
    Atomics.store(this.cells, stopIndex, 1);
  }

  /**
   * Blocks until the thread is outside the runtime.
   * @param deadline milliseconds on `performance.now()`'s clock
   * @returns false when it was still inside at the deadline
   */
  waitUntilIdle(deadline: number): boolean {
    while (this.computing) {
      const left = deadline - performance.now();
      if (left <= 0) return false;
      Atomics.wait(this.cells, stateIndex, busy, left);
    }
    return true;
  }
}
