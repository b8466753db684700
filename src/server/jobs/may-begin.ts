import type { QueuedTurn } from './job-queue.js';

/** An image that was begun so often without an end runs alone: if it ends the server again, no other is suspected for it. */
const suspectAttempts = 2;
/** After so many it rests: a server that is ended again and again soon after its start says nothing about the image. */
const restlessAttempts = 5;
/** An image that was begun so often without an end is given up: it may be what ends the server. */
export const mostAttempts = 8;
/** Milliseconds of the first rest. */
export const shortestRest = 60_000;

export interface Slots {
  /** Images that are computed at once. */
  readonly atOnce: number;
  /** This many more are, each for a client that has no other: its small image need not wait until a large one has ended. */
  readonly beyond: number;
}

/**
 * How long a server has to have lived before it begins an image again: a server that lives is what an image must end to be
 * suspected once more. Each rest is four times as long as the one before.
 * @param shortest milliseconds
 * @returns milliseconds from the server's start
 */
export function restBefore(attempts: number, shortest: number): number {
  if (attempts < restlessAttempts || attempts >= mostAttempts) return 0;
  return shortest * 4 ** (attempts - restlessAttempts);
}

/** Whether an image may begin besides those that are computed. */
export function mayBegin(next: QueuedTurn, running: readonly QueuedTurn[], { atOnce, beyond }: Slots): boolean {
  if (running.length === 0) return true;
  if ([next, ...running].some(({ attempts }) => attempts >= suspectAttempts)) return false;
  if (running.length < atOnce) return true;
  return running.length < atOnce + beyond && running.every(({ lane }) => lane !== next.lane);
}
