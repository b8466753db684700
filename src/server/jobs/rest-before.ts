/** The number of attempts after which an image rests: a server that is ended again and again soon after its start says nothing about it. */
const restlessAttempts = 5;
/** An image that was begun so often without an end is given up: it may be what ends the server. */
export const mostAttempts = 8;
/** Milliseconds of the first rest. */
export const shortestRest = 60_000;

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
