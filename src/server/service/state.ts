/** So long the end waits for work that was given up. */
const lastSeconds = 3;

import { setMaxListeners } from 'node:events';

/** Whether the server takes work, and what it has to wait for before it ends. */
export class ServerState {
  private readonly drain = new AbortController();
  private readonly stop = new AbortController();
  private readonly busy = new Set<object>();
  private idle: (() => void) | undefined;
  private started = false;

  constructor() {
    // Each request that is worked on listens.
    setMaxListeners(0, this.drain.signal, this.stop.signal);
  }

  /** Fires when the server begins to end: nothing new is begun from then on. */
  readonly draining: AbortSignal = this.drain.signal;
  /** Fires when what still runs must be given up. */
  readonly stopping: AbortSignal = this.stop.signal;

  /** Whether new work is taken. */
  get ready(): boolean {
    return this.started && !this.draining.aborted;
  }

  /** Whether there is something that the end of the server would have to wait for. */
  get working(): boolean {
    return this.busy.size > 0;
  }

  /** The server listens from now on. */
  start(): void {
    this.started = true;
  }

  /**
   * Notes something that the end of the server waits for.
   * @returns a function that says that it is over; calling it twice does no harm
   */
  beginRequest(): () => void {
    const work = {};
    this.busy.add(work);
    return () => {
      this.busy.delete(work);
      if (this.busy.size === 0) this.idle?.();
    };
  }

  /** What still runs is given up now. */
  giveUp(): void {
    this.drain.abort();
    this.stop.abort();
  }

  /**
   * Takes no more work and waits for what runs.
   * @param seconds then what still runs is given up
   */
  async end(seconds: number): Promise<void> {
    this.drain.abort();
    const timer = setTimeout(() => {
      this.giveUp();
    }, seconds * 1000);
    const timeout = new Promise<void>((resolve) => {
      this.stopping.addEventListener('abort', () => setTimeout(resolve, lastSeconds * 1000).unref());
    });
    // What is given up ends within a tile, but its answer is still to be sent; who doesn't take it is not waited for.
    await Promise.race([this.whenIdle(), timeout]);
    clearTimeout(timer);
    this.stop.abort();
  }

  private async whenIdle(): Promise<void> {
    if (this.busy.size > 0) await new Promise<void>((resolve) => (this.idle = resolve));
  }
}
