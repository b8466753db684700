import type { QueuedTurn } from './job-queue.js';

/** An image that was begun so often without an end runs alone: if it ends the server again, no other is suspected for it. */
const suspectAttempts = 2;

export interface Slots {
  /** Images that are computed at once. */
  readonly atOnce: number;
  /** This many more are, each for a client that has no other: its small image need not wait until a large one has ended. */
  readonly beyond: number;
}

/** Whether an image may begin besides those that are computed. */
export function mayBegin(next: QueuedTurn, running: readonly QueuedTurn[], { atOnce, beyond }: Slots): boolean {
  if (running.length === 0) return true;
  if ([next, ...running].some(({ attempts }) => attempts >= suspectAttempts)) return false;
  if (running.length < atOnce) return true;
  return running.length < atOnce + beyond && running.every(({ lane }) => lane !== next.lane);
}
