import { setTimeout as sleep } from 'node:timers/promises';
import { ForeignLoad, mostForeignCores } from './processor-time.js';

/** How often it is looked whether other programs have come to rest, in milliseconds. */
const lookMs = 250;

/** Time that may be lost because other programs disturb: by waiting for them, and by repeating what they disturbed. */
export class WaitBudget {
  /** @param leftMs milliseconds */
  constructor(private leftMs: number) {}

  get exhausted(): boolean {
    return this.leftMs <= 0;
  }

  /** Counts time that was lost already. */
  spend(ms: number): void {
    this.leftMs -= ms;
  }

  async waitForRest(): Promise<void> {
    const start = performance.now();
    let foreign: number;
    do {
      const load = new ForeignLoad();
      await sleep(lookMs);
      foreign = load.cores() ?? 0;
    } while (foreign > mostForeignCores && performance.now() - start < this.leftMs);
    this.spend(performance.now() - start);
  }
}
