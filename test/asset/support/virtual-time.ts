import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '#src/asset/cache/patience.js';

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** Time that passes only when nothing else is left to do: what takes hours takes none, and as long each time. */
export class VirtualTime implements Clock {
  now = 0;
  private readonly timers = new Set<Timer>();

  readonly waited = (): number => this.now;
  readonly passed = (): number => this.now;

  readonly after = (ms: number, callback: () => void): (() => void) => {
    const timer = { at: this.now + ms, callback };
    this.timers.add(timer);
    return () => {
      this.timers.delete(timer);
    };
  };

  readonly sleep = (ms: number): Promise<void> => new Promise((resolve) => void this.after(ms, resolve));

  /** Lets it pass until some work is done, which must not wait for anything else. */
  async until<T>(work: Promise<T>): Promise<T> {
    const state = { done: false };
    void work.catch(() => undefined).finally(() => (state.done = true));
    for (;;) {
      await turn();
      if (state.done) return work;
      const [first] = [...this.timers].sort((one, other) => one.at - other.at);
      if (!first) throw new Error('it would wait for ever');
      this.timers.delete(first);
      this.now = Math.max(this.now, first.at);
      first.callback();
    }
  }
}
